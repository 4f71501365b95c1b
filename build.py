"""Staff's command: one reference solution in, everything a term needs out.

    python build.py              the same as `release`
    python build.py release      checked artefacts in dist/; dist/ stays as it was when a check fails
    python build.py release --dry-run           everything is made and checked, and nothing is written
    python build.py release --hotfix dist       a new autograder under the same data; students keep what they have
    python build.py status       which release is live, what it runs by, and what has changed since
    python build.py archive      keep the live release in releases/ (a release that replaces it does so, too)
    python build.py template     bring student_template/ up to date
    python build.py handouts     drafts: dist/handouts/ and dist/staff/ alone, in build/drafts/ while a release is live
    python build.py check        exit 1, with file and line, when student_template/ is stale

Exit codes: 0 done, 1 refused (assignment.toml or course.toml says what cannot be; stale, not strippable, leaking, wrong
scores), 2 unusable input, 3 an internal error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import terminal
from harness.errors import MissingPackageError

ROOT = Path(__file__).resolve().parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    return terminal.run(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    arguments = _parsed(argv)
    try:
        from rich.console import Console

        from harness.errors import HoldoutError, ReleaseRefusedError, SettingsError, UsageError
        from harness.release import inputs, kept, release, status
    except ModuleNotFoundError as missing:
        print(f"error: {MissingPackageError(missing.name)}", file=sys.stderr)
        return MissingPackageError.exit_code
    console = Console(highlight=False, soft_wrap=True)
    try:
        if arguments.command == "release":
            del arguments.command
            release.release(inputs.Request(ROOT, **vars(arguments)), console)
        elif arguments.command == "template":
            release.make_template(ROOT, console)
        elif arguments.command == "handouts":
            release.make_handouts(ROOT, console)
        elif arguments.command == "status":
            print("\n".join(status.lines(ROOT)))
        elif arguments.command == "archive":
            place = kept.keep(ROOT)
            if place is None:
                raise UsageError("dist/ holds no release; `python build.py release` makes one")
            console.print(f"the release in dist/ is kept in {place.relative_to(ROOT)}/")
        else:
            release.check_template(ROOT)
            console.print("student_template/ is up to date")
    except SettingsError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return ReleaseRefusedError.exit_code
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
    commands = ["release", "template", "handouts", "check", "status", "archive"]
    parser.add_argument("command", nargs="?", default="release", choices=commands)
    only = parser.add_argument_group("release")
    only.add_argument("--data", type=terminal.path, metavar="DIR", help="your own five data files (default: generated)")
    only.add_argument("--key-file", type=terminal.path, metavar="FILE", help="the term's key (default: the demo key)")
    only.add_argument("--preset", type=terminal.name, metavar="NAME", help="laptop (default) or full")
    only.add_argument(
        "--profile", type=terminal.name, metavar="NAME", help="another course's settings, profiles/NAME.toml"
    )
    only.add_argument("--trained", type=terminal.path, metavar="DIR", help="the reference's upload, trained elsewhere")
    only.add_argument("--dry-run", action="store_true", help="make and check everything, write nothing")
    only.add_argument("--hotfix", type=terminal.path, metavar="DIST", help="dist/ or manifest of the release to mend")
    only.add_argument("--students-too", action="store_true", help="a hotfix may change what students have")
    arguments = parser.parse_args(argv)
    given = {name: value for name, value in vars(arguments).items() if name != "command" and value}
    if arguments.command != "release" and given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        parser.error(f"{options}: belongs to `release`, not to `{arguments.command}`")
    if arguments.students_too and not arguments.hotfix:
        parser.error("--students-too: belongs to --hotfix")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
