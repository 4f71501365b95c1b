def attack():
    import time

    time.sleep(3600)
