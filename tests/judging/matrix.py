"""Every mutant and every variant on every graded test about code: the long form of what the tests judge by the changed blocks.

    python -m tests.judging.matrix [--only PATTERN]

Prints the graded tests that each case fails and a sum per graded test; exits 1 where a case fails what it should not, or passes what
it must fail. Proves that a block's graded tests (`cases.REACH`) are all that can tell what it does.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.judging.cases import MUTANTS, VARIANTS, code_graded_tests, load_all
from tests.judging.court import Court


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="PATTERN")
    pattern = parser.parse_args().only
    cases = [case for case in (*load_all(VARIANTS), *load_all(MUTANTS)) if not case.upload]
    counts: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        with Court(Path(scratch)) as court:
            for case in (case for case in cases if re.search(pattern, case.name)):
                verdicts = court.judge(case, code_graded_tests(), "matrix")
                failed = {graded_test for graded_test, verdict in verdicts.items() if verdict.failure}
                counts.update(failed)
                right = case.fails <= failed <= case.fails | case.may_fail
                wrong += [] if right else [case.name]
                print(f"{'' if right else 'WRONG '}{case.name}: {' '.join(sorted(failed)) or '-'}", flush=True)
    print(
        *(f"{graded_test:<12} catches {counts[graded_test]}" for graded_test in sorted(code_graded_tests())), sep="\n"
    )
    print(f"{len(wrong)} wrong {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
