"""What the trainer and the decoder of the assignment gain over the loops that one writes first, on one processor.

    python benchmarks/training.py [peak] [speed] [decoding] [accuracy] [--epochs N]

peak      the machine's matrix speed in float32 and bfloat16: the best of a few sizes
speed     pretraining steps, ours beside the naive loop's (DataLoader, full-length PADs, AdamW, float32), in turns; the
          share of the matrix speed that ours reach, and a profile of where the rest goes
decoding  500 questions with a key/value cache in batches, beside sample() on one question after the other
accuracy  CPU seconds of pretraining after which the finetuned model gets 10% of dev right; the naive loop is stopped at
          `LIMIT` times ours if it has not come that far

Without words, all of them: about nine minutes on an idle processor. Figures are CPU seconds of one thread and ratios of
them, so that other work on the machine matters little; nothing is asserted but that both ways of decoding agree.
"""

# ruff: noqa: SLF001 - a step is measured, not a whole training
from __future__ import annotations

import argparse
import copy
import importlib
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "reference_solution" / "src")]

from benchmarks import machine  # noqa: E402 (after the path)
from harness.manifest import load  # noqa: E402 (after the path)
from harness.release.keys import DEMO_KEY  # noqa: E402
from harness.release.termdata import generate, write  # noqa: E402

submission: Any = importlib.import_module("submission")
run: Any = importlib.import_module("run")
trainer_module: Any = submission.trainer

PARTS = ("peak", "speed", "decoding", "accuracy")
TARGET = 0.10  # of dev
LIMIT = 5.1  # times our seconds are enough to tell whether the naive loop is five times slower
NAIVE_RATE = 3e-3  # the best of 1e-3, 3e-3 and 6e-3 for AdamW


@dataclass(frozen=True)
class Setting:
    """The laptop preset on the demo dataset."""

    folder: Path
    preset: Any
    dataset: Any

    def model(self, variant: str = "vanilla") -> Any:
        """A new model, the same at each call."""
        torch.manual_seed(0)
        arguments = argparse.Namespace(variant=variant, bottleneck_dim=None)
        return run.build_model(arguments, self.preset, self.dataset.vocab_size)

    def questions(self) -> list[str]:
        """Five hundred questions: dev, test, and as many of the names for finetuning as are missing."""
        files = ("birth_dev.tsv", "birth_test_inputs.tsv", "birth_places_train.tsv")
        found = [q for name in files for q in submission.utils.read_questions(self.folder / name, self.dataset)]
        return found[:500]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--epochs", type=int, default=40, help="of our pretraining, for accuracy")
    arguments = parser.parse_args()
    print(machine.features())
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    parts = arguments.parts or PARTS
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        setting = _setting(Path(folder) / "dataset")
        peaks = _peaks() if {"peak", "speed"} & set(parts) else {}
        if "speed" in parts:
            for variant in ("vanilla", "perceiver"):
                _speed(setting, variant, peaks)
        if "decoding" in parts:
            for variant in ("vanilla", "perceiver"):
                _decoding(setting, variant)
        if "accuracy" in parts:
            _accuracy(setting, arguments.epochs)
    return 0


def _setting(folder: Path) -> Setting:
    write(generate(load(), "laptop", DEMO_KEY), folder)
    preset = submission.use_preset("laptop")
    text = submission.dataset.read_text(folder / "wiki.txt")
    return Setting(folder, preset, submission.CharCorruptionDataset(text, preset.block_size))


# ----------------------------------------------------------------------------------------------------------------------
# The machine
# ----------------------------------------------------------------------------------------------------------------------


def _peaks() -> dict[torch.dtype, float]:
    """Operations a second of the fastest of a few matrix products, by type of number."""
    peaks = {}
    for dtype in (torch.float32, torch.bfloat16):
        peaks[dtype] = max(_product(size, dtype) for size in (256, 512, 1024))
        print(f"matrix peak of one thread, {str(dtype).removeprefix('torch.')}: {peaks[dtype] / 1e9:.0f} GFLOP/s")
    return peaks


def _product(size: int, dtype: torch.dtype) -> float:
    a, b = torch.randn(2, size, size).to(dtype)
    a @ b
    repeats = max(1, int(3e8 / size**3))
    best = min(_seconds(lambda: [a @ b for _ in range(repeats)]) for _ in range(7))
    return 2 * size**3 * repeats / best


def _seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


# ----------------------------------------------------------------------------------------------------------------------
# Pretraining
# ----------------------------------------------------------------------------------------------------------------------


