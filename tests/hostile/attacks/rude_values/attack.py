def attack():
    pass
_TEXTS = ["\x00\x1b[2J\x9b\u202e</pre><script>alert(1)</script>", "\ud800", "NaN", "Infinity", "\u2028", "a" * 200_000]
CharCorruptionDataset.itos = property(lambda self: dict(enumerate(_TEXTS[:1] + _TEXTS[2:])), lambda self, value: None)
