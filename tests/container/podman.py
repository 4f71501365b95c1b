"""The real container: podman with runc, held as Docker holds one by default."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.container import profile, rootfs
from tests.container.borrowed import Borrowed
from tests.container.commands import CommandFailedError, run
from tests.container.engine import BUILD_SECONDS, Machine, Task, digest


class Podman:
    """podman with storage of its own below `state`, so that it neither sees nor leaves anything else."""

    name = "podman"

    def __init__(self, state: Path, suite: str) -> None:
        self.state = state
        self.limits = True
        # The runtime's folder holds a socket, whose whole path may have about 100 characters.
        storage = ["--root", str(state / "storage"), "--runroot", str(state / "run"), "--tmpdir", str(state / "tmp")]
        self._podman = ["podman", *storage, "--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--runtime=runc"]
        base = rootfs.archive(suite, state)
        self._base = f"holdout-{suite}:{digest(base)}"
        if not self._exists(self._base):
            self._call("import", base, self._base)
        self._call("run", "--rm", *self._docker_like(Machine()), self._base, "true")
        self.limits = self._has_limits()

    def build(self, files: Path, command: Sequence[str], borrowed: Borrowed) -> str:
        """See Engine. The same files, command and root give the image that is there already, if it is."""
        image = f"holdout-image:{digest(files, self._base, *command)}"
        if self._exists(image):
            return image
        self._drop_older_images()
        settings = self.state / "pip.conf"
        settings.write_text(borrowed.pip_conf, encoding="utf-8")
        mounts = [f"--volume={path}:{path}:ro" for path in borrowed.mounts]
        variables = [f"--env={name}={value}" for name, value in borrowed.environment.items()]
        options = [*self._docker_like(Machine()), f"--volume={settings}:/etc/pip.conf:ro", *mounts, *variables]
        container = self._call("create", *options, self._base, *command).split()[-1]
        try:
            self._call("cp", "-", f"{container}:/", stdin=files)
            self._call("start", "--attach", container, seconds=BUILD_SECONDS, log=self.state / "setup.log")
            self._call("commit", "--quiet", container, image)
        finally:
            self._call("rm", "--force", "--time=0", container)
        return image

    def run(self, image: str, task: Task, machine: Machine, out: Path) -> str:
        """See Engine."""
        variables = [f"--env={name}={value}" for name, value in task.environment.items()]
        container = self._call("create", *self._docker_like(machine), *variables, image, *task.command).split()[-1]
        try:
            self._call("cp", "-", f"{container}:/", stdin=task.files)
            printed = self._call("start", "--attach", container, seconds=task.seconds)
            self._call("cp", f"{container}:{task.wanted}", out)
        finally:
            self._call("rm", "--force", "--time=0", container)
        return printed

    def _docker_like(self, machine: Machine) -> list[str]:
        rules = self.state / f"seccomp-{'with' if machine.landlock else 'without'}-landlock.json"
        rules.write_text(
            json.dumps(profile.docker_default(profile.Place.here(), landlock=machine.landlock)), encoding="utf-8"
        )
        options = [
            "--network=host",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=4096:4096",
            "--pids-limit=-1",
            "--cap-drop=all",
            f"--cap-add={','.join(profile.DOCKER_CAPABILITIES)}",
            f"--security-opt=seccomp={rules}",
        ]
        if self.limits and machine.memory_mib is not None:
            options += [f"--memory={machine.memory_mib}m", f"--memory-swap={machine.memory_mib}m"]
        if self.limits and machine.cpus is not None:
            options += [f"--cpus={machine.cpus}"]
        return options

    def _drop_older_images(self) -> None:
        """Each release makes another gigabyte; only the latest is kept."""
        listed = self._call("images", "--filter=reference=*holdout-image*", "--format={{.ID}}")
        for image in sorted(set(listed.split())):
            self._call("rmi", "--force", image)

    def _exists(self, image: str) -> bool:
        try:
            self._call("image", "exists", image)
        except CommandFailedError:
            return False
        return True

    def _has_limits(self) -> bool:
        try:
            self._call("run", "--rm", *self._docker_like(Machine(memory_mib=256, cpus=0.5)), self._base, "true")
        except CommandFailedError:
            return False
        return True

    def _call(
        self, *words: str | Path, stdin: Path | None = None, seconds: float | None = None, log: Path | None = None
    ) -> str:
        return run([*self._podman, *words], stdin=stdin, seconds=seconds, log=log)
