"""Many grades in a row that import nothing again: a process that grading sessions are forked from.

    with session_server() as server:
        results = grade(upload, data, server=server)

Each session is a copy of what that process was when it had all modules, and no answer, no upload and no result, in it;
its zygote is a copy of another such process (`ZygoteServer`), which knows even less. So a grade by a server is the
grade that it would be without. One at a time. Linux only.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from harness.manifest import load
from harness.problem import problem_of
from harness.sandbox.forkserver import ZygoteServer
from harness.sandbox.nursery import fork_on_request


def main() -> NoReturn:
    """Import everything, then fork sessions: `python -m harness.grading.sessions DESCRIPTOR FOLDER`."""
    control = socket.socket(fileno=int(sys.argv[1]))
    zygotes = ZygoteServer(Path(sys.argv[2]))
    from harness.grading import catalogue, session

    assignment = load()
    for entry in assignment.problems:
        problem_of(entry)
    session.rehearse(catalogue.collect(assignment))
    gc.collect()
    gc.freeze()  # a collection would make each session copy every page that it looks at

    def become_session(stdin: int, stdout: int) -> None:
        for descriptor, target in ((stdin, 0), (stdout, 1)):
            os.dup2(descriptor, target)
            os.close(descriptor)
        os._exit(session.main(zygotes))

    fork_on_request(control, become_session, zygotes.cpu_seconds, zygotes.close)


if __name__ == "__main__":
    main()
