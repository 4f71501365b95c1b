"""The reference's upload: its code, and the parameters and predictions that training it on the term's data gives.

Promises: what `ready` returns is complete and belongs to this code and this data, by a record that training leaves
beside it. Code that differs in comments alone is the same code. Uploads lie in `build/`, which is never committed: the
demo data's in `build/reference_upload`, any other data's in a folder of its own. An upload that was trained elsewhere
is taken when staff name it: its code must be the reference's, and what its models know is for the self-check to see.

Training runs the very commands that students type. What does not depend on each other is trained side by side, as many
at a time as there are processors; the upload's folder holds all the deliverables, or does not exist.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from harness import terminal
from harness.assignment import ROOT, Assignment, Deliverable
from harness.errors import HoldoutError, InternalError, UsageError
from harness.intake.zips import digest
from harness.manifest import load
from harness.problem import problem_of
from harness.release import termdata
from harness.release.meaning import meaning
from harness.release.template import REFERENCE
from harness.release.termdata import DEMO_PRESET, TermData

UPLOAD = "reference_upload"

_CHANGED = {"data": "the term's data", "preset": "the preset", "code": "a script with commands"}
_PERCENT = re.compile(rb"(\d+)%\|")


def folder_for(root: Path, data: TermData) -> Path:
    """Where the upload for this data lies."""
    return _folder_for(root, data.digest, data.preset, demo=data.is_demo)


def _folder_for(root: Path, data: str, preset: str, *, demo: bool) -> Path:
    if demo and preset == DEMO_PRESET:
        return root / "build" / UPLOAD
    return root / "build" / f"{UPLOAD}-{preset}-{data[:12]}"


def ready(root: Path, data: TermData, assignment: Assignment, console: Console, given: Path | None = None) -> Path:
    """The upload for this data: the one at hand if it is fresh, otherwise trained now, with a progress bar.

    Args:
        root: the checkout.
        data: what it must have been trained on.
        assignment: tells the deliverables.
        console: told what happens.
        given: an upload that staff trained elsewhere; nothing is trained then.

    Raises:
        UsageError: `given` cannot be used.
        InternalError: training failed.
    """
    why = untrained(root, data, assignment, given)
    folder = given or folder_for(root, data)
    if why is None:
        console.print(f"[bold]reference[/] {folder} is {'given' if given else 'fresh'}")
        return folder
    if given is not None:
        raise UsageError(f"--trained {given}: {why}")
    console.print(f"[bold]reference[/] training anew: {why}")
    (root / "build").mkdir(exist_ok=True)
    train_reference(data.folder, folder, assignment, data.preset, console)
    _record_of(folder).write_text(json.dumps(record(root, data, assignment), indent=2) + "\n", encoding="utf-8")
    return folder


def untrained(root: Path, data: TermData, assignment: Assignment, given: Path | None = None) -> str | None:
    """Why the upload at hand, or the one that is given, cannot be used for this code and data, if so."""
    folder = given or folder_for(root, data)
    if why := _incomplete(folder, root, assignment):
        return why
    return None if given else _unrecorded(folder, record(root, data, assignment))


def check_folder(given: Path, root: Path, assignment: Assignment) -> None:
    """UsageError unless the folder holds every deliverable, with the reference's code."""
    if not given.is_dir():
        raise UsageError(f"--trained {given}: no such folder; give the folder with the reference's trained upload")
    if why := _incomplete(given, root, assignment):
        raise UsageError(f"--trained {given}: {why}")


def check_fit(given: Path, data: TermData, assignment: Assignment) -> None:
    """UsageError where an upload that was trained elsewhere belongs to another key, other data or another preset.

    The record that training leaves beside the folder tells; where it was not brought along, the answers do: those for
    other data are right by chance alone, and below every threshold.
    """
    if _record_of(given).is_file():
        wanted = {"data": data.digest, "preset": data.preset}
        if why := _unrecorded(given, wanted):
            raise UsageError(f"--trained {given}: is not for this release: {why}")
        return
    with tempfile.TemporaryDirectory() as scratch:
        termdata.write(data.files, Path(scratch))
        for entry in assignment.problems:
            fit = problem_of(entry).fit
            right = fit(given, Path(scratch)) if fit is not None and entry.thresholds else None
            if right is not None and right < entry.least_threshold:
                raise UsageError(
                    f"--trained {given}: its answers do not fit this data: at best {right:.1%} are right. Was it "
                    "trained with another key, preset or --data?"
                )


