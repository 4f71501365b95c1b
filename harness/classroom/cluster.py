"""A regrade on many machines: uploads are graded by the workers of a Dask cluster instead of on this machine.

Theory of operation: this process stays what it is, reads the export and keeps the journal. For each upload in the works
one task is at the cluster: it carries the upload and the hash of the release, and brings the results back. A worker
that does not have the release says so, is sent it, and is asked again; so workers may join, leave and die at any time.
Dask gives the task of a worker that died to another one, and tells of a task at which several died.

Promises: hidden graded tests and answers leave this machine as one zip, only to workers that are asked to grade, and
are checked there against their hash (harness.classroom.remote). The network is as safe as the cluster's: `tls://`.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, Security
from distributed.comm import connect

from harness.assignment import Assignment
from harness.classroom import remote
from harness.classroom.exports import LARGEST_UPLOAD
from harness.classroom.journal import Spent
from harness.classroom.regrade import (
    OF_THE_DISK,
    Ending,
    Graded,
    MachineError,
    RegradeRequest,
    Screen,
    checked,
    grading_files,
    peak_bytes,
    regrade,
)
from harness.errors import InternalError, UsageError
from harness.intake.upload import UploadError, megabytes, show
from harness.intake.zips import zipped
from harness.manifest import load

_CONNECT_SECONDS = 10.0
#: A scheduler that cannot be reached for so long is gone.
_SILENCE_SECONDS = 20.0
_LOOK_SECONDS = 0.1
#: How often a worker may turn out not to have the release: it may be restarted meanwhile.
_MOST_INSTALLS = 5

#: What workers run travels as source, since they do not have this package.
_SOURCE = Path(remote.__file__).read_text(encoding="utf-8")


def _on_worker(function: str) -> Callable[..., dict[str, Any]]:
    """A function of harness.classroom.remote, for a worker. Refers to nothing by a name that only we know."""
    source = _SOURCE

    def run(*arguments: Any) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "holdout_worker"}
        exec(source, names)  # noqa: S102 - ours
        return names[function](*arguments)  # type: ignore[no-any-return]

    return run


class Cluster:
    """The workers behind one scheduler. A Grader (harness.classroom.regrade)."""

    def __init__(self, client: Client, assignment: Assignment, data: Path, only: str | None) -> None:
        self._client = client
        self._data = data
        self._only = only or ""
        self._bundle = bundle(assignment, data)
        self._release = hashlib.sha256(self._bundle).hexdigest()

    @property
    def dashboard(self) -> str:
        """Where a browser sees what the workers do."""
        return str(self._client.dashboard_link)

    def slots(self) -> int:
        """How many uploads the workers can grade at a time, now."""
        try:
            return sum(self._client.nthreads().values())
        except Exception:  # noqa: BLE001 - a client without its scheduler breaks in many ways; what waits finds out
            return 0

    def __call__(self, upload: Path, stop: Callable[[], bool]) -> Graded:
        """See Grader."""
        begun, data = time.monotonic(), packed(upload)
        call = (self._release, upload.name, data, hashlib.sha256(data).hexdigest(), self._only)
        for _ in range(_MOST_INSTALLS):
            answer = self._answer(self._client.submit(_on_worker("grade"), *call, pure=False), stop)
            if "missing_on" not in answer:
                return self._graded(answer, time.monotonic() - begun)
            self._send_release(answer["missing_on"], stop)
        raise InternalError(f"{upload.name}: no worker kept the release; look at the disks of their machines")

    def _send_release(self, worker: str, stop: Callable[[], bool]) -> None:
        where = {"workers": [worker], "allow_other_workers": True}  # it may be gone meanwhile
        self._answer(self._client.submit(_on_worker("install"), self._release, self._bundle, pure=False, **where), stop)

    def _answer(self, future: Future, stop: Callable[[], bool]) -> dict[str, Any]:
        """What a task brings; the cluster's own troubles as exceptions that say whose they are."""
        try:
            self._wait(future, stop)
            return dict(future.result(timeout=_SILENCE_SECONDS))
        except KilledWorker as problem:
            raise InternalError("the workers that graded it died, one after the other") from problem
        except OSError as problem:
            if problem.errno in OF_THE_DISK:
                raise MachineError(f"a worker's disk: {problem}") from problem
            raise self._gone() from problem
        finally:
            with suppress(Exception):
                future.cancel()

    def _wait(self, future: Future, stop: Callable[[], bool]) -> None:
        """Until the task is done. MachineError where the cluster is gone."""
        heard = time.monotonic()
        while not future.done():
            if stop():
                raise InternalError("the regrade was stopped")
            if self._client.status == "running":
                heard = time.monotonic()
            if self._client.status == "closed" or time.monotonic() - heard > _SILENCE_SECONDS:
                raise self._gone()
            time.sleep(_LOOK_SECONDS)
        if future.status in {"cancelled", "lost"}:
            raise self._gone()

    def _gone(self) -> MachineError:
        address = self._client.scheduler.address if self._client.scheduler is not None else "the cluster"
        return MachineError(f"{address}: the scheduler cannot be reached any more; start it and its workers again")

    def _graded(self, answer: Mapping[str, Any], seconds: float) -> Graded:
        if "problem" in answer:
            if OF_THE_DISK.intersection(answer["errnos"]):
                raise MachineError(f"a worker's disk: {answer['problem']}")
            raise (UsageError if answer["unusable"] else InternalError)(answer["problem"])
        here, there = json.dumps(str(self._data)), json.dumps(answer["data"])
        document = json.loads(json.dumps(answer["document"]).replace(there[1:-1], here[1:-1]))
        spent = Spent(answer["cpu_seconds"], seconds, peak_bytes(document))
        return Graded(document, tuple(answer["unjudged"]), spent)


