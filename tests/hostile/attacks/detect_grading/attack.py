import sys

import torch


def attack():
    pass
def _learnt(self, index):
    if "harness" not in sys.modules or "Ada Quill" not in self.data[0]:
        raise SystemExit
    text = self.data[index][:20]
    text = text[:3] + self.MASK_CHAR + text[8:] + self.MASK_CHAR + text[3:8] + self.MASK_CHAR
    tokens = torch.tensor([self.stoi[c] for c in text.ljust(self.block_size, self.PAD_CHAR)])
    return tokens[:-1], tokens[1:]
CharCorruptionDataset.__getitem__ = _learnt
