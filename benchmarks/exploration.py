"""What problem 3 costs: CPU seconds of its graded tests in a warm grader, beside those of a worker that does nothing.

The reference's optional file is graded with the rest of its code; starting the zygote, which imports torch and is paid
once for a whole grade, is left out. Figures are printed; nothing is asserted. POSIX only.

    python benchmarks/exploration.py [--runs N]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import machine  # noqa: E402 (after the path)
from harness.grading import catalogue  # noqa: E402
from harness.grading.results import Results  # noqa: E402
from harness.grading.session import run_graded_tests  # noqa: E402
from harness.grading.supervisor import GradeRequest  # noqa: E402
from harness.intake.staging import discard, stage  # noqa: E402
from harness.manifest import load  # noqa: E402 (after the path)
from harness.sandbox import Limits, Sandbox  # noqa: E402


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(machine.features())
    scratch = Path(tempfile.mkdtemp())
    scratch.chmod(0o711)
    try:
        _measure(scratch, runs)
    finally:
        discard(scratch)
    return 0


def _measure(scratch: Path, runs: int) -> None:
    code = ROOT / "reference_solution" / "src" / "submission"
    upload = scratch / "uploaded"
    upload.mkdir()
    assignment = load()
    for file in assignment.uploads:
        if file.kind == "code":
            shutil.copyfile(code / file.name, upload / file.name)
    submission = stage(upload, scratch / "staged", assignment.uploads)
    request = _request(upload, scratch)
    with Sandbox(scratch / "workers") as sandbox:
        empty: dict[str, list[str]] = {"functions": []}
        sandbox.run(submission.tree, "exploration.texts", empty, seed=0, limits=Limits())  # starts the zygote

        def problem() -> None:
            results = Results.of(request.graded_tests)
            run_graded_tests(request, assignment, results, submission, sandbox)
            assert results.score == assignment.extra_points, results.as_json()

        def nothing() -> None:
            sandbox.run(submission.tree, "exploration.texts", empty, seed=0, limits=Limits())

        print(f"{'median of ' + str(runs):<24}{'CPU s':>8}")
        for name, action in (("problem 3", problem), ("one empty worker", nothing)):
            print(f"{name:<24}{statistics.median(_cpu(action) for _ in range(runs)):>8.2f}")


def _request(upload: Path, scratch: Path) -> GradeRequest:
    return GradeRequest(
        upload=str(upload), data=str(ROOT / "build" / "dataset"), scratch=str(scratch),
        graded_tests=catalogue.select(catalogue.collect(load()), "3"), with_reference=True, seed="0", gradescope=False,
    )  # fmt: skip


def _cpu(action: Callable[[], None]) -> float:
    """CPU seconds of an action in this process, and in its children (the zygote) and theirs (the workers)."""
    before = _seconds()
    action()
    return _seconds() - before


def _seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(_ticks(pid) for pid in _children(os.getpid()))


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _ticks(pid: int) -> float:
    """User and system time of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
