"""The far end of a fork server (`forkserver`): a process that has everything imported, and forks when it is asked.

Requests and answers are JSON, one per packet of a SOCK_SEQPACKET socket:

    {"id": n} with descriptors   -> {"id": n, "pid": p}, and once that child has ended {"id": n, "status": wait status}
    {"id": n} without any        -> {"id": n, "cpu_seconds": of all children that have ended}

One child lives at a time. The end of the socket is the end of this process.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import traceback
from collections.abc import Callable
from typing import NoReturn

_PACKET = 1 << 12
_MOST_DESCRIPTORS = 4


def fork_on_request(
    control: socket.socket,
    become: Callable[..., object],
    elsewhere: Callable[[], float] = lambda: 0.0,
    at_end: Callable[[], object] = lambda: None,
) -> NoReturn:
    """Say hello; fork children, each of which is `become(*descriptors)`, until the other end is gone.

    Args:
        elsewhere: CPU seconds that are spent for the children and not by them.
        at_end: what is left to do then.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored, no child's end can be waited for
    _tell(control, {"hello": os.getpid()})
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, _PACKET, _MOST_DESCRIPTORS)
        if not packet:
            at_end()
            os._exit(0)  # torch takes seconds to end in order
        number = json.loads(packet)["id"]
        if not descriptors:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            _tell(control, {"id": number, "cpu_seconds": used.ru_utime + used.ru_stime + elsewhere()})
            continue
        pid = os.fork()
        if pid == 0:
            _begin(control, become, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _tell(control, {"id": number, "pid": pid})
        _tell(control, {"id": number, "status": os.waitpid(pid, 0)[1]})


def _begin(control: socket.socket, become: Callable[..., object], descriptors: list[int]) -> NoReturn:
    try:
        os.setsid()
        control.close()
        become(*descriptors)
    except BaseException:  # noqa: BLE001 - a fork must not run on into its parent's code
        traceback.print_exc()
    finally:
        os._exit(1)


def _tell(control: socket.socket, answer: dict[str, float]) -> None:
    try:
        control.send(json.dumps(answer).encode())
    except OSError:  # nobody is there any more
        os._exit(0)
