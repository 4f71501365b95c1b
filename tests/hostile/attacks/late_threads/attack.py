import os
import threading
import time


def attack():
    pass
def _late():
    while True:
        time.sleep(0.02)
        for descriptor in range(1, 16):
            try:
                os.write(descriptor, b'{"score": 64}')
            except OSError:
                pass
        try:
            open("/tmp/@MARK@-late", "w").close()
        except OSError:
            pass
class Last:
    def __del__(self):
        _late()
_last = Last()
for _ in range(4):
    threading.Thread(target=_late, daemon=False).start()
