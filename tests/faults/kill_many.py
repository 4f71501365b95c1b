"""kill -9 of a random process of a grade at a random moment, many times: `python tests/faults/kill_many.py --runs 500`.

Grades right work, a part of the claims at a time, and looks after each kill whether results.json is valid, whether every
claim is judged or marked with a reason, whether anything is left running. Exit status 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from harness import catalogue
from harness.assignment import load
from harness.supervisor import scratch_folder
from harness.world import DEMO_KEY, generate, write
from tests.conftest import REFERENCE_CODE, write_predictions
from tests.faults.grades import VICTIMS, Grade, assert_sound


def main() -> int:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1d", help="which claims to judge meanwhile (default 1d, the quickest)")
    parser.add_argument("--victims", nargs="+", default=VICTIMS, choices=VICTIMS)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    claims = {claim.id: claim.points for claim in catalogue.select(catalogue.collect(), arguments.part)}
    counts: Counter[tuple[str, str]] = Counter()
    broken = 0
    with scratch_folder() as folder:
        data, upload = prepare(folder)
        typical = duration(folder, upload, data, arguments.part)
        for run in range(arguments.runs):
            victim = dice.choice(arguments.victims)
            what, problem = one(
                folder / f"run-{run}", upload, data, arguments.part, victim, dice.uniform(0, typical), claims
            )
            counts[victim, what] += 1
            if problem:
                broken += 1
                print(f"run {run}: {victim}: {problem}", flush=True)
    for (victim, what), count in sorted(counts.items()):
        print(f"{victim:<12}{what:<24}{count:>6}")
    print(f"{arguments.runs} kills, {broken} broken promises")
    return 1 if broken else 0


def prepare(folder: Path) -> tuple[Path, Path]:
    """Data and right work; params are left out, so that torch is not needed here."""
    data, upload = folder / "data", folder / "upload"
    write(generate(load().preset("laptop").world, DEMO_KEY), data)
    upload.mkdir()
    for deliverable in load().deliverables:
        if deliverable.kind == "code":
            shutil.copyfile(REFERENCE_CODE / deliverable.name, upload / deliverable.name)
        elif deliverable.kind == "predictions":
            write_predictions(upload / deliverable.name, data, right=1 / 3)
    return data, upload


def duration(folder: Path, upload: Path, data: Path, part: str) -> float:
    """Seconds that an undisturbed grade takes."""
    started = time.monotonic()
    Grade(upload, data, folder / "first.json", folder / "first", "--only", part).end()
    return time.monotonic() - started


def one(
    folder: Path, upload: Path, data: Path, part: str, victim: str, after: float, claims: dict[str, float]
) -> tuple[str, str]:
    """One kill; what came of it in a word, and the broken promise, if any."""
    folder.mkdir()
    grade = Grade(upload, data, folder / "results.json", folder / "tmp", "--only", part)
    time.sleep(after)
    hit = grade.kill(victim, patience=2.0)
    ending = grade.end()
    try:
        if not ending.results.exists():
            assert victim == "supervisor", "no results"
            assert hit, "no results"
            return "before the first write", ""
        assert_sound(ending, claims, interrupted=victim == "supervisor" and hit)
        assert "fail" not in {ending.outcomes[number] for number in claims if "predictions" in number}, "billed"
    except AssertionError as problem:
        return "broken", f"{traceback.extract_tb(problem.__traceback__)[-1].line} {problem}\n{ending}"
    else:
        shutil.rmtree(folder, ignore_errors=True)
        return ("complete" if ending.status == 0 else "faults said") if hit else "too late", ""


if __name__ == "__main__":
    sys.exit(main())
