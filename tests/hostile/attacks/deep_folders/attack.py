import os


def attack():
    start = os.getcwd()
    try:
        for depth in range(1500):
            os.mkdir(b"\xff\n\x1b[2J" + b"d" * 100)
            os.chdir(b"\xff\n\x1b[2J" + b"d" * 100)
        os.close(os.open(b"..\xfe", os.O_CREAT))
    finally:
        os.chdir(start)
    for name in ("closed", "closed/inner"):
        os.mkdir(name)
    os.chmod("closed/inner", 0); os.chmod("closed", 0)
