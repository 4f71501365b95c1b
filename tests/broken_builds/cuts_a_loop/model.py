def total(numbers):
    result = 0
    for number in numbers:
        ### START_CODE_HERE ###
        # canary: c0ffee0000000019
        result += number
    return result
        ### END_CODE_HERE ###
