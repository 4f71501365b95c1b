"""The training loop, its settings, and the sizes that a preset decides.

Nothing in this file is yours to write. Read Recipe and TrainerConfig before helper.py: helper.py turns the first into
the second.
"""

import math
import os
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

# ----------------------------------------------------------------------------------------------------------------------
# Presets: how large the model is, and how long each of the three kinds of training takes
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """The numbers of one kind of training."""

    max_epochs: int
    batch_size: int
    learning_rate: float  # what run.py passes on as finetune_lr or pretrain_lr
    decay_epochs: float  # after so many times the pretraining text, the learning rate has come down to a tenth
    warmup_tokens: int = 512 * 20  # the learning rate climbs from 0 over so many tokens

    def final_tokens(self, pretrain_dataset, block_size):
        """The number of tokens after which the learning rate falls no further."""
        return int(self.decay_epochs * len(pretrain_dataset) * block_size)


@dataclass(frozen=True)
class Preset:
    """A size of the whole assignment."""

    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    bottleneck_dim: int
    dropout: float
    optimizer: str  # "adamw" or "muon"
    scratch: Recipe  # finetuning without pretraining
    finetune: Recipe  # finetuning with pretraining
    pretrain: Recipe


PRESETS = {
    # Minutes on two CPU cores.
    "laptop": Preset(
        n_layer=3,
        n_head=4,
        n_embd=128,
        block_size=128,
        bottleneck_dim=64,
        dropout=0.0,
        optimizer="muon",
        scratch=Recipe(max_epochs=75, batch_size=64, learning_rate=2e-3, decay_epochs=32),
        finetune=Recipe(max_epochs=10, batch_size=64, learning_rate=2e-3, decay_epochs=4),
        pretrain=Recipe(max_epochs=150, batch_size=32, learning_rate=5e-3, decay_epochs=150),
    ),
    # The handout's size: about five hours on the GPU of its day. Its bottleneck was 32, but names are longer than that.
    "full": Preset(
        n_layer=4,
        n_head=8,
        n_embd=256,
        block_size=128,
        bottleneck_dim=64,
        dropout=0.1,
        optimizer="adamw",
        scratch=Recipe(max_epochs=75, batch_size=256, learning_rate=6e-4, decay_epochs=200),
        finetune=Recipe(max_epochs=10, batch_size=256, learning_rate=6e-4, decay_epochs=200),
        pretrain=Recipe(max_epochs=650, batch_size=128, learning_rate=6e-3, decay_epochs=200),
    ),
}

_chosen = "laptop"


def use_preset(name):
    """Let current_preset() be PRESETS[name] from now on, and return it."""
    global _chosen  # noqa: PLW0603
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}: choose one of {', '.join(PRESETS)}")
    _chosen = name
    return PRESETS[name]


def current_preset():
    """The preset in use; `python run.py --preset NAME` decides it."""
    return PRESETS[_chosen]


# ----------------------------------------------------------------------------------------------------------------------
# Optimisers
# ----------------------------------------------------------------------------------------------------------------------


class OptimizerPair(torch.optim.Optimizer):
    """Two optimisers that share out a model's parameters between them, used as if they were one."""

    def __init__(self, *members):
        self.members = members

    @property
    def param_groups(self):
        """The groups of all members."""
        return [group for member in self.members for group in member.param_groups]

    @property
    def state(self):
        """The states of all members, by parameter."""
        return {parameter: state for member in self.members for parameter, state in member.state.items()}

    def zero_grad(self, set_to_none=True):
        """Forget the gradients."""
        for member in self.members:
            member.zero_grad(set_to_none=set_to_none)

    def step(self, closure=None):
        """Move every parameter."""
        loss = closure() if closure is not None else None
        for member in self.members:
            member.step()
        return loss

    def state_dict(self):
        """The members' states, in order."""
        return {"members": [member.state_dict() for member in self.members]}

    def load_state_dict(self, state_dict):
        """Take over what state_dict() gave."""
        for member, state in zip(self.members, state_dict["members"], strict=True):
            member.load_state_dict(state)


