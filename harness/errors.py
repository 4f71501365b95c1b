"""The complaints that a person gets to read.

Each exception's `str()` is the whole sentence: what is wrong, where, what was expected and what to do. The commands
print it and exit with `exit_code`; a traceback is shown only for what is not one of these.
"""


class HoldoutError(Exception):
    """Base of every complaint; `exit_code` is what a command returns for it."""

    exit_code = 3


class UsageError(HoldoutError):
    """The caller gave something unusable: a wrong path, key, dataset or option."""

    exit_code = 2


class InternalError(HoldoutError):
    """Something of ours broke. Never billed to a student in silence."""

    exit_code = 3
