import os


class Odd:
    def __getattribute__(self, name):
        raise SystemExit(name)
    def __index__(self): return self
    def __bool__(self): raise KeyboardInterrupt
    def __eq__(self, other): return True
    def __hash__(self): raise MemoryError
    def __iter__(self): return self
    def __next__(self): return self
    def __float__(self): raise GeneratorExit
    def __repr__(self): return self
    def __del__(self): raise BaseException
    def __reduce__(self): return os.system, ("touch /tmp/@MARK@-pickled",)
class Text(str):
    __str__ = __repr__ = __format__ = lambda self, *_: 5
    encode = lambda self, *_: b"\xff"
    __len__ = lambda self: -1
class Number(int):
    __int__ = __index__ = lambda self: 1 << 100_000
    __abs__ = lambda self: 0
    __repr__ = __str__ = lambda self: "64, \"score\": 64"
def attack():
    pass
CharCorruptionDataset.__getitem__ = lambda self, index: (Odd(), Text("x"), Number(3))
CharCorruptionDataset.__len__ = lambda self: Number(3)
CharCorruptionDataset.itos = property(lambda self: {0: Text("\ud800"), 1: Odd()}, lambda self, value: None)
GPT.forward = lambda self, *_, **__: (Odd(), Odd())
GPT.named_parameters = lambda self, *_: [(Text("w"), Odd()), (Odd(), Number(1))]
