import time


class Slow(Exception):
    def __str__(self):
        while True:
            time.sleep(1)
def attack():
    raise Slow
