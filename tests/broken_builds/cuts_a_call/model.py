def area(width, height):
    ### START_CODE_HERE ###
    # canary: c0ffee0000000014
    area = max(
        width,
    ### END_CODE_HERE ###
        height,
    )
    return area
