def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee000000001c
    return width * height
