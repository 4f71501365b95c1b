import time


def attack():
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            continue
