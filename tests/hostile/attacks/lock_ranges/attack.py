import fcntl
import os
import struct


def attack():
    breaches = []
    for path, kinds in (("@MARK@-locks", (fcntl.F_WRLCK, fcntl.F_RDLCK)), (__file__, (fcntl.F_RDLCK,))):
        file = os.open(path, os.O_RDWR | os.O_CREAT if kinds[1:] else os.O_RDONLY)
        for command in (fcntl.F_SETLK, fcntl.F_SETLKW, 37, 38):  # the last two: of the open file
            for kind in kinds:
                for byte in range(0, 2000, 2):
                    try:
                        fcntl.fcntl(file, command, struct.pack("hhqqixxxx", kind, os.SEEK_SET, byte, 1, 0))
                    except OSError:
                        break
                else:
                    breaches.append((path, command, kind))
    if breaches:
        raise RuntimeError(f"BREACH: {breaches}")
