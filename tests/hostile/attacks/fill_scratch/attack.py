def attack():
    for number in range(20):
        with open(f"@MARK@-{number}", "wb") as file:
            file.write(bytes(8 << 20))
    import time
    time.sleep(20)
