def attack():
    kept = []
    for _ in range(64):
        kept.append(bytearray(16 << 20))
    raise RuntimeError("BREACH: a gibibyte")
