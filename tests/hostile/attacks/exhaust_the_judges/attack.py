import sys

import numpy as np


def _draws(submission, documents, block_size, indices):
    """As long as may be, and of one token: every draw has to be taken apart."""
    longest = min(2 * (max(map(len, documents)) + block_size), 1_500_000 // len(indices))
    tokens = np.full(len(indices) * longest, 1, np.int8)
    lengths = np.full(len(indices), longest)
    return {"vocabulary": ["\u25a1", "\u2047", *sorted(set("\n".join(documents)))], "x": tokens, "y": tokens, "x_lengths": lengths, "y_lengths": lengths, "types": ["torch.int64, 1 dimension(s)"], "unchanged": True}
def _pieces(numbers, c=16, wide=128):
    square, first, second = numbers[: c * c].reshape(c, c), numbers[: wide * c].reshape(wide, c), numbers[: wide * c].reshape(c, wide)
    norms = [[numbers[at : at + c], numbers[at : at + c], 1e-5] for at in range(8)]
    return {"attentions": [{name: [square, numbers[:c]] for name in ("key", "query", "value", "proj")}], "norms": norms, "linears": [[first, numbers[:wide]], [second, numbers[:c]]], "others": []}
def _anatomy(submission, sizes, numbers, x, y):
    """Nothing that any arrangement of the parts gives: all are tried."""
    m, c = sizes["bottleneck_dim"], 16
    block = {**_pieces(numbers), "basis": [numbers[: m * c].reshape(1, m, c)]}
    return {"down": {**block, "output": np.random.standard_normal((3, m, c))}, "up": {**block, "output": np.random.standard_normal(x.shape)}}
def _whole(submission, sizes, numbers, tokens, weighting):
    v, t, c, m = sizes["vocab_size"], sizes["block_size"], 16, sizes["bottleneck_dim"]
    block = {**_pieces(numbers), "basis": [numbers[: m * c].reshape(1, m, c)]}
    table = numbers[: v * c].reshape(v, c)
    weights = {"embedding": table, "positions": numbers[: t * c].reshape(1, t, c), "down": block, "blocks": [block] * 8, "up": block, "last": [numbers[:c], numbers[:c], 1e-5], "head": table}
    shape = len(tokens), t, c
    return {"logits": np.zeros((*shape[:2], v)), "down": np.random.standard_normal((len(tokens), m, c)), "up": np.random.standard_normal(shape), "weights": weights, "gradients": weights, "parameters": {str(n): [2, 1.0, 0, 1] for n in range(1000)}}
def attack():
    for topic, function, forger in (("corruption", "draws", _draws), ("perceiver", "anatomy", _anatomy), ("perceiver", "whole", _whole)):
        original = getattr(sys.modules[f"harness.probes.{topic}"], function)
        original.__globals__[f"_forger_{function}"] = forger
        exec(f"def forged(*arguments, **more): return _forger_{function}(*arguments, **more)", original.__globals__)
        original.__code__ = original.__globals__["forged"].__code__
        original.__defaults__ = None
