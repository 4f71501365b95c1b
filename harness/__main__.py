"""`python -m harness`: see harness/cli.py."""

import sys
from pathlib import Path

from harness.environment import require

if __name__ == "__main__":
    require(Path(__file__).resolve().parent.parent / "reference_solution" / "src" / "requirements.txt")
    from harness.cli import main

    sys.exit(main())
