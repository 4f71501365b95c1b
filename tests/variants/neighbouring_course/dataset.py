# ruff: noqa
import random
import torch
from torch.utils.data import Dataset

MASK_CHAR, PAD_CHAR = "\u2047", "\u25a1"


class NameDataset(Dataset):
    """here the pretraining dataset comes first"""

    def __init__(self, pretraining_dataset, data):
        self.MASK_CHAR, self.PAD_CHAR = MASK_CHAR, PAD_CHAR
        self.itos, self.stoi = pretraining_dataset.itos, pretraining_dataset.stoi
        self.block_size = pretraining_dataset.block_size
        self.data = data.strip().split("\n")

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        question, place = self.data[i].split("\t")
        x = (question + MASK_CHAR + place + MASK_CHAR).ljust(self.block_size, PAD_CHAR)
        y = PAD_CHAR * (len(question) - 1) + x[len(question):]
        return torch.tensor([self.stoi[c] for c in x[:-1]]), torch.tensor([self.stoi[c] for c in y])


class CharCorruptionDataset(Dataset):
    def __init__(self, data, block_size):
        self.MASK_CHAR, self.PAD_CHAR = MASK_CHAR, PAD_CHAR
        chars = [PAD_CHAR, MASK_CHAR] + sorted(set(data))
        self.stoi, self.itos = {c: i for i, c in enumerate(chars)}, dict(enumerate(chars))
        self.vocab_size, self.block_size = len(chars), block_size
        self.data = data.split("\n")

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        doc = self.data[i]
        doc = doc[:random.randint(4, min(int(self.block_size * 3 / 4), len(doc)))]
        length = random.randint(1, max(1, len(doc) // 2 - 1))
        start = random.randint(1, max(1, len(doc) - length - 1))
        masked = doc[:start] + MASK_CHAR + doc[start + length:] + MASK_CHAR + doc[start:start + length]
        masked = masked.ljust(self.block_size + 1, PAD_CHAR)
        return torch.tensor([self.stoi[c] for c in masked[:-1]]), torch.tensor([self.stoi[c] for c in masked[1:]])
