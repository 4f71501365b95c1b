"""Trains a small model many times over, each time killed by SIGKILL at another moment and started again.

    python killed.py SOURCE FOLDER VARIANT OPTIMIZER EVERY

Started by test_resuming.py, in one process that forks: importing torch anew for each training would take minutes.
Every training must end in the bytes that the unbroken one ended in, and lose less than an epoch. Prints one line for
each moment; exits 1 with the reason at the first that goes wrong.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

EPOCHS = 4
CORPUS = "\n".join(
    f"{name} was born in {place}, of all places." for name in ("Ada", "Bo", "Cy") for place in ("Oslo", "Rome")
)


class Clock:
    """Counts moments, and kills the process at one of them."""

    def __init__(self, fatal: int | None) -> None:
        self.now, self.fatal = 0, fatal

    def tick(self) -> None:
        self.now += 1
        if self.now == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def ticking(clock: Clock, package: Any) -> Iterator[None]:
    """Inside, each step and each stage of each write is a moment, in the middle of a write too."""
    original = os.replace, package.Trainer._step

    def opened(path: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if clock.now + 1 == clock.fatal and str(path).endswith(".partial"):
            with Path(path).open("wb") as file:
                file.write(b"PK half a file")  # as if the disk had taken no more before the end came
        if mode == "wb":
            clock.tick()
        return open(path, mode, *rest, **options)  # noqa: PTH123 - it stands in for open itself

    def before_and_after(function: Callable[..., Any]) -> Callable[..., Any]:
        def both(*arguments: Any) -> Any:
            clock.tick()
            result = function(*arguments)
            clock.tick()
            return result

        return both

    os.replace, package.Trainer._step = before_and_after(original[0]), before_and_after(original[1])
    package.utils.open = opened  # found before the builtin
    try:
        yield
    finally:
        os.replace, package.Trainer._step = original
        del package.utils.open


def train(package: Any, folder: Path, variant: str, optimizer: str, fatal: int | None) -> int:
    """What `run.py --function=pretrain` does, on a small scale; the number of moments it had."""
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the stream that students' own draws may come from
    torch.manual_seed(5)
    dataset = package.CharCorruptionDataset(CORPUS, 40)
    config = package.GPTConfig(dataset.vocab_size, 40, n_layer=3, n_head=2, n_embd=8)
    model = (
        package.initialize_vanilla_model(config)
        if variant == "vanilla"
        else package.initialize_perceiver_model(config, 20)
    )
    made: list[Any] = []
    configure = model.configure_optimizers

    def noticed(settings: Any) -> Any:
        made.append(configure(settings))
        return made[0]

    model.configure_optimizers = noticed
    tconf = package.TrainerConfig(
        max_epochs=EPOCHS, batch_size=2, optimizer=optimizer, lr_decay=True, warmup_tokens=100, final_tokens=900
    )
    trainer = package.Trainer(model, dataset, None, tconf)
    clock = Clock(fatal)
    with ticking(clock, package):
        package.train(model, str(folder / "a.params"), trainer)
    end = {
        "optimizer": made[0].state_dict(),
        "counters": [trainer.tokens, trainer.steps],
        "losses": trainer.losses,
        "streams": package.utils.random_streams(),
    }
    torch.save(end, folder / "end")
    return clock.now


def in_child(folder: Path, action: Callable[[], Any]) -> int:
    """Run the action in a forked process, with what it prints in `folder/output`; its wait status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            output = (folder / "output").open("w", encoding="utf-8")
            with output, contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                action()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]


def epochs_kept(folder: Path) -> int:
    """The number of epochs that the file for going on holds; the file must be whole."""
    path = folder / "a.params.resume"
    return len(torch.load(path, weights_only=True)["losses"]) if path.exists() else 0


def check(package: Any, folder: Path, wanted: dict[str, bytes], case: tuple[str, str], fatal: int, steps: int) -> str:
    """Kill at the moment `fatal`, go on, compare; what went wrong, or an empty string."""
    folder.mkdir()
    status = in_child(folder, lambda: train(package, folder, *case, fatal))
    if not os.WIFSIGNALED(status):
        return f"was not killed: {(folder / 'output').read_text()}"
    if (folder / "a.params").exists():
        torch.load(folder / "a.params", weights_only=True)
    kept = epochs_kept(folder)
    status = in_child(folder, lambda: train(package, folder, *case, None))
    output = (folder / "output").read_text(encoding="utf-8")
    if status:
        return f"could not go on: {output}"
    found = re.search(r"resuming at epoch (\d+) of", output)
    if (int(found.group(1)) if found else 1) != kept + 1:
        return f"{kept} epochs were kept, but it said {output!r}"
    for name, content in wanted.items():
        if (folder / name).read_bytes() != content:
            return f"{name} is not what the unbroken training wrote"
    left = sorted(path.name for path in folder.iterdir())
    return "" if left == ["a.params", "end", "output"] else f"left {left}"


def main() -> int:
    """Go through the moments."""
    source, root, *case, every = sys.argv[1:]
    sys.path.insert(0, source)
    package = importlib.import_module("submission")

    torch.set_num_threads(1)
    unbroken = Path(root) / "unbroken"
    unbroken.mkdir()
    moments = train(package, unbroken, case[0], case[1], None)
    wanted = {name: (unbroken / name).read_bytes() for name in ("a.params", "end")}
    first = random.Random().randrange(int(every))
    for fatal in range(1 + first, moments + 1, int(every)):
        folder = Path(root) / f"killed-{fatal}"
        problem = check(package, folder, wanted, (case[0], case[1]), fatal, moments)
        if problem:
            print(f"killed at moment {fatal} of {moments}: {problem}")
            return 1
        print(f"killed at moment {fatal} of {moments}: the same end")
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
