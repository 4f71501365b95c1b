def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee000000000b
    return width * height
    ### END_CODE_HERE ###
