"""The complaints that a person gets to read.

Each exception's `str()` is the whole sentence: what is wrong, where, what was expected and what to do. The commands
print it and exit with `exit_code`; a traceback is shown only for what is not one of these.
"""

from collections.abc import Iterable


class HoldoutError(Exception):
    """Base of every complaint; `exit_code` is what a command returns for it."""

    exit_code = 3


class UsageError(HoldoutError):
    """The caller gave something unusable: a wrong path, key, dataset or option."""

    exit_code = 2


class InternalError(HoldoutError):
    """Something of ours broke. Never billed to a student in silence."""

    exit_code = 3


class ReleaseRefusedError(HoldoutError):
    """A release that must not go out; `findings` are all the reasons found, in order, each one line."""

    exit_code = 1

    def __init__(self, title: str, findings: Iterable[object]) -> None:
        self.findings = tuple(str(finding) for finding in findings)
        super().__init__("\n".join((title, *self.findings)))


def refuse_any(title: str, findings: Iterable[object]) -> None:
    """Raise ReleaseRefusedError when there is at least one finding."""
    listed = list(findings)
    if listed:
        raise ReleaseRefusedError(title, listed)


class MissingPackageError(UsageError):
    """A package that is not installed here, as for whoever runs a command outside of `.venv`."""

    def __init__(self, name: str | None) -> None:
        super().__init__(
            f"the Python that runs this has no package '{name}'; course staff use .venv/bin/python (`make test` makes "
            ".venv), students install the course's packages with `pip install -r requirements.txt`"
        )
