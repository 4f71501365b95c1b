import os
import time


def attack():
    os.closerange(0, 4096)
    time.sleep(20)
