"""What one grade costs: wall and CPU seconds, and the peak memory of all its processes together.

Beside it, in the same run, what nobody can avoid: a cold `python -c "import torch"`. Figures are printed as they are
and as ratios to that; nothing is asserted. The grader is compiled first, as setup.sh does it. Linux only (reads /proc).

    python benchmarks/grade.py [UPLOAD] [--runs N]
    python benchmarks/grade.py [UPLOAD] --stages [--data DIR]     where the CPU seconds go (benchmarks/stages.py)
"""

from __future__ import annotations

import argparse
import compileall
import py_compile
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import machine, stages  # noqa: E402 (after the path)

UPLOAD = ROOT / "build" / "reference_upload"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("upload", nargs="?", type=Path, default=UPLOAD)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stages", action="store_true", help="one grade, by stages and by graded tests")
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "dataset", help="for --stages")
    arguments = parser.parse_args()
    print(machine.features())
    if not arguments.upload.exists():
        print(f"error: {arguments.upload}: no upload there; `make reference` trains one", file=sys.stderr)
        return 2
    compileall.compile_dir(ROOT / "harness", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    if arguments.stages:
        stages.measure(arguments.upload.resolve(), arguments.data.resolve())
        return 0
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        command = [sys.executable, "-m", "harness", "grade", str(arguments.upload), "--results", str(results)]
        grades = [measure(command) for _ in range(arguments.runs)]
    imports = [measure([sys.executable, "-c", "import torch"]) for _ in range(arguments.runs)]
    print(f"{'median of ' + str(arguments.runs):<24}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}")
    for name, rows in (("grade", grades), ("python -c import torch", imports)):
        wall, cpu, peak = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:<24}{wall:>9.2f}{cpu:>9.2f}{peak / 2**20:>10.0f}")
    columns = zip(zip(*grades, strict=True), zip(*imports, strict=True), strict=True)
    ratios = [statistics.median(ours) / statistics.median(theirs) for ours, theirs in columns]
    print(f"{'ratio':<24}" + "".join(f"{ratio:>9.2f}" for ratio in ratios))
    return 0


def measure(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak bytes (proportional set sizes) of a command and all its descendants."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(proportional_set_size(pid) for pid in family(process.pid)))
        time.sleep(0.02)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, float(peak)


def family(pid: int) -> list[int]:
    """`pid` and all its descendants."""
    found = [pid]
    for member in found:
        try:
            for task in Path(f"/proc/{member}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def proportional_set_size(pid: int) -> int:
    """Bytes of memory of a process, shared pages divided among their owners; 0 once it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
