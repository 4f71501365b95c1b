"""What a class costs: uploads a minute and CPU seconds of `regrade`, beside a cold `grade` for each upload.

The class is made from the project's own corpus: half wrong work (tests/mutants), a quarter right work of other shapes
(tests/variants), a quarter attacks (tests/hostile), code alone; attacks that do nothing but wait for a clock are left
out. Each, or as many as `--cold` says, is graded cold, one after the other, then all by one regrade with one job and by
one with two. CPU seconds are those of all processes; beside them stands what is left
without the workers in which student code ran (their own start counts as theirs). The grade of an upload with nothing
in it is the harness's own share, workers included, since no student code runs in it: alone, and in a regrade of twenty
such. Then a class of stubs by stand-in grades shows what the regrade itself takes, and whether its memory grows. A cold
`import torch` in the same run tells machines and their load apart. Figures are printed; nothing is asserted. Linux
only.

    python benchmarks/regrade.py [--count N] [--cold N] [--only ID] [--jobs 1 2] [--stubs N]    without a count: 100
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import machine  # noqa: E402 (after the path)
from harness.classroom import regrade  # noqa: E402
from harness.classroom.journal import Counts, Spent  # noqa: E402
from harness.grading.supervisor import scratch_folder  # noqa: E402
from harness.manifest import load  # noqa: E402 (after the path)
from harness.release.keys import DEMO_KEY  # noqa: E402
from harness.release.termdata import generate, write  # noqa: E402
from tests.hostile import uploads as hostile  # noqa: E402
from tests.judging import cases  # noqa: E402

#: Uploads with nothing in them, of which the regrade's own share is measured.
_NOTHINGS = 20
#: Attacks that cost a run's seven minutes each and no processor.
_WAITING = ("dripping_reply", "never_return", "use_up_the_time")


@dataclass(frozen=True)
class Cost:
    """What a command took, with all its processes."""

    wall: float
    cpu: float
    student: float = 0.0
    """Of `cpu`, in the workers in which student code ran."""

    def told(self, name: str, uploads: int) -> str:
        """A line of the table."""
        each = (self.wall / uploads, self.cpu / uploads, (self.cpu - self.student) / uploads)
        return f"{name:<34}{60 * uploads / self.wall:>10.2f}" + "".join(f"{seconds:>12.2f}" for seconds in each)

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu, self.student + other.student)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=100, help="uploads of the class (default 100)")
    parser.add_argument("--cold", type=int, help="uploads that are graded cold (default: the class)")
    parser.add_argument("--only", default="", help="a part of the graded tests (default: all)")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--stubs", type=int, default=1000, help="uploads of the class of stubs")
    arguments = parser.parse_args()
    print(machine.features())
    torch = _timed([sys.executable, "-c", "import torch"])
    print(f"a cold `import torch`: {torch.cpu:.2f} CPU s; load {os.getloadavg()[0]:.1f} before the run")
    with scratch_folder() as folder:
        data = folder / "data"
        write(generate(load(), "laptop", DEMO_KEY), data)
        if arguments.count:
            only = ["--only", arguments.only] if arguments.only else []
            _measure_class(folder, data, arguments.count, only, arguments.jobs, arguments.cold or arguments.count)
        if arguments.stubs:
            _measure_stubs(folder, data, arguments.stubs)
    return 0


def _measure_class(folder: Path, data: Path, count: int, only: list[str], jobs: list[int], cold: int) -> None:
    export = folder / "export"
    made = [path for at, make in enumerate(islice(_makers(data), count)) if (path := make(export / f"submission_{at}"))]
    empty = folder / "empty"
    empty.mkdir()
    extra = ["--data", str(data), *only]
    print(f"{count} uploads{', ' + only[1] if only else ''}")
    print(f"{'':<34}{'a minute':>10}{'wall s each':>12}{'CPU s each':>12}{'no students':>12}")
    print(_harness(["grade", str(empty), *extra]).told("grade of nothing", 1))
    for at in range(_NOTHINGS):
        (folder / "nothings" / f"submission_{at}").mkdir(parents=True)
        (folder / "nothings" / f"submission_{at}" / "notes.txt").write_text(f"{at}\n", encoding="utf-8")
    command = ["regrade", str(folder / "nothings"), "--out", str(folder / "out-nothings"), "--jobs", "1", *extra]
    print(_harness(command).told(f"regrade of {_NOTHINGS} nothings", _NOTHINGS))
    spent = [_cold(path, folder / "results.json", extra) for path in made[:cold]]
    print(sum(spent, Cost(0, 0)).told(f"grade of {len(spent)}, one after the other", len(spent)), flush=True)
    for number in jobs:
        out = folder / f"out-{number}"
        cost = _harness(["regrade", str(export), "--out", str(out), "--jobs", str(number), *extra])
        student = sum(map(_of_students, (out / "results").rglob("*.json")))
        print(replace(cost, student=student).told(f"regrade --jobs {number}", count), flush=True)


def _cold(upload: Path, results: Path, extra: list[str]) -> Cost:
    cost = _harness(["grade", str(upload), "--results", str(results), *extra])
    return replace(cost, student=_of_students(results))


def _of_students(results: Path) -> float:
    """CPU seconds of the workers that ran beside the upload, as its results tell."""
    tests = json.loads(results.read_text(encoding="utf-8"))["tests"]
    return float(sum(test.get("extra_data", {}).get("spent", {}).get("cpu_seconds", 0) for test in tests))


def _makers(data: Path) -> Iterator[Callable[[Path], Path]]:
    """What makes one upload after the other, in the shares that the module's docstring tells."""
    code = [attack for attack in hostile.attacks() if "@" in attack.name]  # the others change params and predictions
    attacks = [
        attack.name
        for attack in code
        if not attack.needs_root and attack.seconds <= 30 and attack.name.partition("@")[0] not in _WAITING
    ]
    places = {**hostile.PLACES, "DATA": str(data)}
    wrong, right = cycle(cases.load_all(cases.MUTANTS)), cycle(cases.load_all(cases.VARIANTS))
    for attack in cycle(attacks):
        yield next(wrong).build
        yield next(right).build
        yield next(wrong).build
        yield lambda into, name=attack: hostile.build(
            name, into, honest=ROOT / "reference_solution/src/submission", places=places
        )  # type: ignore[misc]