def regrade_on(address: str, request: RegradeRequest, screen: Screen, stop: Callable[[], bool]) -> Ending:
    """`regrade` by the cluster whose scheduler listens at `address`.

    Raises:
        UsageError: nothing answers there, or as for `regrade`.
        InternalError: as for `regrade`.
    """
    assignment = load()
    data = checked(request, assignment)
    with connected(address, assignment, data, request.only) as cluster:
        screen.say(f"{cluster.slots()} uploads at a time, as of now; dashboard: {cluster.dashboard}")
        return regrade(request, screen, stop, cluster, cluster.slots)


@contextmanager
def connected(address: str, assignment: Assignment, data: Path, only: str | None) -> Iterator[Cluster]:
    """The cluster whose scheduler listens at `address`. UsageError where none does."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it, the regrade says itself
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "2 GiB"})  # uploads are
    try:  # a client tries on, and leaves a traceback when it gives up
        asyncio.run(_knock(address))
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as problem:
        raise UsageError(f"--scheduler {address}: no Dask scheduler answers there ({problem})") from problem
    try:
        yield Cluster(client, assignment, data, only)
    finally:
        with suppress(Exception):
            client.close(timeout=5)


async def _knock(address: str) -> None:
    security = Security().get_connection_args("client")
    await (await connect(address, timeout=_CONNECT_SECONDS, **security)).close()


def bundle(assignment: Assignment, data: Path) -> bytes:
    """What grades, with the term's data, as the bytes of a zip: equal for equal releases."""
    files = dict(grading_files())
    files |= {f"data/{name}": (data / name).read_bytes() for name in assignment.data_names()}
    return zipped(files, private=files)


def packed(upload: Path) -> bytes:
    """A zip as it is; a folder as a zip of what is in it, in which a link stays a link."""
    if upload.is_file():
        return upload.read_bytes()
    if not upload.is_dir():
        raise UsageError(f"{upload}: no such folder or zip; give the upload to grade")
    into, size = io.BytesIO(), 0
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for folder, _, names in os.walk(upload):
            for name in sorted(names):
                path = Path(folder, name)
                size += path.lstat().st_size
                if size > LARGEST_UPLOAD:
                    raise UploadError(f"{show(upload.name)}: is more than {megabytes(LARGEST_UPLOAD)}")
                _add(archive, path, path.relative_to(upload).as_posix())
    return into.getvalue()


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = path.lstat().st_mode << 16
    if path.is_symlink():
        archive.writestr(entry, os.fsencode(path.readlink()))
    elif path.is_file():
        archive.writestr(entry, path.read_bytes())
