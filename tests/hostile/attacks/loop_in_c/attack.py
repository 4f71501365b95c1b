def attack():
    number = 3 ** (1 << 24)
    for _ in range(1000):
        number * number