def _trainer(setting: Setting, model: Any) -> Any:
    """Our trainer, as `./run.sh vanilla_pretrain` sets it up."""
    recipe = setting.preset.pretrain
    _, trainer = submission.pretrain(
        setting.dataset, setting.preset.block_size, model, pretrain_lr=recipe.learning_rate
    )
    trainer.config.optimizer = recipe.optimizer
    return trainer


def _forever(batches: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    while True:
        yield from batches()


class Naive:
    """The loop that one writes first: a DataLoader, every row as long as the block, AdamW, float32."""

    def __init__(self, setting: Setting, model: Any, seconds: float = math.inf) -> None:
        self.model, self.limit, self.used = model, seconds, 0.0
        batch_size = setting.preset.pretrain.batch_size
        self.batches = _forever(lambda: iter(DataLoader(setting.dataset, batch_size=batch_size, shuffle=True)))
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=NAIVE_RATE, betas=(0.9, 0.95), weight_decay=0.1)

    def step(self) -> int:
        """One step; the number of targets it saw. The rate falls to a tenth over the seconds that it has."""
        began = time.process_time()
        x, y = next(self.batches)
        progress = min(1.0, self.used / self.limit)
        for group in self.optimizer.param_groups:
            group["lr"] = NAIVE_RATE * max(0.1, 0.5 * (1 + math.cos(math.pi * progress)))
        _, loss = self.model(x, y)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.used += time.process_time() - began
        return int((y != 0).sum())


def _speed(setting: Setting, variant: str, peaks: dict[torch.dtype, float], steps: int = 16) -> None:
    """Steps in turns, ours and the naive loop's."""
    random.seed(0)
    model = setting.model(variant)
    trainer = _trainer(setting, model)
    optimizer = model.configure_optimizers(trainer.config)
    model.train()
    batches = _forever(trainer._batches)
    naive = Naive(setting, setting.model(variant).train())
    targets = {"ours": 0, "naive": 0}
    seconds: dict[str, list[float]] = {"ours": [], "naive": []}

    def ours() -> None:
        x, y, _ = next(batches)
        trainer._step(optimizer, x, y)
        targets["ours"] += int((y != 0).sum())

    def other() -> None:
        targets["naive"] += naive.step()

    for turn in range(steps + 3):
        if turn == 3:  # the first ones wake everything up
            targets.update(ours=0, naive=0)
            seconds = {"ours": [], "naive": []}
        for name, step in (("ours", ours), ("naive", other)):
            seconds[name].append(_seconds(step))
    rates = {name: targets[name] / sum(seconds[name]) for name in targets}
    print(
        f"\npretraining, {variant}: {rates['ours']:,.0f} targets/s, naive {rates['naive']:,.0f} targets/s: "
        f"{rates['ours'] / rates['naive']:.1f} times as many"
    )
    _share(trainer, optimizer, next(batches), statistics.mean(seconds["ours"]), peaks)
    if variant == "vanilla":
        _profile(lambda: [trainer._step(optimizer, *next(batches)[:2]) for _ in range(10)])


def _share(trainer: Any, optimizer: Any, batch: Any, seconds: float, peaks: dict[torch.dtype, float]) -> None:
    """The share of the matrix peak that a step of ours reaches, by the operations of its matrix products."""
    with FlopCounterMode(display=False) as counter:
        trainer._step(optimizer, *batch[:2])
    speed = counter.get_total_flops() / seconds
    bfloat16 = trainer_module.fast_bfloat16(torch.device("cpu"))
    shares = ", ".join(f"{speed / peak:.0%} of {str(dtype).removeprefix('torch.')}'s" for dtype, peak in peaks.items())
    print(
        f"  {1e3 * seconds:.0f} ms a step, {speed / 1e9:.0f} GFLOP/s in matrix products, which here are in "
        f"{'bfloat16' if bfloat16 else 'float32'}: {shares}"
    )


