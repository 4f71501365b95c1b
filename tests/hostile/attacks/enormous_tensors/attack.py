import torch


def attack():
    pass
def _item(self, index):
    huge = torch.zeros(1, dtype=torch.long).expand(1 << 38)
    return (huge, torch.zeros(2, 2, device="meta"), torch.zeros(4, 4).to_sparse())[index % 3], huge
CharCorruptionDataset.__getitem__ = _item
GPT.forward = lambda self, *_, **__: (torch.zeros(1).expand(1 << 38), torch.zeros(1))
