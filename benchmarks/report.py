"""What a report on a class costs: wall seconds and the size of its page. Nothing is asserted.

The class is made up (tests/classroom/made_class.py). Its uploads, for the figures with similarity, are the code of the
tests' variants with predictions and params of random numbers, of the size of the laptop preset.

    python benchmarks/report.py [--uploads 1000] [--similarity UPLOADS]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import manifest  # noqa: E402 - the checkout is where it is imported from
from harness.classroom import report  # noqa: E402
from harness.classroom.records import Record  # noqa: E402
from harness.classroom.similarity import similarity  # noqa: E402
from tests.classroom import made_class  # noqa: E402
from tests.judging import cases  # noqa: E402

GIVEN = [ROOT / name / "src" / "submission" for name in ("student_template", "reference_solution")]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--uploads", type=int, default=1000)
    parser.add_argument("--similarity", type=int, default=40, help="how many uploads to compare (0: none)")
    arguments = parser.parse_args()
    records, loaded = made_class.records(arguments.uploads), manifest.load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, written = timed(lambda: report.write(report.read(records, loaded), folder))
        size = written[0].stat().st_size / 1e6
        print(f"report of {len(records)} uploads: {seconds:.1f} s, {size:.2f} MB, without similarity")
        if arguments.similarity:
            compare(records[: arguments.similarity], folder)
    return 0


def compare(records: Sequence[Record], folder: Path) -> None:
    """Print what it costs to compare uploads, and to make the report again."""
    uploads = [replace(record, upload=made(at, folder / f"upload{at}")) for at, record in enumerate(records)]
    options: dict[str, Any] = {"data": ROOT / "build" / "dataset", "template": GIVEN, "keep": folder}
    if not options["data"].is_dir():
        options["data"] = None
        print("without predictions: build/dataset is not there (python -m harness dataset --out build/dataset)")
    first, _ = timed(lambda: similarity(uploads, manifest.load(), **options))
    again, _ = timed(lambda: similarity(uploads, manifest.load(), **options))
    print(
        f"similarity of {len(uploads)} uploads: {first:.1f} s ({first / len(uploads):.3f} s each), kept: {again:.2f} s"
    )


def made(at: int, folder: Path) -> Path:
    """An upload with everything that is compared."""
    import torch

    variants = cases.load_all(cases.VARIANTS)
    variants[at % len(variants)].build(folder)
    rng = random.Random(at)
    for each in manifest.load().deliverables:
        if each.kind == "predictions":
            lines = [f"Place {rng.randrange(40)}\n" for _ in range(240)]
            (folder / each.name).write_text("".join(lines), encoding="utf-8")
        elif each.kind == "params":
            torch.manual_seed(at)
            torch.save({f"w{layer}": 0.02 * torch.randn(200, 1000) for layer in range(4)}, folder / each.name)
    return folder


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Wall seconds, and what came of it."""
    started = time.monotonic()
    result = action()
    return time.monotonic() - started, result


if __name__ == "__main__":
    sys.exit(main())
