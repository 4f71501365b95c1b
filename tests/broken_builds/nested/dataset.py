def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee0000000005
    area = width * height
    ### START_CODE_HERE ###
    return area
    ### END_CODE_HERE ###
