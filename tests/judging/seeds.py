"""Many seeds: right work must never fail, and the nearest mutants must always be caught.

    python -m tests.judging.seeds [--seeds 200] [--jobs 2] [--only CASES] [--tests GRADED_TESTS] [--power [--nearest]]

Judges the reference and every variant on the graded tests that depend on chance and that its changes reach; with --power, every
mutant on the graded tests that must catch it (--nearest: those that come nearest to the bounds). Prints a table, exits 1 where
a bound breaks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import time
from dataclasses import dataclass

from harness.tests_hidden.budget import SHARES
from tests.judging.cases import MUTANTS, VARIANTS, Case, load_all
from tests.judging.direct import failures

#: What depends on chance: the graded tests with a share of the budget, and short trainings.
CHANCE = (*SHARES, "1c-3-hidden", "1f-5-hidden")

#: Mutants that differ least from right work, each in what its graded test measures.
NEAREST = (
    "e_masked_eighth", "e_masked_third", "e_masked_third_between_cut_points", "e_masked_length_fixed_quarter",
    "e_masked_length_fixed_and_rounded", "e_masked_in_the_middle", "e_masked_at_either_end",
    "e_truncated_from_sixteen_on", "e_truncated_to_half_the_block", "e_skips_short_documents",
    "g_basis_scaled_down", "g_basis_xavier_normal", "g_basis_kaiming", "c_train_only_saves", "c_freezes_the_body",
)  # fmt: skip

_REFERENCE = Case("(the reference)", "", frozenset(), frozenset(), real=False, sources={}, touched=frozenset())


@dataclass(frozen=True)
class Row:
    """One case on one graded test over all seeds."""

    case: str
    graded_test: str
    failed: tuple[str, ...]  #: the seeds
    seconds: float


def rows(job: tuple[Case, str, int]) -> Row:
    """Judge one graded test of one case."""
    case, graded_test, seeds = job
    begin = time.process_time()
    found = failures(case, (graded_test,), [str(seed) for seed in range(seeds)])
    return Row(case.name, graded_test, tuple(seed for _, seed in found), time.process_time() - begin)


def jobs(pattern: str, seeds: int, *, power: bool, nearest: bool = False) -> list[tuple[Case, str, int]]:
    """What to judge."""
    cases = load_all(MUTANTS) if power else (_REFERENCE, *load_all(VARIANTS))
    chosen = [case for case in cases if re.search(pattern, case.name) and not case.upload]
    if power:
        near = [case for case in chosen if case.name in NEAREST or not nearest]
        return [(case, graded_test, seeds) for case in near for graded_test in sorted(case.fails)]
    return [(case, graded_test, seeds) for case in chosen for graded_test in CHANCE if graded_test in case.reached]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", metavar="PATTERN", help="cases whose names match")
    parser.add_argument("--tests", default="", metavar="PATTERN", help="graded tests whose IDs match")
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--nearest", action="store_true")
    arguments = parser.parse_args()
    wrong = total = 0
    spent = 0.0
    with multiprocessing.get_context("spawn").Pool(arguments.jobs) as pool:
        work = jobs(arguments.only, arguments.seeds, power=arguments.power, nearest=arguments.nearest)
        work = [job for job in work if re.search(arguments.tests, job[1])]
        for row in pool.imap_unordered(rows, work):
            missed = arguments.seeds - len(row.failed) if arguments.power else len(row.failed)
            wrong, total, spent = wrong + missed, total + arguments.seeds, spent + row.seconds
            wrong_seeds = [s for s in map(str, range(arguments.seeds)) if (s in row.failed) != arguments.power]
            note = f"  first seeds {', '.join(wrong_seeds[:5])}" if wrong_seeds else ""
            print(f"{row.case:<40} {row.graded_test:<12} {missed:>4} of {arguments.seeds} wrong{note}", flush=True)
    what = "mutants that passed" if arguments.power else "failures of right work"
    print(f"{wrong} {what} in {total} verdicts, {spent:.0f} s of CPU")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
