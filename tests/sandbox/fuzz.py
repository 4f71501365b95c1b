"""Fuzzes what reads bytes from outside, for as long as one likes: `python -m tests.sandbox.fuzz staging --minutes 30`.

Runs the property tests of the codec and of staging over and over, each round from another seed, in a process whose memory
is capped: an exception that the tests do not expect, or memory beyond the cap, is a crash. A failing example is printed
with the seed of its round, as Hypothesis prints it. Exit status 1 if there was one.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis

SUBJECTS = {"codec": "tests.sandbox.test_codec", "staging": "tests.intake.test_fuzz"}


def main() -> int:
    """Fuzz, and print how much was tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subject", choices=SUBJECTS)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--memory", type=int, default=512, metavar="MIB", help="above what the tests start with")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    arguments = parser.parse_args()
    hypothesis.settings.register_profile("fuzz", database=None, deadline=None)
    hypothesis.settings.load_profile("fuzz")
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "Duplicate name")  # zipfile, of a zip that we make
    tests = properties(importlib.import_module(SUBJECTS[arguments.subject]))
    counts: Counter[str] = Counter()
    for name, test in tests.items():
        count(name, test, counts)
    limit_memory(arguments.memory << 20)
    before, deadline, crashes = resident(), time.monotonic() + 60 * arguments.minutes, 0
    for (name, test), seed in rounds(tests, arguments.seed):
        if time.monotonic() >= deadline:
            break
        try:
            hypothesis.seed(seed)(test)()
        except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
            crashes += 1
            print(f"{name}, seed {seed}:\n{traceback.format_exc()}", flush=True)
    for name, number in counts.items():
        print(f"{name:<60}{number:>10}")
    print(
        f"{arguments.subject}: {counts.total()} examples in {arguments.minutes:g} minutes, {crashes} crashes, "
        f"{(resident() - before) >> 20} MiB more at the peak (cap {arguments.memory})"
    )
    return 1 if crashes else 0


def properties(module: ModuleType) -> dict[str, Any]:
    """The module's property tests by name."""
    found = {name: value for name, value in vars(module).items() if hasattr(value, "hypothesis")}
    assert found, f"{module.__name__} holds no property tests"
    return found


def count(name: str, test: Any, counts: Counter[str]) -> None:
    """From now on, count the examples that `test` tries."""
    inner: Callable[..., object] = test.hypothesis.inner_test

    def counted(*arguments: object, **named: object) -> object:
        counts[name] += 1
        return inner(*arguments, **named)

    test.hypothesis.inner_test = counted


def rounds(tests: dict[str, Any], first: int) -> Iterator[tuple[tuple[str, Any], int]]:
    """Each test in turn, with a new seed each time, without end."""
    return zip(itertools.cycle(tests.items()), itertools.count(first), strict=False)


def limit_memory(more: int) -> None:
    """Let the address space grow by so many bytes from here."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more,) * 2)


def resident() -> int:
    """The largest resident set so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
