import threading
import time


def attack():
    for _ in range(300):
        try:
            threading.Thread(target=time.sleep, args=(20,)).start()
        except RuntimeError:
            break
    else:
        raise RuntimeError("BREACH: 300 threads")
