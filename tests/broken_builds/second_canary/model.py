def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee0000000009
    # canary: c0ffee000000000a
    return width * height
    ### END_CODE_HERE ###
