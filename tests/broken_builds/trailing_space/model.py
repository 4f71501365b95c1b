def area(width, height):
    ### START_CODE_HERE ### 
    # canary: c0ffee0000000003
    return width * height
    ### END_CODE_HERE ###
