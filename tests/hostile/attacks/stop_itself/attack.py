import os, signal
def attack():
    os.kill(os.getpid(), signal.SIGSTOP)
