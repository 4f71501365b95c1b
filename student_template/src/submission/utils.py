"""Decoding, scoring, and parameters from disk. Nothing in this file is yours to write."""

import os
from collections import defaultdict

import torch
from torch.nn import functional as F
from tqdm import tqdm

from .dataset import DataError, read_text


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
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as problem:
        raise ParamsError(
            f"{path} does not fit this model: was it trained as the same --variant and --preset, with the same "
            f"--bottleneck_dim and --pretrain_corpus_path? ({str(problem).splitlines()[-1].strip()})"
        ) from problem


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


@torch.no_grad()
def greedy_tokens(model, x, steps, stop):
    """The tokens that sample(model, x, steps) adds to x (B, T): (B, steps).

    Fewer come back if every row has met the token `stop` before that.
    """
    start = x.size(1)
    stopped = torch.zeros(x.size(0), dtype=torch.bool, device=x.device)
    for _ in range(steps):
        x = sample(model, x, 1)
        stopped |= x[:, -1] == stop
        if stopped.all():
            break
    return x[:, start:]


def answer_questions(model, questions, dataset, steps=32, batch_size=256):
    """The model's answer to each question: what it writes between the MASK after the question and the next MASK.

    Questions of one length are answered together. They need no PADs that way, so that each gets the very tokens that
    sample() would give it alone.
    """
    device = next(model.parameters()).device
    mask = dataset.stoi[dataset.MASK_CHAR]
    by_length = defaultdict(list)
    for index, question in enumerate(questions):
        by_length[len(question)].append(index)

    answers = [""] * len(questions)
    with tqdm(total=len(questions), unit="question", mininterval=1.0) as bar:
        for indices in by_length.values():
            for chosen in (indices[at : at + batch_size] for at in range(0, len(indices), batch_size)):
                x = [[dataset.stoi[char] for char in questions[index]] + [mask] for index in chosen]
                rows = greedy_tokens(model, torch.tensor(x, device=device), steps, stop=mask).tolist()
                for index, row in zip(chosen, rows, strict=True):
                    answer = "".join(dataset.itos[token] for token in row)
                    # One answer, one line: a model that writes a newline must not shift the answers below.
                    answers[index] = answer.split(dataset.MASK_CHAR)[0].replace("\n", " ")
                bar.update(len(chosen))
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


def evaluate_places(filepath, predicted_places):
    """Compare predictions with the places in a file of `question<tab>place` lines.

    Returns:
        (total, correct): the number of questions and of exact matches; (0, 0) where the file has questions only.
    """
    lines = read_text(filepath).split("\n")
    if all("\t" not in line for line in lines):
        return 0, 0
    places = []
    for number, line in enumerate(lines, 1):
        if line.count("\t") != 1:
            raise DataError(f"{filepath}:{number}: expected exactly one tab, between question and place: {line!r}")
        places.append(line.split("\t")[1])
    if len(places) != len(predicted_places):
        raise DataError(f"{filepath} has {len(places)} questions, but there are {len(predicted_places)} predictions")
    correct = sum(predicted == place for predicted, place in zip(predicted_places, places, strict=True))
    return len(places), correct
