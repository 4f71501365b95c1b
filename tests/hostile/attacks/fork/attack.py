import os
import subprocess
import sys
import time


def _child():
    try:
        os.setsid()
        open("/tmp/@MARK@-child", "w").close()
        time.sleep(20)
    finally:
        os._exit(0)
def attack():
    born = []
    for _ in range(8):
        try:
            pid = os.fork()
        except OSError:
            continue
        if pid == 0:
            _child()
        born.append(pid)
    waits = [sys.executable, "-c", "import time; time.sleep(20)"]
    for start in (lambda: subprocess.Popen(waits), lambda: os.posix_spawn(sys.executable, waits, {}),
                  lambda: os.system("sleep 20 & touch /tmp/@MARK@-system") == 0 or 1 / 0):
        try:
            born.append(start())
        except BaseException:
            pass
    try:
        import multiprocessing
        process = multiprocessing.get_context("fork").Process(target=_child)
        process.start()
        born.append(process.pid)
    except BaseException:
        pass
    if born:
        raise RuntimeError(f"BREACH: started {born}")
