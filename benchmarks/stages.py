"""Where the CPU seconds of one grade go: each stage, then each graded test with its workers and its judging.

Runs the session of a grade in this process, measured at its seams; Linux only.

    python benchmarks/grade.py --stages [UPLOAD] [--data DIR]
"""

from __future__ import annotations

import importlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock


@dataclass
class Spent:
    """CPU seconds for one graded test."""

    runs: int = 0
    workers: float = 0.0
    judging: float = 0.0

    @property
    def together(self) -> float:
        """Workers and judging."""
        return self.workers + self.judging


def measure(upload: Path, data: Path) -> None:
    """One grade, without the supervisor, which only waits; print the table."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # as the supervisor has it
    stages: dict[str, float] = {}
    began = time.process_time()
    from harness.grading import catalogue, plugin
    from harness.grading.results import Results
    from harness.grading.supervisor import GradeRequest
    from harness.manifest import load
    from harness.sandbox.sandbox import Sandbox

    session: Any = importlib.import_module("harness.grading.session")

    stages["imports of the session"] = time.process_time() - began
    tests: dict[str, Spent] = defaultdict(Spent)
    now = ["(preflight)"]

    def run(sandbox: Any, *arguments: Any, _real: Any = Sandbox.run, **options: Any) -> Any:
        reply = _real(sandbox, *arguments, **options)
        tests[now[0]].runs += 1
        tests[now[0]].workers += reply.cpu_seconds
        return reply

    real_judge: Any = plugin.Plugin._run  # noqa: SLF001 - where a graded test begins and ends

    def judge(self: Any, item: Any, *arguments: Any) -> Any:
        now[0] = self._graded_test_of(item).id
        judgement = real_judge(self, item, *arguments)
        tests[now[0]].judging += judgement.cpu_seconds
        return judgement

    def stage(*arguments: Any, _real: Any = session.stage, **options: Any) -> Any:
        before = time.process_time()
        try:
            return _real(*arguments, **options)
        finally:
            stages["intake"] = time.process_time() - before

    before_all, children = time.process_time(), _children()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        Path(folder).chmod(0o711)
        for owner, name, instead in ((Sandbox, "run", run), (plugin.Plugin, "_run", judge), (session, "stage", stage)):
            stack.enter_context(mock.patch.object(owner, name, instead))
        listed = tuple(catalogue.collect(load()))
        request = GradeRequest(str(upload), str(data), folder, listed, with_reference=True, seed=None, gradescope=False)
        results = Results.of(listed)
        session.run(request, load(), results)
    stages["session beside intake"] = time.process_time() - before_all - stages["intake"]
    in_workers, in_judges = (sum(getattr(each, what) for each in tests.values()) for what in ("workers", "judging"))
    stages["judging, in forks of the session"] = in_judges
    stages["student code and reference, in workers"] = in_workers
    stages["zygote: torch, preloading, forks, reaping"] = _children() - children - in_judges - in_workers
    _print(stages, tests, results)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _cold_import() -> float:
    began = _children()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return _children() - began


def _print(stages: dict[str, float], tests: dict[str, Spent], results: Any) -> None:
    torch = statistics.median(_cold_import() for _ in range(5))
    print(f"{'stage':<45}{'CPU s':>8}{'imports of torch':>18}")
    sums = {"together": sum(stages.values()), "a cold `import torch`, median of 5": torch}
    for name, seconds in {**stages, **sums}.items():
        print(f"{name:<45}{seconds:>8.2f}{seconds / torch:>18.2f}")
    print(f"\n{'graded test':<16}{'runs':>6}{'workers':>9}{'judging':>9}")
    for name, spent in sorted(tests.items(), key=lambda each: -each[1].together):
        print(f"{name:<16}{spent.runs:>6}{spent.workers:>9.3f}{spent.judging:>9.3f}")
    print(f"\nscore {results.score:g}")
