"""Parameters on disk, decoding, and scoring. Nothing in this file is yours to write."""

import contextlib
import io
import os
import random
import re

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional as F
from tqdm import tqdm

from .dataset import DataError, read_text

# ----------------------------------------------------------------------------------------------------------------------
# Files
# ----------------------------------------------------------------------------------------------------------------------


class CheckpointError(OSError):
    """A file of parameters that could not be written; the message is one sentence that says why."""


def save_params(model, path):
    """Write the model's state dict to `path`: afterwards there is a complete file, or the one that was there before."""
    write_tensors(model.state_dict(), path)


def write_tensors(content, path):
    """torch.save(content, path), after which there is a complete file: this one or, if it fails, the one before."""
    content_bytes = io.BytesIO()
    torch.save(content, content_bytes)
    partial = f"{path}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(content_bytes.getbuffer())
            file.flush()
            os.fsync(file.fileno())  # on the disk itself, before it takes the other's name
        os.replace(partial, path)
    except OSError as problem:
        raise CheckpointError(
            f"cannot write {path} ({problem.strerror or problem}): the file from before is unharmed, and once there is "
            "room the same command goes on from it"
        ) from problem
    finally:
        if os.path.exists(partial):
            os.remove(partial)


class ParamsError(ValueError):
    """Parameters that cannot be used; the message is one sentence that says why."""


def load_params(model, path):
    """Fill the model with the parameters in the file `path`."""
    if not os.path.isfile(path):
        raise ParamsError(f"{path} does not exist: run the command that trains it first (./run.sh lists them)")
    device = next(model.parameters()).device
    try:
        # weights_only: a file of parameters must not be able to run code.
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as problem:  # bytes that are no parameters make the unpickler raise almost anything
        raise ParamsError(f"{path} is not a file of parameters: train that model again") from problem
    state = without_wrappers(state)
    odd = [name for name, each in state.items() if is_odd(each)] if isinstance(state, dict) else []
    if odd:
        raise ParamsError(
            f"{path} holds {odd[0]!r} as a sparse or quantised tensor: save ordinary ones, as tensor.to_dense() or "
            "tensor.dequantize() gives them"
        )
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as problem:
        raise ParamsError(
            f"{path} does not fit this model: was it trained as the same --variant and --preset, with the same "
            f"--bottleneck_dim and --pretrain_corpus_path? ({str(problem).splitlines()[-1].strip()})"
        ) from problem


def without_wrappers(state):
    """A state dict under the names that the model gave: torch.compile and DataParallel put theirs before them."""
    if not isinstance(state, dict):
        return state
    state = {re.sub(r"(^|\.)_orig_mod\.", r"\1", str(name)): tensor for name, tensor in state.items()}
    while state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def is_odd(tensor):
    """Whether it is a tensor that no model here is filled with: one that does not hold every number as it is."""
    return isinstance(tensor, torch.Tensor) and (tensor.is_quantized or tensor.layout is not torch.strided)


def random_streams():
    """Where the random streams stand: those of random, numpy and torch, on the CPU and on a GPU."""
    version, words, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()
    on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    # As text: thousands of single numbers would take longer to write than the model does.
    return {
        "random": (version, np.array(words, dtype=np.uint32).tobytes().hex(), gauss),
        "numpy": (name, keys.tobytes().hex(), *rest),
        "torch": torch.get_rng_state().numpy().tobytes().hex(),
        "gpu": [state.numpy().tobytes().hex() for state in on_gpu],
    }


def set_random_streams(states):
    """Let the random streams go on from what random_streams() gave."""
    version, words, gauss = states["random"]
    name, keys, *rest = states["numpy"]
    random.setstate((version, tuple(np.frombuffer(bytes.fromhex(words), dtype=np.uint32).tolist()), gauss))
    np.random.set_state((name, np.frombuffer(bytes.fromhex(keys), dtype=np.uint32), *rest))
    on_cpu, *on_gpu = (
        torch.tensor(list(bytes.fromhex(state)), dtype=torch.uint8) for state in (states["torch"], *states["gpu"])
    )
    torch.set_rng_state(on_cpu)
    torch.cuda.set_rng_state_all(on_gpu)


