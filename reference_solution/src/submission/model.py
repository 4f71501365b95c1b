"""The GPT model: a stack of Transformer blocks over characters, and its perceiver variant.

Letters in the shape comments: B sequences in a batch, T tokens in a sequence, C channels (n_embd, the handout's d),
m = bottleneck_dim latents. Yours to write, in part 1g: DownProjectBlock and UpProjectBlock.
"""

import copy
import math

import torch
from torch import nn
from torch.nn import functional as F

from .attention import CausalCrossAttention, CausalSelfAttention
from .trainer import make_optimizer


class GPTConfig:
    """Sizes and dropouts of a model. Any keyword becomes an attribute: GPTConfig(256, 128, n_layer=4, ...)."""

    embd_pdrop = 0.1
    resid_pdrop = 0.1
    attn_pdrop = 0.1
    perceiver = False
    bottleneck_dim = None

    def __init__(self, vocab_size, block_size, **kwargs):
        self.vocab_size = vocab_size
        self.block_size = block_size
        for name, value in kwargs.items():
            setattr(self, name, value)


def feed_forward(config):
    """The MLP of every block: each position on its own, (..., C) -> (..., 4C) -> (..., C)."""
    return nn.Sequential(
        nn.Linear(config.n_embd, 4 * config.n_embd),
        nn.GELU(),
        nn.Linear(4 * config.n_embd, config.n_embd),
        nn.Dropout(config.resid_pdrop),
    )


class Block(nn.Module):
    """A Transformer block (figure 1), with each layer norm in front of its layer instead of behind."""

    def __init__(self, config):
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.mlp = feed_forward(config)

    def forward(self, x):
        """(B, T, C) -> (B, T, C)."""
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class DownProjectBlock(nn.Module):
    """The perceiver's first block: T positions in, m latents out, by cross-attention from a learnable basis (eq. 3).

    A Block in all but its attention: layer norm, attention, residual connection, layer norm, MLP, residual connection.
    """

    def __init__(self, config):
        super().__init__()
        # [part 1g] Create what forward() needs:
        #   - the basis, as `self.C`: an nn.Parameter of shape (1, m, C) with m = config.bottleneck_dim and
        #     C = config.n_embd, filled by Xavier uniform initialisation (see torch.nn.init);
        #   - a layer norm for the basis and one for the input of the MLP;
        #   - the cross-attention layer of attention.py;
        #   - an MLP as Block has it.
        ### START_CODE_HERE ###
        # canary: 5d0c9a31e7f24b68
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.C = nn.Parameter(nn.init.xavier_uniform_(torch.empty(1, config.bottleneck_dim, config.n_embd)))
        self.attn = CausalCrossAttention(config)
        self.mlp = feed_forward(config)
        ### END_CODE_HERE ###

    def forward(self, x_input):
        """(B, T, C) -> (B, m, C)."""
        # [part 1g] Let the normalised basis be the query and x_input the keys and values. The order of the
        #   cross-attention's arguments matters, and so do the residual connections. Do not loop over the batch: a query
        #   of batch size 1 serves every sequence in it.
        ### START_CODE_HERE ###
        # canary: 93be41f07c2d8a56
        y = self.C + self.attn(x_input, self.ln1(self.C))  # (1, m, C) + (B, m, C) -> (B, m, C)
        return y + self.mlp(self.ln2(y))
        ### END_CODE_HERE ###


class UpProjectBlock(nn.Module):
    """The perceiver's last block: m latents in, T positions out, by cross-attention from the model's input (eq. 4).

    Its queries are the very x_input that DownProjectBlock got, which is how the T positions come back.
    """

    def __init__(self, config):
        super().__init__()
        # [part 1g] Create what forward() needs: two layer norms, the cross-attention layer and an MLP. There is no
        #   basis here: the queries are given.
        ### START_CODE_HERE ###
        # canary: c7a6022d94e1f35b
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = CausalCrossAttention(config)
        self.mlp = feed_forward(config)
        ### END_CODE_HERE ###

    def forward(self, y, x_input):
        """Latents y (B, m, C) and the model's input x_input (B, T, C) -> (B, T, C)."""
        # [part 1g] Let x_input be the query and the normalised y the keys and values; add the residual connections
        #   (which of the two inputs has the shape of the result?) and the MLP.
        ### START_CODE_HERE ###
        # canary: 1f84d6b39ac07e52
        x = x_input + self.attn(self.ln1(y), x_input)
        return x + self.mlp(self.ln2(x))
        ### END_CODE_HERE ###


