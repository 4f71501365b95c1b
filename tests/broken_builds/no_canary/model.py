def area(width, height):
    ### START_CODE_HERE ###
    return width * height
    ### END_CODE_HERE ###
