def attack():
    while True:
        print("spam " * 2000)
