import os
import time


def attack():
    time.sleep(0.6)
    os._exit(213)
