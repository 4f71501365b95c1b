import os, time
def attack():
    time.sleep(0.6)
    os._exit(213)
