"""The training loop, its settings, and the sizes that a preset decides.

Nothing in this file is yours to write. Read Recipe and TrainerConfig before helper.py: helper.py turns the first into
the second.
"""

import hashlib
import importlib.util
import math
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from .utils import random_streams, save_params, set_random_streams, write_tensors

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
    optimizer: str = "adamw"  # or "muon", see make_optimizer
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
    scratch: Recipe  # finetuning without pretraining
    finetune: Recipe  # finetuning with pretraining
    pretrain: Recipe


PRESETS = {
    # Minutes on two CPU cores. Muon learns the text in a fifth of AdamW's steps. But it turns a model over as a whole,
    # and what finetuning has to keep is what the text has taught: AdamW's small steps forget far less of it.
    "laptop": Preset(
        n_layer=3,
        n_head=4,
        n_embd=128,
        block_size=256,
        bottleneck_dim=64,
        dropout=0.0,
        scratch=Recipe(max_epochs=40, batch_size=64, learning_rate=2e-3, decay_epochs=16, optimizer="muon"),
        finetune=Recipe(max_epochs=10, batch_size=16, learning_rate=3.2e-4, decay_epochs=4),
        pretrain=Recipe(max_epochs=110, batch_size=16, learning_rate=5e-3, decay_epochs=110, optimizer="muon"),
    ),
    # The handout's size: about five hours on the GPU of its day. Its bottleneck was 32, but names are longer than that.
    "full": Preset(
        n_layer=4,
        n_head=8,
        n_embd=256,
        block_size=128,
        bottleneck_dim=64,
        dropout=0.1,
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


class Muon(torch.optim.Muon):
    """PyTorch's Muon (with adjust_lr_fn="match_rms_adamw"), number for number, but made for many small matrices.

    Matrices of one shape move together. And where the processor has no arithmetic for bfloat16 numbers, float32 stands
    in for them: PyTorch's own takes twenty times as long there.
    """

    @torch.no_grad()
    def step(self, closure=None):
        """Move every matrix that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape[matrix.shape].append(matrix)
            for matrices in by_shape.values():
                self._move(matrices, group)
        return loss

    def _move(self, matrices, group):
        """Move matrices of one shape."""
        updates = []
        for matrix in matrices:
            state = self.state[matrix]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(matrix)
            state["momentum_buffer"].lerp_(matrix.grad, 1 - group["momentum"])
            updates.append(matrix.grad.lerp(state["momentum_buffer"], group["momentum"]))
        rate = group["lr"] * 0.2 * math.sqrt(max(matrices[0].shape))  # as large as AdamW's steps are
        for matrix, update in zip(matrices, orthogonal(torch.stack(updates), group), strict=True):
            matrix.mul_(1 - group["lr"] * group["weight_decay"])
            matrix.add_(update, alpha=-rate)


def orthogonal(matrices, group):
    """The matrices (n, rows, columns), with all singular values near 1 (Newton-Schulz iteration)."""
    if matrices.size(1) > matrices.size(2):
        return orthogonal(matrices.mT, group).mT
    a, b, c = group["ns_coefficients"]
    x = matrices.to(torch.bfloat16 if fast_bfloat16(matrices.device) else torch.float32)
    x = x / torch.stack([each.norm() for each in x]).clamp(min=group["eps"])[:, None, None]
    if x.size(2) >= 2 * x.size(1) and x.dtype == torch.float32:  # bfloat16 has too few digits for the product
        return product_of_steps(x @ x.mT, group) @ x
    for _ in range(group["ns_steps"]):
        gram = x @ x.mT  # (n, r, c) x (n, c, r) -> (n, r, r)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)  # (n, r, c)
    return x


def product_of_steps(gram, group):
    """What the iteration multiplies wide matrices X by, in all its steps, from X X^T alone: (n, r, r) -> (n, r, r).

    With G = X X^T and P = a + b G + c G^2, a step takes X to P X, and so G to P G P: no need to carry X along.
    """
    a, b, c = group["ns_coefficients"]
    product = torch.eye(gram.size(1), device=gram.device)
    for _ in range(group["ns_steps"]):
        p = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        p.diagonal(dim1=1, dim2=2).add_(a)
        product = p @ product
        gram = p @ gram @ p  # (n, r, r)
    return product


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
    name = getattr(config, "optimizer", TrainerConfig.optimizer)
    if name not in ("adamw", "muon"):
        raise ValueError(f"no optimizer {name!r}: choose adamw or muon")

    matrices = [p for p in decayed if p is not output_layer] if name == "muon" else []
    in_muon = {id(p) for p in matrices}
    groups = [
        {"params": [p for p in decayed if id(p) not in in_muon], "weight_decay": config.weight_decay},
        {"params": list(others), "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    adamw = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)
    if not matrices:
        return adamw
    muon = Muon(matrices, lr=config.learning_rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw")
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
    optimizer = "muon"  # or "adamw", see make_optimizer; run.py sets it to the recipe's

    # The learning rate climbs over the first warmup_tokens, then follows half a cosine down to a tenth at final_tokens.
    lr_decay = False
    warmup_tokens = 375e6
    final_tokens = 260e9

    ckpt_path = None  # where the parameters go after each epoch; may be set as late as just before train()
    num_workers = 0  # processes that draw items from the dataset; 0 draws them in this one
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


def fast_forward(model, device):
    """The model as it runs fastest: compiled on a GPU of NVIDIA's where there is a compiler for it, else as it is."""
    if device.type == "cuda" and importlib.util.find_spec("triton"):
        return torch.compile(model, dynamic=True)  # batches have different lengths
    return model


def fast_bfloat16(device):
    """Whether bfloat16 makes the device multiply matrices faster; where it does not, it makes it far slower.

    With BFLOAT16=off in the environment nothing is trained in it, so that any machine trains as those without it do.
    """
    if os.environ.get("BFLOAT16") == "off":
        return False
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


class Trainer:
    """Trains a model on a dataset of (x, y) pairs.

    Each epoch sees every item once, in batches of items of similar length. What follows the last target of a batch is
    cut off: PADs cost time and teach nothing. The loss is the same as without the cut.

    With a ckpt_path, a training that was stopped, however suddenly, goes on after its last whole epoch when the same
    command is given again, and ends with the very parameters (on a CPU, to the bit) that it would have had.
    """

    POOL = 16  # batches that are drawn together, and sorted by length

    def __init__(self, model, train_dataset, test_dataset, config):
        self.device = default_device()
        self.model = model.to(self.device)
        self.forward = fast_forward(self.model, self.device)
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
        progress = None if config.ckpt_path is None else Progress(self, optimizer)
        first = 0 if progress is None else progress.resume()
        batches = math.ceil(len(self.train_dataset) / config.batch_size)
        with tqdm(total=config.max_epochs * batches, initial=first * batches, unit="batch", mininterval=1.0) as bar:
            for epoch in range(first, config.max_epochs):
                self.losses.append(self._train_epoch(optimizer, bar, epoch))
                if config.writer is not None:
                    config.writer.add_scalar("train/loss", self.losses[-1], epoch)
                if progress is not None:
                    self.save_checkpoint()
                    progress.save(epoch + 1)
        if progress is not None:
            progress.forget()

    def _train_epoch(self, optimizer, bar, epoch):
        """One pass over the dataset; returns the mean loss of its batches."""
        self.model.train()
        losses, began, tokens = [], time.monotonic(), 0
        for x, y, untrimmed in self._batches():
            lr = self._learning_rate(untrimmed)
            for group in optimizer.param_groups:
                group["lr"] = lr
            losses.append(self._step(optimizer, x, y))
            tokens += x.numel()
            bar.update()
            if len(losses) % 10 == 0:  # to look at a loss is to wait for the GPU
                speed = tokens / (time.monotonic() - began)
                bar.set_postfix_str(f"epoch {epoch + 1}, loss {losses[-1]:.3f}, {speed:,.0f} tokens/s", refresh=False)
        return torch.stack(losses).mean().item() if losses else 0.0

    def _step(self, optimizer, x, y):
        """Move the parameters once; x and y are (B, T). The loss before, not waited for."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            _, loss = self.forward(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_norm_clip)
        optimizer.step()
        self.steps += 1
        return loss.detach()

    def _batches(self):
        """Batches of this epoch: shuffled items, gathered by length and trimmed, in shuffled order.

        Each is x and y on the device, both (B, T), and the number of tokens before trimming.
        """
        size = self.config.batch_size
        pools = DataLoader(
            self.train_dataset, batch_size=self.POOL * size, shuffle=True, num_workers=self.config.num_workers
        )
        for inputs, targets in pools:  # (POOL * B, T) each
            lengths = last_targets(targets)
            by_length = torch.argsort(lengths, stable=True).split(size)
            ends = [int(lengths[rows].max()) for rows in by_length]
            x, y = inputs.to(self.device), targets.to(self.device)
            for chosen in torch.randperm(len(by_length)).tolist():
                rows, end = by_length[chosen], ends[chosen]
                yield x[rows, :end], y[rows, :end], len(rows) * y.size(1)

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


# ----------------------------------------------------------------------------------------------------------------------
# Going on after a stop
# ----------------------------------------------------------------------------------------------------------------------


class Progress:
    """All that a training needs to go on after its last whole epoch, in a file beside its checkpoint.

    It is used again by a training that begins the same in every respect: code, data, settings, parameters and random
    streams. A training that comes to its end removes it.
    """

    def __init__(self, trainer, optimizer):
        self.trainer = trainer
        self.optimizer = optimizer
        self.path = f"{trainer.config.ckpt_path}.resume"
        self.beginning = self._beginning()

    def save(self, epochs):
        """Write down where the training stands after so many epochs."""
        trainer = self.trainer
        content = {
            "beginning": self.beginning,
            "epochs": epochs,
            "model": trainer.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "counters": [trainer.tokens, trainer.steps],
            "losses": trainer.losses,
            "streams": random_streams(),
        }
        write_tensors(content, self.path)

    def resume(self):
        """Go to where the same training was stopped, if it was; the number of epochs that are behind it."""
        if not os.path.exists(self.path):
            return 0
        trainer = self.trainer
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # noqa: BLE001 - bytes that are no tensors make the unpickler raise almost anything
            content = {}
        if content.get("beginning") != self.beginning:
            print(f"{self.path} is of another training (other code, data, settings or seed): starting anew")
            return 0
        trainer.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        trainer.tokens, trainer.steps = content["counters"]
        trainer.losses = content["losses"]
        set_random_streams(content["streams"])
        epochs = content["epochs"]
        print(f"resuming at epoch {epochs + 1} of {trainer.config.max_epochs} (delete {self.path} to start anew)")
        return epochs

    def forget(self):
        """Remove the file."""
        if os.path.exists(self.path):
            os.remove(self.path)

    def _beginning(self):
        """A fingerprint of everything that decides how this training goes."""
        trainer = self.trainer
        names = sorted(name for name in vars(TrainerConfig) if not name.startswith("_"))
        settings = {name: getattr(trainer.config, name, None) for name in names if name not in ("ckpt_path", "writer")}
        data = getattr(trainer.train_dataset, "data", len(trainer.train_dataset))
        digest = hashlib.sha256(repr((settings, current_preset(), data, random_streams())).encode())
        for file in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(file.read_bytes())
        for tensor in trainer.model.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()