def _harness(command: list[str]) -> Cost:
    return _timed([sys.executable, "-m", "harness", *command])


def _timed(command: list[str]) -> Cost:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode == 2:
        raise SystemExit(done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.monotonic() - begun, used)


class _Memory:
    """A screen that looks at this process's own memory."""

    def __init__(self) -> None:
        self.mebibytes: list[float] = []

    def say(self, sentence: str) -> None:
        """Nothing."""

    def show(self, counts: Counts, internal_errors: int) -> None:  # noqa: ARG002 - as the seam has it
        """Look."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self.mebibytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


def _measure_stubs(folder: Path, data: Path, count: int) -> None:
    export = folder / "stubs"
    for at in range(count):
        (export / f"submission_{at}").mkdir(parents=True)
        (export / f"submission_{at}" / "model.py").write_text(f"number = {at}\n", encoding="utf-8")

    def grader(upload: Path, stop: Callable[[], bool]) -> regrade.Graded:  # noqa: ARG001 - as the seam has it
        lines = [
            {"number": f"1d-{at}-hidden", "score": 1.0, "output": "word " * 40, "extra_data": {}} for at in range(40)
        ]
        return regrade.Graded({"score": 1.0, "output": upload.name, "extra_data": {}, "tests": lines}, (), Spent())

    screen = _Memory()
    with tempfile.TemporaryDirectory() as out:
        request = regrade.RegradeRequest(export, Path(out) / "out", data, jobs=2)
        begun, used = time.monotonic(), time.process_time()
        regrade.regrade(request, screen, lambda: False, grader)
        wall, used = time.monotonic() - begun, time.process_time() - used
    tenth = screen.mebibytes[len(screen.mebibytes) // 10]
    cpu, each = 1000 * used / count, 1000 * wall / count
    print(f"{count} stubs: {cpu:.1f} ms of CPU and {each:.1f} ms of time each, by the regrade itself")
    print(f"its memory: {tenth:.1f} MiB after a tenth of them, {screen.mebibytes[-1]:.1f} MiB at the end")


if __name__ == "__main__":
    sys.exit(main())
