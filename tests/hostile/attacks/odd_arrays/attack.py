import numpy as np

_ODD = [np.array([object(), None], dtype=object), np.zeros(3, dtype=[("a", "f8"), ("b", "O")]), np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.array(5), np.zeros((0, 3)), np.arange(9)[::-1], np.arange(9, dtype=">i8"), np.array(["text"]), np.void(b"x"),
        np.ma.masked_array([1, 2], [True, False]), np.matrix([[1]]), np.float16(1), np.longdouble(1)]
def attack():
    pass
CharCorruptionDataset.__getitem__ = lambda self, index: (_ODD[index % len(_ODD)], _ODD[(index + 1) % len(_ODD)])
GPT.forward = lambda self, *_, **__: (np.array([object()], dtype=object), np.array([{}]))
