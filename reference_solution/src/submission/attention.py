"""Multi-headed causal attention, twice: a sequence to itself, and one sequence to another.

Letters in the shape comments: B sequences in a batch, T tokens in a sequence, C channels (n_embd, the handout's d),
nh heads, hs = C / nh channels per head. Nothing in this file is yours to write, but part 1g uses CausalCrossAttention.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class CausalAttention(nn.Module):
    """What both kinds of attention share: four projections, two dropouts and the causal mask."""

    def __init__(self, config):
        super().__init__()
        if config.n_embd % config.n_head != 0:
            raise ValueError(f"n_embd={config.n_embd} must be a multiple of n_head={config.n_head}")
        self.n_head = config.n_head

        # X Q_i, X K_i and X V_i of eq. 1 for all heads i at once: each head reads its own hs columns.
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        # A of eq. 2, which mixes the heads.
        self.proj = nn.Linear(config.n_embd, config.n_embd)

        self.attn_drop = nn.Dropout(config.attn_pdrop)
        self.resid_drop = nn.Dropout(config.resid_pdrop)

        # Lower triangle of ones: position i may look at positions 0..i. A buffer moves to the GPU and is saved with the
        # parameters, but is not trained.
        everything = torch.ones(config.block_size, config.block_size)
        self.register_buffer("mask", torch.tril(everything).view(1, 1, config.block_size, config.block_size))

    def split_heads(self, projected):
        """(B, T, C) -> (B, nh, T, hs)."""
        B, T, C = projected.size()
        return projected.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)

    def attend(self, q, k, v):
        """Eq. 1 and eq. 2: q is (B, nh, Tq, hs), k and v are (B, nh, Tk, hs); the result is (B, Tq, C)."""
        Tq, Tk = q.size(2), k.size(2)
        q = q / math.sqrt(q.size(-1))  # here rather than on the scores, which are many more numbers
        att = q @ k.transpose(-2, -1)  # (B, nh, Tq, hs) x (B, nh, hs, Tk) -> (B, nh, Tq, Tk)
        att = att + torch.log(self.mask[:, :, :Tq, :Tk])  # log(1) = 0 changes nothing, and log(0) is minus infinity
        att = self.attn_drop(F.softmax(att, dim=-1))
        y = att @ v  # (B, nh, Tq, Tk) x (B, nh, Tk, hs) -> (B, nh, Tq, hs)
        y = y.transpose(1, 2).flatten(2)  # (B, nh, Tq, hs) -> (B, Tq, nh, hs) -> (B, Tq, C)
        return self.resid_drop(self.proj(y))


class CausalSelfAttention(CausalAttention):
    """Eq. 1 and eq. 2: every position looks at itself and at the positions before it."""

    def forward(self, x, layer_past=None):
        """(B, T, C) -> (B, T, C). `layer_past` is accepted for callers that pass one, and not used."""
        q = self.split_heads(self.query(x))  # (B, nh, T, hs)
        k = self.split_heads(self.key(x))  # (B, nh, T, hs)
        v = self.split_heads(self.value(x))  # (B, nh, T, hs)
        return self.attend(q, k, v)


class CausalCrossAttention(CausalAttention):
    """Eq. 3 and eq. 4: the queries come from one sequence, the keys and values from another.

    Query i looks at the key positions 0..i, so that with fewer queries than keys the keys beyond the last query are
    never seen by anyone:

        3 queries, 5 keys     5 queries, 3 keys
            1 0 0 0 0              1 0 0
            1 1 0 0 0              1 1 0
            1 1 1 0 0              1 1 1
                                   1 1 1
                                   1 1 1
    """

    def forward(self, x_kv, x_q):
        """(B, Tk, C) keys and values, (B, Tq, C) queries -> (B, Tq, C).

        Mind the order: keys and values first. A query of batch size 1 stands for the same query in every sequence of
        the batch, and need not be copied.
        """
        q = self.split_heads(self.query(x_q))  # (B or 1, nh, Tq, hs)
        k = self.split_heads(self.key(x_kv))  # (B, nh, Tk, hs)
        v = self.split_heads(self.value(x_kv))  # (B, nh, Tk, hs)
        return self.attend(q, k, v)
