"""What a large class takes on many machines: a simulation with measured costs. Nothing is asserted.

One coordinator (the machine of `regrade --scheduler`) packs each upload, sends it to a core that is free, and writes
what comes back into the journal. Its processor serves one upload at a time, and its network card one byte after the
other; the cores take what grades take, which differs from upload to upload. What a grade takes is measured by
benchmarks/regrade.py and given here; what the coordinator takes is measured here, unless it is given.

    python benchmarks/scaling.py [--uploads 10000] [--machines 1 10 100 1000] [--cores 2] [--seconds S] [--spread S]
        [--megabytes M] [--megabits-a-second B] [--start SECONDS] [--coordinator SECONDS]
"""

from __future__ import annotations

import argparse
import heapq
import math
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


@dataclass(frozen=True)
class Costs:
    """What one upload takes, in seconds."""

    grade: float
    """Of a worker's core, on average."""
    spread: float
    """The standard deviation of its logarithm: some uploads loop until a limit, others do not import."""
    coordinator: float
    """Of the coordinator's processor: packing, journal, results."""
    transfer: float
    """Of the coordinator's network card."""
    start: float
    """Of a machine, until its first grade may begin: the release arrives, libraries are imported."""


def simulate(uploads: int, machines: int, cores: int, costs: Costs, seed: int = 0) -> float:
    """Seconds until the last upload is in the journal. A core is sent its next upload once it is free."""
    rng = random.Random(seed)
    mean = math.log(costs.grade) - costs.spread**2 / 2
    free = [(0.0, costs.start)] * (machines * cores)  # when each core is free, and what it takes to begin then
    card = processor = last = 0.0
    for _ in range(uploads):
        since, start = free[0]
        processor = max(processor, since) + costs.coordinator
        card = max(card, processor) + costs.transfer
        ended = card + start + rng.lognormvariate(mean, costs.spread)
        heapq.heapreplace(free, (ended, 0.0))
        last = max(last, ended)
    return last + costs.coordinator


_STAND_IN = """
import hashlib

def grade(release, name, upload, digest, only):
    assert hashlib.sha256(upload).hexdigest() == digest
    line = {"score": 1.0, "output": "word " * 40, "extra_data": {}}
    tests = [{**line, "number": f"1d-{at}-hidden"} for at in range(50)]
    document = {"score": 1.0, "output": name, "extra_data": {}, "tests": tests}
    return {"document": document, "unjudged": (), "cpu_seconds": 1.0, "data": "elsewhere"}
"""


class _Silent:
    """A screen that shows nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""

    def show(self, counts: object, internal_errors: int) -> None:
        """Nothing."""


def measure(uploads: int, megabytes: float) -> float:
    """Seconds of the coordinator's processor for one upload of that size, its scheduler's included.

    A regrade by a cluster on this machine, whose workers give an answer at once in the place of a grade.
    """
    from distributed import LocalCluster

    from harness.classroom import cluster, regrade
    from harness.manifest import load
    from harness.release.keys import DEMO_KEY
    from harness.release.termdata import generate, write

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(generate(load(), "laptop", DEMO_KEY), folder / "data")
        for at in range(uploads):
            (folder / "export" / f"submission_{at}").mkdir(parents=True)
            (folder / "export" / f"submission_{at}" / "model.params").write_bytes(os.urandom(int(megabytes * 1e6)))
        request = regrade.RegradeRequest(folder / "export", folder / "out", folder / "data")
        with (
            mock.patch.object(cluster, "_SOURCE", _STAND_IN),
            LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as workers,
        ):
            before = time.process_time()
            ended = cluster.regrade_on(workers.scheduler_address, request, _Silent(), lambda: False)
            used = time.process_time() - before
        assert ended.counts.graded == uploads, ended
        return used / uploads


def main() -> int:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--uploads", type=int, default=10_000)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 3, 10, 30, 100, 300, 1000])
    parser.add_argument("--cores", type=int, default=2, help="of each machine")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a core, for a grade")
    parser.add_argument("--spread", type=float, default=0.6)
    parser.add_argument("--coordinator", type=float, help="seconds of its processor for an upload (default: measured)")
    parser.add_argument("--megabytes", type=float, default=16.7, help="of an upload: the reference's has 16.7")
    parser.add_argument("--megabits-a-second", type=float, default=1000.0)
    parser.add_argument("--start", type=float, default=6.0, help="seconds until a machine begins")
    given = parser.parse_args()
    transfer = given.megabytes * 8 / given.megabits_a_second
    coordinator = measure(100, given.megabytes) if given.coordinator is None else given.coordinator
    costs = Costs(given.seconds, given.spread, coordinator, transfer, given.start)
    print(f"{given.uploads} uploads, {given.cores} cores a machine, {costs}")
    print(f"{'machines':>9}{'minutes':>10}{'uploads a minute':>18}{'share of the cores at work':>28}")
    for machines in given.machines:
        seconds = simulate(given.uploads, machines, given.cores, costs)
        busy = given.uploads * costs.grade / (seconds * machines * given.cores)
        print(f"{machines:>9}{seconds / 60:>10.1f}{60 * given.uploads / seconds:>18.0f}{busy:>28.0%}")
    limit = 1 / max(costs.coordinator, costs.transfer)
    print(
        f"the coordinator sends at most {60 * limit:.0f} uploads a minute: enough for {limit * costs.grade:.0f} cores"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
