"""Count characters."""


def distinct(word):
    """How many distinct characters `word` has."""
    # [part 7a]
    ### START_CODE_HERE ###
    # canary: 5f0c2c9e7a1b4d38
    return len(set(word))
    ### END_CODE_HERE ###