def make_optimizer(decayed, others, output_layer, config):
    """The optimiser that the config names.

    adamw: AdamW on everything, with weight decay on the matrices in `decayed`.
    muon: Muon on those matrices, except for the output layer, and AdamW on the rest. Muon makes every step of a matrix
        equally large in all of its directions, which here learns the same in about a fifth of the steps. Its steps are
        scaled to the size that AdamW's have, so that one learning rate serves both.
    """
    name = getattr(config, "optimizer", None) or current_preset().optimizer
    if name not in ("adamw", "muon"):
        raise ValueError(f"no optimizer {name!r}: choose adamw or muon")

    matrices = [p for p in decayed if p is not output_layer] if name == "muon" else []
    in_muon = {id(p) for p in matrices}
    groups = [
        {"params": [p for p in decayed if id(p) not in in_muon], "weight_decay": config.weight_decay},
        {"params": list(others), "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    adamw = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas)
    if not matrices:
        return adamw
    muon = torch.optim.Muon(
        matrices, lr=config.learning_rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return OptimizerPair(muon, adamw)


# ----------------------------------------------------------------------------------------------------------------------
# Training
# ----------------------------------------------------------------------------------------------------------------------


class TrainerConfig:
    """Settings of a Trainer, given as keywords: TrainerConfig(max_epochs=10, batch_size=64, ...)."""

    max_epochs = 10
    batch_size = 64
    learning_rate = 3e-4
    betas = (0.9, 0.95)
    grad_norm_clip = 1.0
    weight_decay = 0.1  # on the matrices of linear layers only
    optimizer = None  # "adamw" or "muon"; None takes the preset's

    # The learning rate climbs over the first warmup_tokens, then follows half a cosine down to a tenth at final_tokens.
    lr_decay = False
    warmup_tokens = 375e6
    final_tokens = 260e9

    ckpt_path = None  # where the parameters go after each epoch; may be set as late as just before train()
    num_workers = 0  # processes that draw items from the data set; 0 draws them in this one
    writer = None  # a TensorBoard SummaryWriter, to follow the loss

    def __init__(self, **kwargs):
        for name, value in kwargs.items():
            if name.startswith("_") or not hasattr(TrainerConfig, name):
                known = ", ".join(sorted(name for name in vars(TrainerConfig) if not name.startswith("_")))
                raise TypeError(f"TrainerConfig has no setting {name!r}: choose from {known}")
            setattr(self, name, value)


def default_device():
    """A GPU where there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


class Trainer:
    """Trains a model on a data set of (x, y) pairs.

    Each epoch sees every item once, in batches of items of similar length. What follows the last target of a batch is
    cut off: PADs cost time and teach nothing. The loss is the same as without the cut.
    """

    POOL = 16  # batches that are drawn together, and sorted by length

    def __init__(self, model, train_dataset, test_dataset, config):
        self.device = default_device()
        self.model = model.to(self.device)
        self.train_dataset = train_dataset
        self.test_dataset = test_dataset
        self.config = config
        self.tokens = 0  # seen so far, with those that were cut off; this is what the learning rate follows
        self.steps = 0
        self.losses = []  # mean loss of each epoch

    def save_checkpoint(self):
        """Write the parameters to config.ckpt_path: a complete file, or the one that was there before."""
        save_params(self.model, self.config.ckpt_path)

    def train(self):
        """Train for config.max_epochs epochs, and save the parameters after each one if there is a ckpt_path."""
        config = self.config
        optimizer = self.model.configure_optimizers(config)
        batches_per_epoch = math.ceil(len(self.train_dataset) / config.batch_size)
        with tqdm(total=config.max_epochs * batches_per_epoch, unit="batch", mininterval=1.0) as bar:
            for epoch in range(config.max_epochs):
                self.losses.append(self._train_epoch(optimizer, bar, epoch))
                if config.writer is not None:
                    config.writer.add_scalar("train/loss", self.losses[-1], epoch)
                if config.ckpt_path is not None:
                    self.save_checkpoint()

    def _train_epoch(self, optimizer, bar, epoch):
        """One pass over the data set; returns the mean loss of its batches."""
        self.model.train()
        total, count = 0.0, 0
        for x, y in self._batches():
            lr = self._learning_rate(y.numel())
            for group in optimizer.param_groups:
                group["lr"] = lr
            loss = self._step(optimizer, *trim(x, y))
            total, count = total + loss, count + 1
            bar.update()
            bar.set_postfix(epoch=epoch + 1, loss=f"{loss:.3f}", lr=f"{lr:.1e}", refresh=False)
        return total / max(1, count)

    def _step(self, optimizer, x, y):
        """Move the parameters once; x and y are (B, T)."""
        _, loss = self.model(x.to(self.device), y.to(self.device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_norm_clip)
        optimizer.step()
        self.steps += 1
        return loss.item()

    def _batches(self):
        """Batches (x, y) of this epoch: shuffled items, gathered by length, in shuffled order."""
        size = self.config.batch_size
        pools = DataLoader(
            self.train_dataset, batch_size=self.POOL * size, shuffle=True, num_workers=self.config.num_workers
        )
        for x, y in pools:  # (POOL * B, T) each
            by_length = torch.argsort(last_targets(y), stable=True).split(size)
            for chosen in torch.randperm(len(by_length)).tolist():
                yield x[by_length[chosen]], y[by_length[chosen]]

    def _learning_rate(self, new_tokens):
        """The learning rate for a step over so many more tokens."""
        config = self.config
        self.tokens += new_tokens
        if not config.lr_decay:
            return config.learning_rate
        if self.tokens < config.warmup_tokens:
            return config.learning_rate * self.tokens / max(1, config.warmup_tokens)
        progress = (self.tokens - config.warmup_tokens) / max(1, config.final_tokens - config.warmup_tokens)
        return config.learning_rate * max(0.1, 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


def last_targets(y):
    """The number of leading positions in each row of y (B, T) that hold all its targets, at least 1: (B,)."""
    positions = torch.arange(1, y.size(1) + 1)
    return (positions * (y != 0)).amax(dim=1).clamp(min=1)


def trim(x, y):
    """Cut x and y (B, T) to (B, t): without the columns behind the last target of any row."""
    length = int(last_targets(y).max())
    return x[:, :length], y[:, :length]


# ----------------------------------------------------------------------------------------------------------------------
# Parameters on disk
# ----------------------------------------------------------------------------------------------------------------------


def save_params(model, path):
    """Write the model's state dict to `path`: afterwards there is a complete file, or the one that was there before."""
    partial = f"{path}.partial"
    try:
        torch.save(model.state_dict(), partial)
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
