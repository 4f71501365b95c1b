"""Becomes a program in a chroot with the limits of a Docker container. Started as root in mount and process namespaces.

Runs on the system's python3 with Debian's python3-seccomp. Reads one JSON object from the file named on the command line: root,
image, mounts, profile (conditions decided), capabilities, environment, command.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import seccomp  # type: ignore[import-not-found]  # a package of the distribution, not of pip

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
ACTIONS = {"SCMP_ACT_ALLOW": seccomp.ALLOW}
OPERATORS = {
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}


def main(order: dict[str, Any]) -> None:
    """Mount, change root, limit, filter, drop capabilities, run."""
    if order["image"]:
        beside = Path(order["root"]).parent
        layers = f"lowerdir={order['image']},upperdir={beside}/changes,workdir={beside}/work"
        mount("-t", "overlay", "-o", layers, "overlay", order["root"])
    mount_all(order["root"], order["mounts"])
    os.chroot(order["root"])
    os.chdir("/")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    resource.setrlimit(resource.RLIMIT_NPROC, (4096, 4096))
    load(order["profile"])
    kept = ",".join(f"+{name.lower()}" for name in order["capabilities"])
    drop = ["/usr/bin/setpriv", "--inh-caps=-all", f"--bounding-set=-all,{kept}", "--"]
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.execve(drop[0], [*drop, *order["command"]], {"PATH": path, **order["environment"]})


def mount_all(root: str, borrowed: list[str]) -> None:
    """The kernel's file systems, a few devices, name resolution, and what is borrowed, read-only."""
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("-t", "sysfs", "-o", "ro", "sysfs", f"{root}/sys")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{root}/dev")
    Path(root, "dev/shm").mkdir()
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}/dev/shm")
    for name in DEVICES:
        bind(f"/dev/{name}", f"{root}/dev/{name}")
    for path in ("/etc/resolv.conf", "/etc/hosts"):
        bind(path, f"{root}{path}", "ro")
    for path in borrowed:
        source, _, target = path.partition(":")
        bind(source, f"{root}{target or source}", "ro")


def bind(source: str, target: str, mode: str = "rw") -> None:
    """Mount the file or folder `source` at `target`, which is made."""
    place = Path(target)
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    mount("--bind", source, target)
    if mode == "ro":
        mount("-o", "remount,bind,ro", target)


def mount(*words: str) -> None:
    """mount(8); an error ends this program."""
    subprocess.run(["mount", *words], check=True)


def load(profile: dict[str, Any]) -> None:
    """Load the filter; unlike in a worker, a later setuid program may still gain privileges, as in a container."""
    rules = seccomp.SyscallFilter(seccomp.ERRNO(profile.get("defaultErrnoRet", 1)))
    rules.set_attr(seccomp.Attr.CTL_NNP, 0)
    for name in ("X86", "X32"):
        if rules.exist_arch(seccomp.Arch.X86_64):
            rules.add_arch(getattr(seccomp.Arch, name))
    for rule in profile["syscalls"]:
        action = ACTIONS.get(rule["action"]) or seccomp.ERRNO(rule.get("errnoRet", 1))
        for name in rule["names"]:
            add(rules, action, name, rule.get("args") or [])
    rules.load()


def add(rules: Any, action: Any, name: str, arguments: list[dict[str, Any]]) -> None:
    """One rule; names that this libseccomp or this architecture does not know are left to the default, which denies."""
    compared = []
    for argument in arguments:
        operator, value = OPERATORS[argument["op"]], argument["value"]
        if argument["op"] == "SCMP_CMP_MASKED_EQ":
            compared.append(seccomp.Arg(argument["index"], operator, value, argument.get("valueTwo", 0)))
        else:
            compared.append(seccomp.Arg(argument["index"], operator, value))
    try:
        number = seccomp.resolve_syscall(seccomp.Arch(), name)
        if number >= 0:
            rules.add_rule(action, name, *compared)
    except ValueError:
        return


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
