def sign(x):
    if x > 0:
        return 1
    ### START_CODE_HERE ###
    # canary: c0ffee0000000018
    else:
        return -1
    ### END_CODE_HERE ###
