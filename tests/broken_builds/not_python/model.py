def area(width, height:
    return 1
