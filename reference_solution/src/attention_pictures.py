"""Draw what the queries in submission/attention_exploration.py do. `./run.sh attention_pictures 3c` draws one part's.

Nothing in this file is yours to write.
"""

import sys
from pathlib import Path

from grader import HERE, find_harness

if __name__ == "__main__":
    find_harness()
    from harness.grading import students_of
    from harness.problems.attention.pictures import command

    sys.exit(command(sys.argv[1:], students_of(HERE / "submission"), out=Path("pictures")))
