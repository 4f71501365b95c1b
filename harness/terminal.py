"""What every command shares: paths as people type them, output that any stream takes, a quiet end when nobody reads on.

Imports nothing but the standard library, so that it can be used before it is known what is installed.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: The exit status of a program that SIGPIPE ended, as shells count it.
NOBODY_READS = 141


def run(command: Callable[[], int]) -> int:
    """The exit status of `command`; NOBODY_READS where whoever read our output closed it before the end."""
    take_any_text()
    try:
        status = command()
        if sys.stdout is not None:  # a program may be started without
            sys.stdout.flush()
    except BrokenPipeError:
        if not _stdout_is_closed():
            raise
        _write_to_nowhere()
        return NOBODY_READS
    return status


def take_any_text() -> None:
    """Escape what an output stream has no bytes for: pipes and files on Windows take some 250 characters only."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # notebooks and tests put other objects there
            reconfigure(errors="backslashreplace")


def path(text: str) -> Path:
    """A path from a command line, for argparse. `~/` is the home folder also where no shell has said so."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got nothing")
    return Path(text).expanduser() if text == "~" or text.startswith(("~/", "~\\")) else Path(text)


def name(text: str) -> str:
    """A name from a command line, for argparse: an empty one is a variable of a script that nobody set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a name, got nothing")
    return text


def _stdout_is_closed() -> bool:
    """Whether it was our output that nobody reads, and not the pipe of a process that we started."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sys.stdout, 0)  # that the other end is gone is told unasked
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _write_to_nowhere() -> None:
    """Let what is still buffered go nowhere, else Python complains once more at the very end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
