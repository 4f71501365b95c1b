### START_CODE_HERE ###
# canary: c0ffee0000000012
RATE = 6e-4
### END_CODE_HERE ###


def rate():
    return RATE
