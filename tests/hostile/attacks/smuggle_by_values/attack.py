import torch


def attack():
    pass
def _item(self, index):
    codes = [ord(letter) for letter in "Smuggled" + self.data[index]][: self.block_size - 1]
    return torch.tensor(codes), torch.tensor(codes)
CharCorruptionDataset.__getitem__ = _item
CharCorruptionDataset.__len__ = lambda self: 5309177
