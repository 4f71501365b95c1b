"""What isolation costs, beside a cold `python -c "import torch"` measured in the same run.

    python benchmarks/sandbox.py [--rounds N]

Run it as root on Linux for the numbers of Gradescope's kind of place. Every figure is in milliseconds, over the rounds
(the cold import: over five): minimum, median, 90th percentile, and the ratio of the median to the cold import's. On a
machine that does other things as well, only the minimum says what the work itself takes.

What isolation adds to a grade of 40 graded tests is the zygote's start beyond the import of torch that every grader
pays, the preflight, and 40 runs that do nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import machine  # noqa: E402 (after the path)
from harness.sandbox import Limits, Reply, Sandbox, Status, preflight  # noqa: E402 - the checkout's, installed or not
from harness.sandbox.exchange import Exchange  # noqa: E402
from harness.sandbox.parent import Zygote  # noqa: E402

START, PREFLIGHT, NOTHING = "zygote started, first run included", "preflight", "a run that does nothing"
PROBE = "def nothing(submission): return None\ndef echo(submission, array): return array\n"
TRAINING = """
import torch
def step(submission):
    model = torch.nn.Linear(64, 64)
    optimiser = torch.optim.AdamW(model.parameters())
    model(torch.randn(32, 64)).pow(2).mean().backward()
    optimiser.step()
    return float(model.weight.sum())
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What isolation costs.")
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    print(machine.features())
    cold = [seconds(import_torch) for _ in range(5)]
    with tempfile.TemporaryDirectory(prefix="holdout-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        figures, memory = measure(folder, rounds)
    figures["isolation of a grade of 40 graded tests"] = [
        isolation(statistics.median(cold), figures, statistics.median)
    ]
    print(f"{'':<44}{'min ms':>10}{'median ms':>10}{'p90 ms':>10}{'x cold import':>15}")
    for title, values in {'cold python -c "import torch"': cold, **figures}.items():
        low, middle, ninth = min(values), statistics.median(values), sorted(values)[int(0.9 * (len(values) - 1))]
        ratio = middle / statistics.median(cold)
        print(f"{title:<44}{1e3 * low:>10.1f}{1e3 * middle:>10.1f}{1e3 * ninth:>10.1f}{ratio:>15.4f}")
    print("\n".join(f"{title:<44}{value:>10.1f}" for title, value in memory.items()))
    return 0


def isolation(cold: float, figures: Mapping[str, list[float]], typical: Callable[[list[float]], float]) -> float:
    """Seconds that a grade of 40 graded tests takes beyond importing torch once and the graded tests' own work."""
    start, preflight, run = (typical(figures[title]) for title in (START, PREFLIGHT, NOTHING))
    return max(start - cold, 0) + preflight + 40 * run


def import_torch() -> None:
    """What a fresh process per graded test would pay each time."""
    subprocess.run([sys.executable, "-c", "import torch"], check=True)


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def measure(folder: Path, rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Times in seconds by title, and memory in MiB by title."""
    probes, tree = folder / "probes", folder / "tree"
    for path in (probes, tree, tree / "submission"):
        path.mkdir(mode=0o755)
    (probes / "bench.py").write_text(PROBE + TRAINING, encoding="utf-8")
    (tree / "submission" / "__init__.py").touch(mode=0o644)

    def run(probe: str, **arguments: object) -> Reply:
        reply = sandbox.run(tree, f"bench.{probe}", arguments, seed=1, limits=Limits())  # type: ignore[arg-type]
        assert reply.status is Status.RETURNED, reply
        return reply

    with Sandbox(folder / "work", probes=str(probes)) as sandbox, Stopwatch() as watch:
        start = seconds(lambda: run("nothing"))
        tried = [seconds(lambda: preflight(sandbox)) for _ in range(5)]
        watch.clear()
        whole = [seconds(lambda: run("nothing")) for _ in range(rounds)]
        stages = {"fork to hardened and ready": list(watch.ready), "kill, reap, sweep": list(watch.reap)}
        array = np.zeros((128, 256), np.float32)
        figures = {
            START: [start],
            PREFLIGHT: tried,
            **stages,
            NOTHING: whole,
            "a run that echoes 128x256 float32": [seconds(lambda: run("echo", array=array)) for _ in range(rounds)],
            "a run with a backward and an AdamW step": [seconds(lambda: run("step")) for _ in range(rounds)],
        }
        memory = {
            "zygote, resident MiB": resident(sandbox.foreign()[0]),
            "this process, resident MiB": resident("self"),
        }
    return figures, memory


class Stopwatch:
    """Times the stages of runs from outside: fork until "ready", and the order to reap until its answer."""

    def __enter__(self) -> Stopwatch:  # noqa: PYI034 - typing.Self is younger than Python 3.10
        self.ready: list[float] = []
        self.reap: list[float] = []
        fork, reap, message = Zygote.fork, Zygote.reap, Exchange._on_message  # noqa: SLF001 - no public moment
        begun = 0.0

        def timed_fork(zygote: Zygote, descriptors: tuple[int, ...]) -> int:
            nonlocal begun
            begun = time.perf_counter()
            return fork(zygote, descriptors)

        def timed_message(exchange: Exchange, value: object) -> None:
            if exchange.transcript.ready is None:
                self.ready.append(time.perf_counter() - begun)
            message(exchange, value)  # type: ignore[arg-type]

        def timed_reap(zygote: Zygote, pid: int, uid: int | None, grace: float) -> dict[str, object]:
            answer: dict[str, object] = {}
            self.reap.append(seconds(lambda: answer.update(reap(zygote, pid, uid, grace))))
            return answer

        self._patches: list[Any] = [
            mock.patch.object(Zygote, "fork", timed_fork),
            mock.patch.object(Zygote, "reap", timed_reap),
            mock.patch.object(Exchange, "_on_message", timed_message),
        ]
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        for patch in self._patches:
            patch.stop()

    def clear(self) -> None:
        """Forget what was timed."""
        self.ready.clear()
        self.reap.clear()


def resident(process: int | str) -> float:
    """Resident memory in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
