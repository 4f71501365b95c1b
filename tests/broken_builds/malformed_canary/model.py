def area(width, height):
    ### START_CODE_HERE ###
    # Canary: 12ab
    return width * height
    ### END_CODE_HERE ###
