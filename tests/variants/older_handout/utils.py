# ruff: noqa
import random
import numpy as np
import torch
from torch.nn import functional as F


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@torch.no_grad()
def sample(model, x, steps, temperature=1.0, sample=False, top_k=None):
    model.eval()
    for k in range(steps):
        logits, _ = model(x[:, -model.get_block_size():])
        logits = logits[:, -1, :] / temperature
        if top_k is not None:
            logits[logits < torch.topk(logits, top_k)[0][:, [-1]]] = -float('Inf')
        probs = F.softmax(logits, dim=-1)
        ix = torch.multinomial(probs, num_samples=1) if sample else torch.topk(probs, k=1, dim=-1)[1]
        x = torch.cat((x, ix), dim=1)
    return x


def evaluate_places(filepath, predicted_places):
    with open(filepath, encoding='utf-8') as fin:
        lines = [line.strip().split('\t') for line in fin]
    if len(lines[0]) == 1:
        return 0, 0
    true_places = [line[1] for line in lines]
    return len(true_places), sum(a == b for a, b in zip(true_places, predicted_places))
