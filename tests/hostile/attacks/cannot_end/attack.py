import os
import sys
import threading
import time


def attack():
    os._exit = os.abort = os.kill = sys.exit = lambda *_: None
    threading.Thread(target=time.sleep, args=(30,)).start()
