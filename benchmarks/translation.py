"""Problem 4's trainings: BLEU and perplexity that the commands come to, and what each costs in CPU seconds, by key.

    python benchmarks/translation.py [--keys 0,1,2,3,4] [--keep FOLDER]

Key 0 is the public demo key, the others are as secret as a term's. Every command of translate.sh is run as students run
it, with the preset laptop and one thread. Test, whose translations students lack, is scored here. `--keep` leaves the
deliverables of each key in a folder. About four minutes a key on an idle processor. Figures are printed, nothing is
asserted; `python benchmarks/machine.py --slow python benchmarks/translation.py` is the same as on a slow machine.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import machine  # noqa: E402 (after the path)
from harness.assignment import Assignment  # noqa: E402 (after the path)
from harness.manifest import load  # noqa: E402 (after the path)
from harness.release.keys import DEMO_KEY  # noqa: E402
from harness.release.termdata import generate, write  # noqa: E402

PRESET = "laptop"
#: What the commands print.
FIGURES = re.compile(r"(?m)^(Perplexity|BLEU)[^:]*: ([\d.]+)")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", default="0", help="numbers of keys, with commas between them")
    parser.add_argument("--keep", type=Path, help="where deliverables go, a folder for each key")
    arguments = parser.parse_args()
    print(machine.features())
    assignment = _translation_alone(load())
    for number in map(int, arguments.keys.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            _measure(assignment, number, Path(scratch) / "src", arguments.keep)
    return 0


def _translation_alone(told: Assignment) -> Assignment:
    entries = (*told.problems, *told.disabled)
    return replace(told, problems=tuple(replace(each, enabled=True) for each in entries if each.name == "translation"))


def _measure(assignment: Assignment, number: int, source: Path, keep: Path | None) -> None:
    """Train everything on the data of a key, and print the figures."""
    shutil.copytree(ROOT / "reference_solution" / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    key = b"translation benchmark, key %d" % number if number else DEMO_KEY
    write(generate(assignment, PRESET, key), source / "data")
    total = 0.0
    for chain in assignment.chains:
        for made in chain:
            seconds, said = _run(source, made.command)
            total += seconds
            print(f"key {number} {made.command:<32} {seconds:6.1f} s  {_figures(said)}", flush=True)
    for start in ("scratch", "finetune"):
        answers = ("--corpus=data/translation_test.tsv", "--out=test.predictions")  # the last of two holds
        _, said = _run(source, f"translation_eval_test_{start}", *answers)
        print(f"key {number} {start + ' on test':<32} {'':6}    {_figures(said)}", flush=True)
    print(f"key {number} {'all commands':<32} {total:6.1f} s", flush=True)
    if keep is not None:
        target = keep / str(number)
        target.mkdir(parents=True, exist_ok=True)
        for made in assignment.deliverables:
            shutil.copyfile(source / "submission" / made.name, target / made.name)


def _figures(said: str) -> str:
    return ", ".join(f"{name} {value}" for name, value in FIGURES.findall(said))


def _run(source: Path, *command: str) -> tuple[float, str]:
    """A command's CPU seconds, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["bash", "translate.sh", *command],
        cwd=source,
        env={**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), done.stdout


if __name__ == "__main__":
    sys.exit(main())