# ----------------------------------------------------------------------------------------------------------------------
# Decoding
# ----------------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def sample(model, x, steps, temperature=1.0, sample=False, top_k=None):
    """Continue the token ids x (B, T) by `steps` tokens, one at a time: (B, T + steps).

    Takes the likeliest token each time, or with sample=True draws one, from the top_k likeliest if top_k is given.
    Temperatures below 1 make the likelier tokens likelier still.
    """
    model.eval()
    for _ in range(steps):
        context = x[:, -model.get_block_size() :]  # the model cannot look back further than that
        logits, _ = model(context)
        logits = logits[:, -1, :] / temperature  # (B, T, vocab_size) -> (B, vocab_size)
        if top_k is not None:
            least = logits.topk(min(top_k, logits.size(-1))).values[:, -1:]
            logits = logits.masked_fill(logits < least, float("-inf"))
        if sample:
            chosen = torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)
        else:
            chosen = logits.argmax(dim=-1, keepdim=True)
        x = torch.cat((x, chosen), dim=1)  # (B, T) -> (B, T + 1)
    return x


class KeyValueCache:
    """Runs a model on a growing sequence, and computes for each call only what the new tokens need.

    Causal attention never lets a position see a later one, so nothing at a position changes when tokens are added
    behind it. All that a new token needs of the earlier ones are the keys and values of each attention layer: they are
    kept here. What is counted by position (position embeddings, rows of the causal masks) starts at the first new one.

    The perceiver is causal, too: latent i sees positions 0..i, and position t sees latents 0..t. So each new token
    brings one new latent, until there are m of them; from then on the latents and the blocks between are finished, and
    only UpProjectBlock has something left to do. What no cache can save: once the sequence is longer than the block,
    its first token is dropped, every other one gets a new position, and all has to be computed again.
    """

    def __init__(self, model):
        self.model = model
        self.projections = [each for name, each in model.named_modules() if name.endswith(("attn.key", "attn.value"))]
        self.masks = {name: mask for name, mask in model.named_buffers() if name.endswith("attn.mask")}
        self.length = 0  # positions that the model has seen
        self.kept = {}  # key or value projection -> what it made of them, (B, length, C)

    def __call__(self, x):
        """The scores model(x) gives for the tokens of x (B, T) that came since the last call: (B, new, vocab_size)."""
        start, self.length = self.length, x.size(1)
        counted = self._counted(start, self.length)
        with contextlib.ExitStack() as hooks:
            for projection in self.projections:
                hooks.enter_context(projection.register_forward_hook(self._extend))
            return functional_call(self.model, counted, (x[:, start:],), tie_weights=False)[0]

    def _extend(self, projection, _, new):
        """Put keys or values (B, new, C) behind the kept ones."""
        old = self.kept.get(projection)
        self.kept[projection] = new if old is None else torch.cat((old, new), dim=1)
        return self.kept[projection]

    def _counted(self, start, end):
        """The model's parameters and buffers that are counted by position, for positions start..end - 1."""
        counted = {name: mask[:, :, start:] for name, mask in self.masks.items()}  # query positions are rows
        counted["pos_emb"] = self.model.pos_emb[:, start:end]
        if self.model.config.perceiver:
            counted["down_block.C"] = self.model.down_block.C[:, start:end]  # none left behind the m-th
        return counted


