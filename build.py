"""Staff's command: one reference solution in, everything a term needs out.

    python build.py              the same as `release`
    python build.py release      checked artefacts in dist/; nothing is left there when a check fails
    python build.py template     bring student_template/ up to date
    python build.py handouts     dist/handouts/ and dist/staff/ alone
    python build.py check        exit 1, with file and line, when student_template/ is stale

Exit codes: 0 done, 1 refused (stale, not strippable, leaking, wrong scores), 2 unusable input, 3 a fault of ours.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = _parsed(argv)
    try:
        from rich.console import Console

        from harness.errors import HoldoutError
        from harness.release import release
    except ModuleNotFoundError as missing:
        print(f"error: {missing}; run `make release`, or install the packages of staff first", file=sys.stderr)
        return 2
    console = Console(highlight=False, soft_wrap=True)
    try:
        if arguments.command == "release":
            release.release(release.Request(ROOT, arguments.data, arguments.key_file, arguments.preset), console)
        elif arguments.command == "template":
            release.make_template(ROOT, console)
        elif arguments.command == "handouts":
            release.make_handouts(ROOT, console)
        else:
            release.check_template(ROOT)
            console.print("student_template/ is up to date")
    except HoldoutError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = ["release", "template", "handouts", "check"]
    parser.add_argument("command", nargs="?", default="release", choices=commands)
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="release: your own five data files (default: generated)"
    )
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="release: the term's key (default: the demo key)")
    parser.add_argument("--preset", metavar="NAME", help="release: laptop (default) or full")
    arguments = parser.parse_args(argv)
    if arguments.command != "release" and (arguments.data or arguments.key_file or arguments.preset):
        parser.error(f"--data, --key-file and --preset belong to `release`, not to `{arguments.command}`")
    arguments.preset = arguments.preset or "laptop"
    return arguments


if __name__ == "__main__":
    sys.exit(main())
