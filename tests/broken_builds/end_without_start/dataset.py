def area(width, height):
    return width * height
    ### END_CODE_HERE ###