@torch.no_grad()
def can_cache(model):
    """Whether a cache leaves the model's scores as they are. Other ways to write attention may need another cache."""
    model.eval()
    T = model.get_block_size()
    try:
        x = torch.arange(2 * T, device=next(model.parameters()).device).view(2, T) % model.config.vocab_size
        cache = KeyValueCache(model)
        parts = [cache(x[:, :end]) for end in (T // 3, T // 3 + 1, T - 1, T)]
        scores = torch.cat(parts, dim=1)  # (2, T, vocab_size)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        return False
    plain = model(x)[0]
    return scores.shape == plain.shape and bool((scores - plain).abs().max() <= CLOSE * plain.abs().max())


CLOSE = 1e-4  # rounding moves a score by less than this part of the largest


@torch.no_grad()
def greedy_tokens(model, prompts, steps, stop, cached=None):
    """What sample(model, prompt, steps) adds to each of the prompts, up to its first token `stop`: a list for each.

    The prompts are lists of tokens, of any lengths. They are read in step, position by position: where a prompt goes
    on, its next token is taken, and where it is over, the likeliest. That needs no PADs, so that each prompt gets the
    very tokens that it would get alone. `cached` says whether to use a KeyValueCache; None finds out.
    """
    model.eval()
    cache = KeyValueCache(model) if (can_cache(model) if cached is None else cached) else None
    device = next(model.parameters()).device
    starts = torch.tensor([len(prompt) for prompt in prompts], device=device)
    ends = starts + steps
    longest = max(map(len, prompts)) + steps
    given = torch.tensor([[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts], device=device)
    x = given[:, : int(starts.min())]  # (B, T)
    while x.size(1) < int(ends.max()):
        T = x.size(1)
        writing = (starts <= T) & (ends > T)  # (B,); the others are still read, or have ended
        new = given[:, T].clone()
        if writing.any():
            if cache is None or model.get_block_size() < T:
                new[writing] = sample(model, x[writing], 1)[:, -1]
            else:
                new[writing] = likeliest(model, x[writing], cache(x)[writing, -1])
        ends[writing & (new == stop)] = T + 1
        x = torch.cat((x, new[:, None]), dim=1)  # (B, T) -> (B, T + 1)
    return [row[start:end] for row, start, end in zip(x.tolist(), starts.tolist(), ends.tolist(), strict=True)]


def likeliest(model, x, scores):
    """The tokens with the highest of the scores (B, vocab_size) of what follows x (B, T): (B,).

    Where two scores are so close that rounding may have exchanged them, sample() decides.
    """
    best = scores.topk(2).values  # (B, 2)
    chosen = scores.argmax(dim=-1)
    for row in torch.nonzero(best[:, 0] - best[:, 1] <= 2 * CLOSE * scores.abs().amax(dim=-1)).flatten().tolist():
        chosen[row] = sample(model, x[row : row + 1], 1)[0, -1]
    return chosen


def answer_questions(model, questions, dataset, steps=32, batch_size=128):
    """The model's answer to each question: what it writes between the MASK after the question and the next MASK."""
    cached = can_cache(model)
    mask = dataset.stoi[dataset.MASK_CHAR]
    answers = [""] * len(questions)
    by_length = sorted(range(len(questions)), key=lambda index: len(questions[index]))
    with tqdm(total=len(questions), unit="question", mininterval=1.0) as bar:
        for indices in (by_length[at : at + batch_size] for at in range(0, len(questions), batch_size)):
            prompts = [[*(dataset.stoi[char] for char in questions[index]), mask] for index in indices]
            for index, row in zip(indices, greedy_tokens(model, prompts, steps, mask, cached), strict=True):
                answer = "".join(dataset.itos[token] for token in row)
                # One answer, one line: a model that writes a newline must not shift the answers below.
                answers[index] = answer.split(dataset.MASK_CHAR)[0].replace("\n", " ")
            bar.update(len(indices))
    return answers


def read_questions(path, dataset):
    """The questions in a file of `question` or `question<tab>place` lines."""
    questions = [line.split("\t")[0] for line in read_text(path).split("\n")]
    for number, question in enumerate(questions, 1):
        unknown = next((char for char in question if char not in dataset.stoi), None)
        if unknown is not None:
            raise DataError(f"{path}:{number}: has {unknown!r}, which the pretraining text never has: {question!r}")
        if not 0 < len(question) < dataset.block_size:
            raise DataError(
                f"{path}:{number}: expected a question of 1 to {dataset.block_size - 1} characters, got {len(question)}"
            )
    return questions


# ----------------------------------------------------------------------------------------------------------------------
# Scoring
# ----------------------------------------------------------------------------------------------------------------------


def read_places(path):
    """The places in a file of `question<tab>place` lines; none where the file has questions only."""
    lines = read_text(path).split("\n")
    if all("\t" not in line for line in lines):
        return []
    for number, line in enumerate(lines, 1):
        if line.count("\t") != 1:
            raise DataError(f"{path}:{number}: expected exactly one tab, between question and place: {line!r}")
    return [line.split("\t")[1] for line in lines]


def evaluate_places(filepath, predicted_places):
    """Compare predictions with the places in a file of `question<tab>place` lines.

    Returns:
        (total, correct): the number of questions and of exact matches; (0, 0) where the file has questions only.
    """
    places = read_places(filepath)
    if not places:
        return 0, 0
    if len(places) != len(predicted_places):
        raise DataError(f"{filepath} has {len(places)} questions, but there are {len(predicted_places)} predictions")
    correct = sum(predicted == place for predicted, place in zip(predicted_places, places, strict=True))
    return len(places), correct
