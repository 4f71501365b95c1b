"""`python -m harness`: see harness/cli.py."""

import sys

from harness.errors import MissingPackageError, check_packages


def main() -> int:
    """Run one command; the exit status."""
    try:
        check_packages()
    except MissingPackageError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    from harness import cli  # late: it needs the packages that were looked for

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
