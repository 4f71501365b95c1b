def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee0000000006
    return width * height
