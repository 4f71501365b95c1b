"""Holdout: grades submissions of one Transformer-pretraining assignment without ever running them beside a verdict.

Importing this package, or anything in it but `harness.probes.<topic>` and the worker's side of `harness.sandbox`, never
imports torch and never runs student code.
"""

import sys

# Here, because every command comes by; in words of older Pythons, because they are the ones that read it.
if sys.version_info < (3, 10):  # noqa: UP036 - whoever reads it has not installed anything
    sys.exit(
        "Python 3.10 or newer is needed, and this is Python %d.%d (%s): use another one, for example by "  # noqa: UP031
        "`conda env create -f environment.yml`" % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
