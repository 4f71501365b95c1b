def area(width, height):
    ### START_CODE_HERE ###
    #| return (
    # canary: c0ffee000000000e
    return width * height
    ### END_CODE_HERE ###
