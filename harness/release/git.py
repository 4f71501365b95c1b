"""What git says of a checkout.

Promises: reads only. Answers None where there is no git or no checkout: nothing here needs either.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.errors import UsageError


def ask(root: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """What `git ...` answers in the folder `root`; None where git cannot be started."""
    # Variables such as GIT_DIR, which hooks set, would answer for another checkout.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # A checkout of another user's is read all the same: its code runs already.
    command = ["git", "-c", f"safe.directory={root.resolve()}", *arguments]
    try:
        return subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False)
    except OSError:
        return None


def commit_of(root: Path) -> str:
    """The commit that the checkout at `root` stands on; "unknown" outside a checkout, and where there is no git."""
    told = ask(root, "rev-parse", "--show-toplevel", "--verify", "HEAD")
    if told is None or told.returncode:
        return "unknown"
    top, commit = told.stdout.splitlines()
    return commit if Path(top).resolve() == root.resolve() else "unknown"


def refuse_committable(path: Path, root: Path) -> None:
    """UsageError where the secret file `path` lies in the checkout at `root` and git does not ignore it."""
    if not path.resolve().is_relative_to(root.resolve()) or not (root / ".git").exists():
        return
    told = ask(root, "check-ignore", "--quiet", str(path.resolve()))
    if told is None or told.returncode:
        raise UsageError(
            f"{path}: this key lies in the checkout and git does not ignore it: one `git add .` would publish it. Move "
            f"it out (mv {path} ~/), or name it in .gitignore"
        )
