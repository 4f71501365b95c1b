def area(width, height):
    ### START CODE_HERE ###
    # canary: c0ffee0000000001
    return width * height
    ### END_CODE_HERE ###
