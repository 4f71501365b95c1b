import os, time
def attack():
    time.sleep(1.1)
    os._exit(213)
