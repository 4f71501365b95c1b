import functools


@functools.cache
### START_CODE_HERE ###
# canary: c0ffee0000000016
def area(width, height):
    return width * height
### END_CODE_HERE ###
