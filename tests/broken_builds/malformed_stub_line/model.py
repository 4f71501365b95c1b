def area(width, height):
    ### START_CODE_HERE ###
    #|return 0
    # canary: c0ffee000000000c
    return width * height
    ### END_CODE_HERE ###
