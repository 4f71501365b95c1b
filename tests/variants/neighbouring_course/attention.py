# ruff: noqa
"""both attentions in one class: without x_q it is self-attention"""
import math
from typing import Optional
import torch
import torch.nn as nn


class _Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head: int = config.n_head
        self.key, self.query, self.value, self.proj = (nn.Linear(config.n_embd, config.n_embd) for _ in range(4))
        self.attn_drop, self.resid_drop = nn.Dropout(config.attn_pdrop), nn.Dropout(config.resid_pdrop)
        self.register_buffer("mask", torch.ones(config.block_size, config.block_size).tril()[None, None])

    def _run(self, x_kv: torch.Tensor, x_q: torch.Tensor) -> torch.Tensor:
        hs = x_q.shape[-1] // self.n_head
        q = torch.stack(self.query(x_q).split(hs, dim=-1), dim=1)
        k = torch.stack(self.key(x_kv).split(hs, dim=-1), dim=1)
        v = torch.stack(self.value(x_kv).split(hs, dim=-1), dim=1)
        scores = torch.einsum("bhqc,bhkc->bhqk", q.expand(k.shape[0], -1, -1, -1), k) / math.sqrt(hs)
        seen = self.mask[..., : scores.shape[-2], : scores.shape[-1]]
        scores = scores.masked_fill(seen == 0, -math.inf)
        mixed = torch.einsum("bhqk,bhkc->bqhc", self.attn_drop(scores.softmax(-1)), v).flatten(-2)
        return self.resid_drop(self.proj(mixed))


class CausalSelfAttention(_Attention):
    def forward(self, x: torch.Tensor, layer_past: Optional[torch.Tensor] = None) -> torch.Tensor:
        return self._run(x, x)


class CausalCrossAttention(_Attention):
    def forward(self, x_kv: torch.Tensor, x_q: torch.Tensor) -> torch.Tensor:
        return self._run(x_kv, x_q)
