import time


def attack():
    time.sleep(2.5)
