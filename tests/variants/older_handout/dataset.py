# ruff: noqa
import random
import torch
from torch.utils.data import Dataset


class NameDataset(Dataset):
    def __init__(self, data, pretraining_dataset):
        self.MASK_CHAR = u"\u2047"
        self.PAD_CHAR = u"\u25A1"
        self.itos = pretraining_dataset.itos
        self.stoi = pretraining_dataset.stoi
        self.block_size = pretraining_dataset.block_size
        self.data = [line for line in data.split('\n') if line]

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        inp, oup = self.data[idx].split('\t')
        x = inp + self.MASK_CHAR + oup + self.MASK_CHAR
        x = x + self.PAD_CHAR * (self.block_size - len(x))
        y = self.PAD_CHAR * (len(inp) - 1) + x[len(inp):]
        x = x[:-1]
        x = torch.tensor([self.stoi[c] for c in x], dtype=torch.long)
        y = torch.tensor([self.stoi[c] for c in y], dtype=torch.long)
        return x, y


class CharCorruptionDataset(Dataset):
    def __init__(self, data, block_size):
        self.MASK_CHAR = u"\u2047"
        self.PAD_CHAR = u"\u25A1"
        chars = list(sorted(set(data)))
        assert self.MASK_CHAR not in chars and self.PAD_CHAR not in chars
        chars.insert(0, self.MASK_CHAR)
        chars.insert(0, self.PAD_CHAR)
        self.stoi = {ch: i for i, ch in enumerate(chars)}
        self.itos = {i: ch for i, ch in enumerate(chars)}
        self.block_size = block_size
        self.vocab_size = len(chars)
        self.data = data.split('\n')

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        document = self.data[idx]
        max_len = int(self.block_size * 7 / 8)
        trunc_len = random.randint(4, min(max_len, len(document)))
        document = document[:trunc_len]
        masked_len = int(random.uniform(trunc_len / 8, 3 * trunc_len / 8) + 0.5)
        begin = random.randint(0, trunc_len - masked_len)
        prefix = document[:begin]
        masked_content = document[begin:begin + masked_len]
        suffix = document[begin + masked_len:]
        masked_string = prefix + self.MASK_CHAR + suffix + self.MASK_CHAR + masked_content
        masked_string = masked_string + self.PAD_CHAR * (self.block_size - len(masked_string))
        x = masked_string[:-1]
        y = masked_string[1:]
        x = torch.tensor([self.stoi[c] for c in x], dtype=torch.long)
        y = torch.tensor([self.stoi[c] for c in y], dtype=torch.long)
        return x, y
