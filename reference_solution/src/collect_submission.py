"""Pack your upload into submission.zip, and say what is missing from it or stale: `python collect_submission.py`."""

import sys

from grader import HERE, home_of_harness

if __name__ == "__main__":
    sys.path.insert(0, str(home_of_harness()))
    from harness.intake.pack import main

    sys.exit(main(sys.argv[1:], submission=HERE / "submission", data=HERE / "data"))
