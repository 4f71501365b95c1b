# mypy: ignore-errors

"""Prints what a results file must survive, at each import: control characters, broken UTF-8, false JSON, 24 MB of them.

That is 360 times what is kept of a worker's output, and over all graded tests more than the machine has memory.
"""

import os
import sys

for _ in range(100):
    try:
        os.write(1, b"\x00\x1b[31m\xff\xfe" * 20_000)
        os.write(2, b'"}], "score": 64, "tests": [{"score": 64' * 2_000)
    except OSError:
        break
print("\ud800\x00\u202e", file=sys.stderr)
