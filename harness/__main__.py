"""`python -m harness`: see harness/cli.py."""

import sys
from pathlib import Path

from harness.environment import UsageError, check_packages

#: Beside a checkout's harness/; autograder.zip has pinned versions instead.
REQUIREMENTS = Path(__file__).resolve().parent.parent / "reference_solution" / "src" / "requirements.txt"


def main() -> int:
    """Run one command; the exit status."""
    try:
        check_packages(REQUIREMENTS)
    except UsageError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    from harness import cli  # late: it needs the packages that were looked for

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
