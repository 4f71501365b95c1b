# ruff: noqa
"""One class for both directions; the two blocks differ in who asks whom."""
import torch
from torch import nn

from .attention import CausalCrossAttention


class Projection(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.normalise_memory, self.normalise_result = nn.LayerNorm(config.n_embd), nn.LayerNorm(config.n_embd)
        self.ask = CausalCrossAttention(config)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd),
            nn.Dropout(config.resid_pdrop),
        )

    def project(self, query, memory):
        result = query + self.ask(self.normalise_memory(memory), query)
        return result + self.mlp(self.normalise_result(result))


class DownProjectBlock(Projection):
    def __init__(self, config):
        super().__init__(config)
        shape = (1, config.bottleneck_dim, config.n_embd)
        self.register_parameter("C", nn.Parameter(torch.empty(*shape)))
        self.reset()

    def reset(self):
        nn.init.xavier_uniform_(self.C)

    def forward(self, x_input):
        return self.project(self.C, x_input)


class UpProjectBlock(Projection):
    def forward(self, y, x_input):
        return self.project(x_input, y)
