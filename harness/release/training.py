"""Trains the reference on a term's data, with the very commands that students type, and collects its upload.

Promises: the upload folder holds exactly the deliverables, all of them, or does not exist. What does not
depend on each other is trained side by side, as many at a time as there are processors.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from harness.assignment import ROOT, Assignment, load
from harness.errors import InternalError
from harness.problem import problem_of

_PERCENT = re.compile(rb"(\d+)%\|")


@dataclass(frozen=True)
class Workshop:
    """A copy of the reference's `src/` with the term's data, where training leaves its files."""

    source: Path
    logs: Path
    preset: str
    threads: int

    def run(self, step: str, progress: Progress, task: TaskID) -> float:
        """Run one command of run.sh; its seconds.

        Raises:
            InternalError: it failed; its last lines are in the message.
        """
        log = self.logs / f"{step}.log"
        started = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "run.sh", step, "--preset", self.preset],
                cwd=self.source,
                env={**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": str(self.threads)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            while process.poll() is None:
                time.sleep(0.5)
                progress.update(task, completed=_percent(log))
        if process.returncode:
            last = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise InternalError(f"training the reference failed in `./run.sh {step}`, see {log}:\n{last}")
        return time.monotonic() - started


def train_reference(
    dataset: Path, out: Path, assignment: Assignment, preset: str, console: Console | None = None
) -> Mapping[str, object]:
    """Train all models on the data in `dataset`, and put the deliverables into `out`.

    Returns:
        seconds by step, and per model and split the accuracy; also written beside `out`, as `<out>.figures.json`.

    Raises:
        InternalError: a step failed, or left a deliverable out.
    """
    chains = [[each.command for each in chain] for chain in assignment.chains]
    at_a_time = max(1, min(len(chains), os.cpu_count() or 1))
    shop = _open_workshop(dataset, out, assignment, preset, threads=max(1, (os.cpu_count() or 1) // at_a_time))
    columns = (
        TextColumn("  {task.description:<36}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(at_a_time) as pool:
        seconds = dict(
            pair for chain in pool.map(lambda steps: _train(shop, steps, progress), chains) for pair in chain
        )
    wall = time.monotonic() - started
    _collect(shop.source / "submission", out, assignment)
    figures = {
        "preset": preset,
        "wall_seconds": round(wall, 1),
        "seconds": seconds,
        "accuracy": _accuracies(out, dataset, assignment),
    }
    out.with_name(f"{out.name}.figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


def _open_workshop(dataset: Path, out: Path, assignment: Assignment, preset: str, threads: int) -> Workshop:
    folder = out.with_name(f"{out.name}.work")
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "src"
    shutil.copytree(ROOT / "reference_solution" / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    for name in assignment.data_names(students=True):
        shutil.copyfile(dataset / name, source / "data" / name)
    logs = folder / "logs"
    logs.mkdir()
    return Workshop(source, logs, preset, threads)


def _train(shop: Workshop, steps: Sequence[str], progress: Progress) -> list[tuple[str, float]]:
    """Run the steps of one model in order; (step, seconds) for each."""
    seconds = []
    for step in steps:
        task = progress.add_task(step, total=100)
        seconds.append((step, round(shop.run(step, progress, task), 1)))
        progress.update(task, completed=100)
        progress.stop_task(task)
    return seconds


def _percent(log: Path) -> int:
    """The last percentage that a progress bar left in the log."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 400))
        found = _PERCENT.findall(stream.read())
    return int(found[-1]) if found else 0


def _collect(trained: Path, out: Path, assignment: Assignment) -> None:
    """Copy exactly the deliverables, aside first, then into place."""
    names = [deliverable.name for deliverable in assignment.deliverables]
    missing = [name for name in names if not (trained / name).is_file()]
    if missing:
        raise InternalError(f"training the reference left no {', '.join(missing)} in {trained}")
    aside = out.with_name(f"{out.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name in names:
        shutil.copyfile(trained / name, aside / name)
    shutil.rmtree(out, ignore_errors=True)
    aside.rename(out)


def _accuracies(upload: Path, dataset: Path, assignment: Assignment) -> dict[str, float]:
    """Fraction of right answers, as the problems name and count them."""
    figures: dict[str, float] = {}
    for entry in assignment.problems:
        count = problem_of(entry).accuracies
        if count is not None:
            figures.update(count(upload, dataset))
    return figures


def main() -> int:
    """`make reference`: the demo dataset's reference upload, trained unless it is fresh."""
    from harness.errors import HoldoutError
    from harness.release import termdata, trained

    console = Console()
    try:
        assignment = load()
        data = termdata.generated(ROOT, None, termdata.DEMO_PRESET, assignment)
        trained.ready(ROOT, data, assignment, console)
    except HoldoutError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    figures = ROOT / "build" / f"{trained.UPLOAD}.figures.json"
    if figures.is_file():
        print(figures.read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