def _profile(action: Callable[[], object]) -> None:
    """Where the CPU time of a few steps goes, operator by operator."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        action()
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    print(f"\n  {'operator':<44}{'share':>7}{'calls':>8}")
    for event in events[:14]:
        print(f"  {event.key[:43]:<44}{event.self_cpu_time_total / total:>7.1%}{event.count:>8}")


# ----------------------------------------------------------------------------------------------------------------------
# Decoding
# ----------------------------------------------------------------------------------------------------------------------


def _decoding(setting: Setting, variant: str, every: int = 10) -> None:
    """500 questions at once, and every tenth of them one after the other."""
    utils, dataset = submission.utils, setting.dataset
    model = setting.model(variant).eval()
    try:
        utils.load_params(model, ROOT / "build" / "reference_upload" / f"{variant}.finetune.params")
        kind = "trained"
    except utils.ParamsError:
        kind = "untrained, which never stops early"
    questions = setting.questions()
    answers: list[str] = []
    utils.answer_questions(model, questions[::10], dataset)  # the first ones wake everything up
    ours = _seconds(lambda: answers.extend(utils.answer_questions(model, questions, dataset)))
    plain: list[str] = []
    chosen = questions[::every]
    seconds = _seconds(lambda: plain.extend(_plain(model, question, dataset) for question in chosen))
    seconds *= len(questions) / len(chosen)
    if plain != answers[::every]:
        raise AssertionError("both ways of decoding must give the same answers")
    print(
        f"\ndecoding, {variant} ({kind}): {len(questions)} questions in {ours:.2f} s, the plain loop {seconds:.1f} s "
        f"(by every {every}th): {seconds / ours:.0f} times as fast, same answers; cache: {utils.can_cache(model)}"
    )


def _plain(model: Any, question: str, dataset: Any) -> str:
    x = torch.tensor([[dataset.stoi[char] for char in question + dataset.MASK_CHAR]])
    completion = "".join(dataset.itos[int(token)] for token in submission.sample(model, x, 32)[0])
    return str(completion.split(dataset.MASK_CHAR)[1].replace("\n", " "))


# ----------------------------------------------------------------------------------------------------------------------
# Accuracy
# ----------------------------------------------------------------------------------------------------------------------


def _accuracy(setting: Setting, epochs: int) -> None:
    """CPU seconds of pretraining until a copy, finetuned as always, gets 10% of dev right."""
    random.seed(0)
    print(f"\npretraining until {TARGET:.0%} of dev are right once finetuned (finetuning is not counted)")
    ours = _ours_until_target(setting, epochs)
    if ours is None:
        print(f"  ours: not within {epochs} epochs; give more with --epochs")
        return
    limit = LIMIT * ours
    naive = Naive(setting, setting.model().train(), limit)
    for share in (0.5, 1.0):
        while naive.used < share * limit:
            naive.step()
        reached = _dev(setting, naive.model)
        print(f"  naive: {naive.used:6.0f} s  {reached:6.1%}  ({naive.used / ours:.1f} times ours)")
        if reached >= TARGET:
            return
    print(f"  the naive loop needs more than {LIMIT} times as long as ours")


def _ours_until_target(setting: Setting, epochs: int) -> float | None:
    model = setting.model()
    trainer = _trainer(setting, model)
    trainer.config.final_tokens = epochs * len(setting.dataset) * setting.preset.block_size
    optimizer = model.configure_optimizers(trainer.config)
    used = 0.0
    for epoch in range(epochs):
        used += _seconds(lambda at=epoch: trainer._train_epoch(optimizer, _Silent(), at))  # type: ignore[misc]
        if 2 * (epoch + 1) >= epochs and (epoch + 1) % max(1, epochs // 8) == 0:
            reached = _dev(setting, model)
            print(f"  ours:  {used:6.0f} s  {reached:6.1%}  (epoch {epoch + 1})")
            if reached >= TARGET:
                return used
    return None


class _Silent:
    """Stands for the progress bar."""

    def update(self) -> None:
        """Nothing."""

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        """Nothing."""


def _dev(setting: Setting, model: Any) -> float:
    """The share of dev that a finetuned copy of the model gets right. The random streams stay where they are."""
    params = setting.folder / "pretrained.params"
    submission.utils.save_params(model, params)
    recipe = setting.preset.finetune
    fresh = setting.model()
    streams = submission.utils.random_streams()
    _, trainer = submission.finetune(
        params,
        setting.folder / "birth_places_train.tsv",
        setting.dataset,
        setting.preset.block_size,
        copy.deepcopy(fresh),
        finetune_lr=recipe.learning_rate,
    )
    trainer.config.optimizer = recipe.optimizer
    trainer.train()
    path = setting.folder / "birth_dev.tsv"
    questions = submission.utils.read_questions(path, setting.dataset)
    answers = submission.utils.answer_questions(trainer.model, questions, setting.dataset)
    submission.utils.set_random_streams(streams)
    total, correct = submission.evaluate_places(path, answers)
    return float(correct / total)


if __name__ == "__main__":
    sys.exit(main())
