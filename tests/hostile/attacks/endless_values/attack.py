import itertools

import torch


class Endless(list):
    def __iter__(self):
        return itertools.count()
    def __len__(self):
        return 1 << 62
    def __getitem__(self, key):
        return self
class EndlessDict(dict):
    def __len__(self): return 1 << 40
    def __getitem__(self, key): return "x" * 1000
    def items(self): return ((number, number) for number in itertools.count())
    keys = values = __iter__ = lambda self: itertools.count()
def attack():
    pass
CharCorruptionDataset.__getitem__ = lambda self, index: (Endless(), Endless())
CharCorruptionDataset.__len__ = lambda self: 1 << 62
CharCorruptionDataset.itos = property(lambda self: EndlessDict(), lambda self, value: None)
GPT.parameters = GPT.named_parameters = lambda self, *_: itertools.repeat(("x", torch.nn.Parameter(torch.zeros(9))))
