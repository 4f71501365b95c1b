"""What the reference's training comes to over several terms: seconds and right answers, by key.

    python benchmarks/keys.py [--first 0] [--count 1] [--keep DIR]
    python benchmarks/machine.py --slow python benchmarks/keys.py --count 5

Key 0 is the demo key, the others are of this benchmark. Each is a whole training as a release does it: all models and
all predictions of the preset `laptop`, as many commands at a time as there are cores. Below each key's line stands
what each command took by itself. Other work on the machine changes the seconds, and never the answers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import machine  # noqa: E402 (after the path)
from harness.manifest import load  # noqa: E402
from harness.release import termdata  # noqa: E402
from harness.release.keys import DEMO_KEY  # noqa: E402
from harness.release.training import train_reference  # noqa: E402


def main() -> int:
    """Train on each key, a line each as soon as it is there; then the lowest and the highest figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="the first key's number")
    parser.add_argument("--count", type=int, default=1, help="how many keys")
    parser.add_argument("--keep", type=Path, help="leave the uploads and the data in this folder")
    given = parser.parse_args()
    print(machine.features(), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        figures = [
            _trained(number, given.keep or Path(scratch)) for number in range(given.first, given.first + given.count)
        ]
    for model in figures[0]:
        found = [each[model] for each in figures]
        print(f"{model}: {min(found):.1%} to {max(found):.1%}, mean {sum(found) / len(found):.1%}")
    return 0


def _trained(number: int, folder: Path) -> Mapping[str, float]:
    """The share of right answers by model and split."""
    assignment = load()
    key = f"holdout benchmark key {number}".encode() if number else DEMO_KEY
    data = folder / f"data-{number}"
    termdata.write(termdata.generate(assignment, termdata.DEMO_PRESET, key), data)
    found = train_reference(data, folder / f"upload-{number}", assignment, termdata.DEMO_PRESET)
    accuracy, seconds = found["accuracy"], found["seconds"]
    assert isinstance(accuracy, Mapping)
    assert isinstance(seconds, Mapping)
    shares = ", ".join(f"{model} {share:.1%}" for model, share in accuracy.items())
    print(f"key {number}: {found['wall_seconds']} s in all; {shares}")
    print("    " + ", ".join(f"{command} {each:.0f} s" for command, each in seconds.items()), flush=True)
    return accuracy


if __name__ == "__main__":
    sys.exit(main())
