"""Probes for the sandbox's own tests: call something in the submission, or do something where it lies."""

from pathlib import Path


def call(submission, function, **arguments):
    """Whatever `submission.function(**arguments)` returns."""
    return getattr(submission, function)(**arguments)


def echo(_, **arguments):
    """The arguments."""
    return arguments


def names(folder: Path):
    """What lies in the package folder, and that nothing was imported."""
    import sys

    return {"names": sorted(path.name for path in folder.iterdir()), "imported": "submission" in sys.modules}


def broken(_):
    """Raises outside of the submission."""
    raise ValueError("a probe's own mistake")
