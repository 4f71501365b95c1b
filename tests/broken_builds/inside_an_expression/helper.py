def sizes():
    return [
        1,
        ### START_CODE_HERE ###
        # canary: c0ffee0000000011
        2,
        ### END_CODE_HERE ###
    ]
