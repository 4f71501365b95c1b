"""kill -9 of a random process of a grade at a random moment, many times: `python tests/faults/kill_many.py --kills 500`.

Grades right work, a part of the graded tests at a time (with --light, by a grader without torch: see light.py), and looks after
each kill whether the grade ended, whether results.json is
valid, whether every graded test is judged or marked with a reason, whether anything is left running, and whether the folder for
temporary files is empty (after a kill of the supervisor: once the next grade has begun). Exit status 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness.assignment import ROOT
from harness.grading import catalogue
from harness.grading.supervisor import scratch_folder
from harness.manifest import load
from harness.release.keys import DEMO_KEY
from harness.release.termdata import generate, write
from tests.conftest import REFERENCE_CODE, write_predictions
from tests.faults import light
from tests.faults.grades import VICTIMS, Grade, assert_sound


@dataclass(frozen=True)
class Target:
    """What is graded meanwhile, and where."""

    folder: Path
    upload: Path
    data: Path
    part: str
    graded_tests: Mapping[str, float]
    root: Path

    def start(self) -> Grade:
        """One more grade. All of them share a folder for temporary files, so that each sweeps after the one before."""
        (self.folder / "results.json").unlink(missing_ok=True)
        return Grade(
            self.upload, self.data, self.folder / "results.json", self.folder / "tmp", "--only", self.part, root=self.root
        )  # fmt: skip


def main() -> int:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1c", help="which graded tests to judge meanwhile (default 1c)")
    parser.add_argument("--light", action="store_true", help="by a grader without torch, whose grades take a second")
    parser.add_argument("--victims", nargs="+", default=VICTIMS, choices=VICTIMS)
    parser.add_argument("--patience", type=float, default=300.0, help="seconds after which a grade hangs (default 300)")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    part = light.PART if arguments.light else arguments.part
    graded_tests = {
        graded_test.id: graded_test.points for graded_test in catalogue.select(catalogue.collect(load()), part)
    }
    counts: Counter[tuple[str, str]] = Counter()
    longest = 0.0
    with scratch_folder() as folder:
        data, upload = prepare(folder)
        root = ROOT
        if arguments.light:
            root = light.light_grader(folder / "source")
            (upload / "__init__.py").write_text(light.SUBMISSION, encoding="utf-8")
        target = Target(folder, upload, data, part, graded_tests, root)
        typical, expected = undisturbed(target)
        while kills(counts) < arguments.kills:
            victim = dice.choice(arguments.victims)
            started = time.monotonic()
            what, problem = one(target, victim, dice.uniform(0, 0.9 * typical), expected, arguments.patience)
            longest = max(longest, time.monotonic() - started)
            counts[victim, what] += 1
            if problem:
                print(f"run {counts.total()}: {victim}: {problem}", flush=True)
            if counts.total() % 25 == 0:
                print(table(counts), flush=True)
        after = target.start().end()
    print(table(counts))
    print(f"an undisturbed grade took {typical:.1f} s, the longest with a kill {longest:.1f} s")
    print(f"left behind in the end: {', '.join(after.left_behind) or 'nothing'}")
    return 1 if broken(counts) or after.left_behind else 0


def table(counts: Counter[tuple[str, str]]) -> str:
    """What came of the kills so far, by victim."""
    lines = [f"{victim:<12}{what:<24}{count:>6}" for (victim, what), count in sorted(counts.items())]
    return "\n".join([*lines, f"{kills(counts)} kills, {broken(counts)} broken promises\n"])


def kills(counts: Counter[tuple[str, str]]) -> int:
    """How many runs met their victim; the others' grades were over before."""
    return sum(count for (_, what), count in counts.items() if what != "too late")


def broken(counts: Counter[tuple[str, str]]) -> int:
    """How many runs broke a promise."""
    return sum(count for (_, what), count in counts.items() if what == "broken")


def prepare(folder: Path) -> tuple[Path, Path]:
    """Data and right work; params are left out, so that torch is not needed here."""
    data, upload = folder / "data", folder / "upload"
    write(generate(load(), "laptop", DEMO_KEY), data)
    upload.mkdir()
    for deliverable in load().deliverables:
        if deliverable.kind == "code":
            shutil.copyfile(REFERENCE_CODE / deliverable.name, upload / deliverable.name)
        elif deliverable.kind == "predictions":
            write_predictions(upload / deliverable.name, data, right=1 / 3)
    return data, upload


def undisturbed(target: Target) -> tuple[float, Mapping[str, str]]:
    """Seconds that a grade takes to which nothing happens, and its outcomes; AssertionError where it goes wrong."""
    started = time.monotonic()
    ending = target.start().end()
    assert ending.status == 0, ending
    assert_sound(ending, target.graded_tests, interrupted=False)
    assert "pass" in ending.outcomes.values()
    return time.monotonic() - started, ending.outcomes


def one(target: Target, victim: str, after: float, expected: Mapping[str, str], patience: float) -> tuple[str, str]:
    """One kill; what came of it in a word, and the broken promise, if any."""
    grade = target.start()
    time.sleep(after)
    hit = grade.kill(victim, patience=patience)
    try:
        ending = grade.end(patience)
        if not ending.results.exists():
            assert victim == "supervisor", "no results"
            assert hit, "no results"
            return "before the first write", ""
        assert_sound(ending, target.graded_tests, interrupted=victim == "supervisor" and hit)
        billed = [number for number, outcome in ending.outcomes.items() if outcome == "fail" != expected[number]]
        assert billed == [], f"billed: {billed}"
        assert victim == "supervisor" or ending.left_behind == (), ending.left_behind
    except AssertionError as problem:
        return "broken", f"{traceback.extract_tb(problem.__traceback__)[-1].line} {problem}"
    return ("complete" if ending.status == 0 else "faults said") if hit else "too late", ""


if __name__ == "__main__":
    sys.exit(main())
