# ruff: noqa
import math
import torch
import torch.nn as nn
from torch.nn import functional as F


class CausalSelfAttention(nn.Module):
    """plain multi-head causal self-attention"""

    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        for name in ('key', 'query', 'value', 'proj'):
            setattr(self, name, nn.Linear(config.n_embd, config.n_embd))
        self.attn_drop = nn.Dropout(config.attn_pdrop)
        self.resid_drop = nn.Dropout(config.resid_pdrop)
        size = config.block_size
        self.register_buffer('mask', torch.tril(torch.ones(size, size)).view(1, 1, size, size))
        self.n_head = config.n_head

    def forward(self, x, layer_past=None):
        B, T, C = x.size()
        q, k, v = [layer(x).view(B, T, self.n_head, -1).transpose(1, 2) for layer in (self.query, self.key, self.value)]
        att = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        att = att.masked_fill(self.mask[:, :, :T, :T] == 0, -1e10)
        y = self.attn_drop(F.softmax(att, dim=-1)) @ v
        return self.resid_drop(self.proj(y.transpose(1, 2).contiguous().view(B, T, C)))


class CausalCrossAttention(nn.Module):
    """the same with keys and values of another sequence; keys and values come first"""

    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        for name in ('key', 'query', 'value', 'proj'):
            setattr(self, name, nn.Linear(config.n_embd, config.n_embd))
        self.attn_drop = nn.Dropout(config.attn_pdrop)
        self.resid_drop = nn.Dropout(config.resid_pdrop)
        size = config.block_size
        self.register_buffer('mask', torch.tril(torch.ones(size, size)).view(1, 1, size, size))
        self.n_head = config.n_head

    def forward(self, x_kv, x_q):
        Bk, Tk, Ck = x_kv.size()
        Bq, Tq, Cq = x_q.size()
        k = self.key(x_kv).view(Bk, Tk, self.n_head, -1).transpose(1, 2)
        v = self.value(x_kv).view(Bk, Tk, self.n_head, -1).transpose(1, 2)
        q = self.query(x_q).view(Bq, Tq, self.n_head, -1).transpose(1, 2)
        att = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        att = att.masked_fill(self.mask[:, :, :Tq, :Tk] == 0, -1e10)
        y = self.attn_drop(F.softmax(att, dim=-1)) @ v
        return self.resid_drop(self.proj(y.transpose(1, 2).contiguous().view(Bk, Tq, Cq)))
