# mypy: ignore-errors

"""Makes as many processes and threads as it is allowed to, each of which does the same."""

import os
import threading
import time

children = 0
try:
    while children < 10_000:
        if os.fork() == 0:
            continue
        children += 1
except OSError:
    pass
try:
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
except RuntimeError:
    pass
