import mmap


def attack():
    kept = []
    for _ in range(64):
        piece = mmap.mmap(-1, 16 << 20)
        for page in range(0, 16 << 20, 4096):
            piece[page] = 1
        kept.append(piece)
    raise RuntimeError("BREACH: a gibibyte")
