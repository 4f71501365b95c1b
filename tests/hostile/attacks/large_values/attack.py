import torch


def attack():
    pass
class Names(dict):
    def __getitem__(self, key):
        return "\u2047" * (8 << 20)
CharCorruptionDataset.__getitem__ = lambda self, index: (torch.zeros(2 << 20, dtype=torch.long),) * 2
CharCorruptionDataset.itos = property(lambda self: Names(enumerate("abc")), lambda self, value: None)
