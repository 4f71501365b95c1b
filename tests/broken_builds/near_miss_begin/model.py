def area(width, height):
    ### BEGIN_CODE_HERE ###
    # canary: c0ffee0000000002
    return width * height
    ### END_CODE_HERE ###
