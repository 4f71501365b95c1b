def area(width, height):
    area = max(
        width,
        ### START_CODE_HERE ###
        # canary: c0ffee0000000015
        height,
    )
    return area
        ### END_CODE_HERE ###

