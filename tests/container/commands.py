"""The one place where these tests start other programs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandFailedError(Exception):
    """A program ended badly; the message holds the command and the end of what it printed."""


def run(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    seconds: float | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: Path | None = None,
) -> str:
    """Run to the end and return what was printed (standard output and errors together); also written to `log`.

    Raises:
        CommandFailedError: a status other than 0, no such program, or longer than `seconds`.
    """
    words = [str(word) for word in command]
    try:
        with (stdin or Path("/dev/null")).open("rb") as source:
            done = subprocess.run(
                words,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                env=environment,
                check=False,
            )
    except FileNotFoundError as problem:
        raise CommandFailedError(f"{words[0]} is not installed") from problem
    except subprocess.TimeoutExpired as problem:
        raise CommandFailedError(f"{' '.join(words)} took longer than {seconds:g} s") from problem
    printed = done.stdout.decode(errors="replace")
    if log is not None:
        log.write_text(printed, encoding="utf-8")
    if done.returncode != 0:
        raise CommandFailedError(f"{' '.join(words)} ended with status {done.returncode}:\n{printed[-4000:]}")
    return printed
