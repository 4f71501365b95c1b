import os
import time


def attack():
    os.mkdir("@MARK@-many")
    for number in range(20000):
        os.close(os.open(f"@MARK@-many/{number}", os.O_CREAT | os.O_WRONLY))
    time.sleep(20)
