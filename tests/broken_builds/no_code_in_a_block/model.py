def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee0000000010
    # nothing yet
    ### END_CODE_HERE ###
    return 0