def sinusoids(length, channels):
    """Waves of different frequencies, by which positions can be told apart and compared: (length, channels).

    Vaswani et al., Attention Is All You Need (2017), section 3.5. Here they are only where training begins.
    """
    positions = torch.arange(length)[:, None]  # (T, 1)
    rates = torch.exp(torch.arange(0, channels, 2) * (-math.log(10000.0) / channels))  # (C / 2,)
    waves = torch.zeros(length, channels)
    waves[:, 0::2] = torch.sin(positions * rates)
    waves[:, 1::2] = torch.cos(positions * rates)[:, : channels // 2]
    return waves


class GPT(nn.Module):
    """Characters in, a score for every possible next character out.

    Vanilla: n_layer Blocks at sequence length T. Perceiver: DownProjectBlock to length m, n_layer - 2 Blocks there,
    UpProjectBlock back to length T.
    """

    def __init__(self, config):
        super().__init__()
        if config.perceiver:
            check_bottleneck(config)
        self.config = config
        self.block_size = config.block_size

        self.tok_emb = nn.Embedding(config.vocab_size, config.n_embd)
        self.pos_emb = nn.Parameter(0.2 * sinusoids(config.block_size, config.n_embd)[None])  # (1, T, C)
        self.drop = nn.Dropout(config.embd_pdrop)

        inner = config
        inner_layers = config.n_layer
        if config.perceiver:
            # The blocks in between only ever see m positions, so their masks need be no larger than (m, m).
            inner = copy.copy(config)
            inner.block_size = config.bottleneck_dim
            inner_layers = config.n_layer - 2
            self.down_block = DownProjectBlock(config)
            self.up_block = UpProjectBlock(config)
        self.blocks = nn.Sequential(*[Block(inner) for _ in range(inner_layers)])

        self.ln_f = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(module):
        # Characters and positions begin ten times as large as the rest: a name is made of which characters stand where,
        # and a model that can tell them apart from the first step on needs a third of the training.
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, mean=0.0, std=0.2)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def get_block_size(self):
        """The longest sequence that forward() takes."""
        return self.block_size

    def forward(self, idx, targets=None):
        """Token ids (B, T) -> scores (B, T, vocab_size), and the mean loss over the targets (B, T) that are not 0.

        Without targets the loss is None.
        """
        _, T = idx.size()
        if self.block_size < T:
            raise ValueError(f"the model reads at most {self.block_size} tokens at a time, but got {T}")

        x_input = self.drop(self.tok_emb(idx) + self.pos_emb[:, :T, :])  # (B, T, C) + (1, T, C) -> (B, T, C)
        if self.config.perceiver:
            y = self.blocks(self.down_block(x_input))  # (B, T, C) -> (B, m, C)
            x = self.up_block(y, x_input)  # (B, m, C), (B, T, C) -> (B, T, C)
        else:
            x = self.blocks(x_input)  # (B, T, C)
        logits = self.head(self.ln_f(x))  # (B, T, vocab_size)

        loss = None
        if targets is not None:
            # PAD has index 0: predicting it teaches nothing.
            loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=0)
        return logits, loss

    def configure_optimizers(self, train_config):
        """An optimiser that holds every parameter of the model exactly once.

        The matrices of linear layers are pulled towards zero (weight decay). Everything else, be it a bias, a layer
        norm, an embedding or a basis of your own, is not, whatever its name is.
        """
        trained = {id(p): p for p in self.parameters() if p.requires_grad}
        decayed = {
            id(module.weight)
            for module in self.modules()
            if isinstance(module, nn.Linear) and id(module.weight) in trained
        }
        # An embedding that shares its matrix with the head is an embedding first.
        decayed -= {id(module.weight) for module in self.modules() if isinstance(module, nn.Embedding)}
        return make_optimizer(
            decayed=[p for key, p in trained.items() if key in decayed],
            others=[p for key, p in trained.items() if key not in decayed],
            output_layer=self.head.weight,
            config=train_config,
        )


def check_bottleneck(config):
    """Complain about sizes with which no perceiver can be built."""
    m = config.bottleneck_dim
    if m is None or not 0 < m < config.block_size:
        raise ValueError(f"bottleneck_dim must lie between 1 and block_size - 1 = {config.block_size - 1}, but is {m}")
    if config.n_layer < 2:
        raise ValueError(f"a perceiver needs a first and a last layer, but n_layer is {config.n_layer}")
