def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee000000000d
    area = width * height
    #| area = None
    ### END_CODE_HERE ###
    return area