def _incomplete(folder: Path, root: Path, assignment: Assignment) -> str | None:
    """What a folder lacks to be an upload of the reference, if it does."""
    wanted = trained_files(assignment)
    missing = [each.name for each in wanted if not (folder / each.name).is_file()]
    if missing:
        return f"{folder} lacks {', '.join(missing[:3])}{' and others' if len(missing) > 3 else ''}"
    source = root / REFERENCE / "src" / "submission"
    for each in wanted:
        if each.kind == "code" and _read(folder / each.name) != _read(source / each.name):
            return f"{each.name} of the reference has changed since"
    return None


def _unrecorded(folder: Path, wanted: dict[str, str]) -> str | None:
    """Why the record of a training does not say what is wanted, if so."""
    try:
        told = json.loads(_record_of(folder).read_text(encoding="utf-8"))
        changed = [_CHANGED[key] for key, value in wanted.items() if told[key] != value]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{_record_of(folder)} does not tell what it was trained on (--trained takes it where its answers fit)"
    return f"{' and '.join(changed)} changed since" if changed else None


def records_of(root: Path, digest: str, preset: str, *, demo: bool) -> list[Path]:
    """What training left beside the upload for this data: on what it was trained, and how well that went."""
    folder = _folder_for(root, digest, preset, demo=demo)
    return [path for path in (_record_of(folder), figures_of(folder)) if path.is_file()]


def figures_of(folder: Path) -> Path:
    """Seconds and accuracies of a training, beside the folder."""
    return folder.with_name(f"{folder.name}.figures.json")


def _record_of(folder: Path) -> Path:
    """Beside the folder, which holds the deliverables and nothing else."""
    return folder.with_name(f"{folder.name}.json")


def record(root: Path, data: TermData, assignment: Assignment) -> dict[str, str]:
    """What training depends on. torch's version is left out: any that the course allows will do for the self-check."""
    source = root / REFERENCE / "src"
    code = [f"submission/{each.name}" for each in trained_files(assignment) if each.kind == "code"]
    files = [path for path in (*code, *map(str, scripts_of(assignment))) if (source / path).is_file()]
    return {
        "data": data.digest,
        "preset": data.preset,
        "code": digest({path: _read(source / path) for path in files}),
    }


def trained_files(assignment: Assignment) -> tuple[Deliverable, ...]:
    """What training leaves: the files of the problems in which something is trained, their code included."""
    trained = [entry for entry in assignment.problems if any(file.command for file in entry.deliverables)]
    return tuple(file for entry in trained for file in entry.deliverables if not file.optional)


def _read(path: Path) -> bytes:
    return meaning(path.name, path.read_bytes())


def scripts_of(assignment: Assignment) -> list[Path]:
    """The scripts that have the commands, and what carries these out, in src/ of the reference."""
    scripts = sorted({Path(each.script) for each in assignment.deliverables if each.command})
    return [path for script in scripts for path in (script.with_suffix(".py"), script)]


# Training.


@dataclass(frozen=True)
class Workshop:
    """A copy of the reference's `src/` with the term's data, where training leaves its files."""

    source: Path
    logs: Path
    preset: str
    threads: int

    def run(self, made: Deliverable, progress: Progress, task: TaskID) -> float:
        """Run the command that makes this file; its seconds.

        Raises:
            InternalError: it failed; its last lines are in the message.
        """
        log = self.logs / f"{made.command}.log"
        started = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", made.script, made.command, "--preset", self.preset],
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
            raise InternalError(f"training the reference failed in `{made.typed}`, see {log}:\n{last}")
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
    chains = assignment.chains
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
    figures_of(out).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
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


def _train(shop: Workshop, chain: Sequence[Deliverable], progress: Progress) -> list[tuple[str, float]]:
    """Make the files of one model in order; (command, seconds) for each."""
    seconds = []
    for made in chain:
        task = progress.add_task(made.command, total=100)
        seconds.append((made.command, round(shop.run(made, progress, task), 1)))
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
    names = [deliverable.name for deliverable in trained_files(assignment)]
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
    return terminal.run(_main)


def _main() -> int:
    console = Console()
    try:
        assignment = load()
        data = termdata.generated(ROOT, None, DEMO_PRESET, assignment)
        ready(ROOT, data, assignment, console)
    except HoldoutError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    figures = ROOT / "build" / f"{UPLOAD}.figures.json"
    if figures.is_file():
        print(figures.read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
