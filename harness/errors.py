"""The complaints that a person gets to read.

Each exception's `str()` is the whole sentence: what is wrong, where, what was expected and what to do. The commands
print it and exit with `exit_code`; a traceback is shown only for what is not one of these.
"""

import sys
from collections.abc import Iterable
from importlib.util import find_spec

#: What every command needs in the grader itself. torch is loaded in the zygote alone, which tells when it is missing.
PACKAGES: tuple[str, ...] = ("numpy", "pytest", "gradescope_utils", "timeout_decorator")
if sys.version_info < (3, 11):
    PACKAGES = (*PACKAGES, "tomli")


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


def check_packages() -> None:
    """MissingPackageError where one of PACKAGES is not installed."""
    for name in PACKAGES:
        if find_spec(name) is None:
            raise MissingPackageError(name)
