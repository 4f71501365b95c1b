"""Stands in for a container engine: a chroot with Docker's capabilities and seccomp profile, made with setpriv and libseccomp.

Differs from a container: no limit on memory or processor, and files outside the root are hidden by the chroot alone, which
is enough for tests of uploads that never get to be root. Needs root, unshare, and mounts (overlay among them).
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.container import profile, rootfs
from tests.container.borrowed import Borrowed
from tests.container.commands import run
from tests.container.engine import BUILD_SECONDS, Machine, Task, digest, empty

ENTER = Path(__file__).with_name("enter_chroot.py")
SYSTEM_PYTHON = "/usr/bin/python3"  # the one for which the distribution packages python3-seccomp


class Emulation:
    """An engine whose images are folders."""

    name = "emulation (chroot, setpriv, Docker's seccomp profile)"
    limits = False

    def __init__(self, state: Path, suite: str) -> None:
        self._state = state / "emulation"
        self._state.mkdir(parents=True, exist_ok=True)
        self._base = rootfs.archive(suite, state)

    def build(self, files: Path, command: Sequence[str], borrowed: Borrowed) -> str:
        """See Engine."""
        image = self._state / f"image-{digest(files, digest(self._base), *command)}"
        if not image.exists():
            for older in self._state.glob("image-*"):
                shutil.rmtree(older)  # each release makes another gigabyte; only the latest is kept
            root = empty(self._state / "unfinished")
            _unpack(self._base, root)
            _unpack(files, root)
            settings = self._state / "pip.conf"
            settings.write_text(borrowed.pip_conf, encoding="utf-8")
            mounts = [f"{settings}:/etc/pip.conf", *map(str, borrowed.mounts)]
            printed = self._enter(root, None, command, Machine(), borrowed.environment, mounts, BUILD_SECONDS)
            (self._state / "setup.log").write_text(printed, encoding="utf-8")
            root.rename(image)
        return str(image)

    def run(self, image: str, task: Task, machine: Machine, out: Path) -> str:
        """See Engine."""
        scratch = empty(self._state / f"run-{uuid.uuid4().hex}")
        changes = scratch / "changes"
        try:
            for name in ("root", "work", "changes"):
                (scratch / name).mkdir()
            _unpack(task.files, changes)
            printed = self._enter(
                scratch / "root", Path(image), task.command, machine, task.environment, (), task.seconds
            )
            run(["cp", "--archive", f"{changes}{task.wanted}", out])
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return printed

    def _enter(
        self,
        root: Path,
        image: Path | None,
        command: Sequence[str],
        machine: Machine,
        environment: Mapping[str, str],
        mounts: Sequence[str],
        seconds: float,
    ) -> str:
        order = {
            "root": str(root),
            "image": str(image) if image else None,  # laid under `root`, with the changes kept beside it
            "mounts": list(mounts),
            "profile": profile.docker_default(profile.Place.here(), landlock=machine.landlock),
            "capabilities": profile.DOCKER_CAPABILITIES,
            "environment": dict(environment),
            "command": list(command),
        }
        written = self._state / "order.json"
        written.write_text(json.dumps(order), encoding="utf-8")
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"]
        return run([*namespaces, SYSTEM_PYTHON, ENTER, written], seconds=seconds)


def _unpack(archive: Path, root: Path) -> None:
    run(["tar", "--extract", "--numeric-owner", "--same-permissions", f"--directory={root}", f"--file={archive}"])
