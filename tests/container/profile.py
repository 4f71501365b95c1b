"""Docker's seccomp profile, with its conditions decided for one machine.

Docker's file says things like "mount, if the container has CAP_SYS_ADMIN" and "ptrace, from kernel 4.8 on". Engines
differ in which conditions they know, so they are decided here, once, and every engine is handed the same plain rules.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What Docker leaves to root in a container.
DOCKER_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"),
    *("NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"),
)

LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")

_ENOSYS = 38
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DOCKER_PROFILE = Path(__file__).with_name("docker-default-seccomp.json")


@dataclass(frozen=True)
class Place:
    """What a profile's conditions ask about: capabilities without CAP_, Docker's name of the architecture, the kernel."""

    capabilities: frozenset[str]
    architecture: str
    kernel: tuple[int, int]

    @classmethod
    def here(cls, capabilities: Sequence[str] = DOCKER_CAPABILITIES) -> Place:
        """This machine, for a process with these capabilities."""
        major, minor = platform.release().split(".")[:2]
        machine = platform.machine()
        return cls(frozenset(capabilities), _ARCHITECTURES.get(machine, machine), (int(major), int(minor)))


def docker_default(place: Place, *, landlock: bool = True) -> dict[str, Any]:
    """Docker's profile for `place`; without `landlock`, those calls answer as on a kernel that was built without it."""
    profile = resolve(json.loads(_DOCKER_PROFILE.read_text()), place)
    return profile if landlock else hide(profile, LANDLOCK)


def resolve(profile: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The profile with only those rules that hold in `place`, and no conditions left."""
    kept = [_plain(rule) for rule in profile["syscalls"] if _holds(rule, place)]
    return {**profile, "syscalls": kept}


def hide(profile: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The profile in which the system calls `names` do not exist (ENOSYS)."""
    others = [{**rule, "names": [name for name in rule["names"] if name not in names]} for rule in profile["syscalls"]]
    absent = {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS}
    return {**profile, "syscalls": [*(rule for rule in others if rule["names"]), absent]}


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("names", "action", "errnoRet", "args")
    return {key: rule[key] for key in wanted if rule.get(key) is not None}


def _holds(rule: Mapping[str, Any], place: Place) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if _capabilities(excludes) & place.capabilities or place.architecture in (excludes.get("arches") or ()):
        return False
    if includes.get("arches") and place.architecture not in includes["arches"]:
        return False
    return _capabilities(includes) <= place.capabilities and place.kernel >= _kernel(includes)


def _capabilities(condition: Mapping[str, Any]) -> set[str]:
    return {name.removeprefix("CAP_") for name in condition.get("caps") or ()}


def _kernel(condition: Mapping[str, Any]) -> tuple[int, int]:
    major, minor = str(condition.get("minKernel") or "0.0").split(".")[:2]
    return int(major), int(minor)
