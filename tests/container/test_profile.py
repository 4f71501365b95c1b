"""Docker's conditions, decided: these need no container."""

import json
import re
from typing import Any

import pytest

from tests.container import corpus, profile

UNPRIVILEGED = profile.Place(frozenset(profile.DOCKER_CAPABILITIES), "amd64", (5, 15))
ADMIN = profile.Place(frozenset({*profile.DOCKER_CAPABILITIES, "SYS_ADMIN"}), "amd64", (5, 15))


def allowed(rules: dict[str, Any]) -> set[str]:
    return {
        name
        for rule in rules["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args")
        for name in rule["names"]
    }


@pytest.mark.parametrize(
    "name", ["mount", "unshare", "setns", "bpf", "clone", "clone3", "io_uring_setup", "userfaultfd"]
)
def test_docker_denies_to_its_root_what_needs_more_than_its_capabilities(name):
    assert name not in allowed(profile.docker_default(UNPRIVILEGED))


def test_an_administrator_is_allowed_to_mount():
    assert "mount" in allowed(profile.docker_default(ADMIN))


@pytest.mark.parametrize(("kernel", "expected"), [((4, 7), False), ((4, 8), True), ((5, 15), True)])
def test_ptrace_is_allowed_from_kernel_4_8_on(kernel, expected):
    place = profile.Place(UNPRIVILEGED.capabilities, "amd64", kernel)
    assert ("ptrace" in allowed(profile.docker_default(place))) is expected


@pytest.mark.parametrize(("architecture", "expected"), [("amd64", True), ("arm64", False)])
def test_rules_of_other_architectures_are_dropped(architecture, expected):
    place = profile.Place(UNPRIVILEGED.capabilities, architecture, (5, 15))
    assert ("arch_prctl" in allowed(profile.docker_default(place))) is expected


def test_no_condition_is_left_for_an_engine_to_decide():
    rules = profile.docker_default(UNPRIVILEGED)["syscalls"]
    assert rules
    assert not any({"includes", "excludes"} & rule.keys() for rule in rules)


def test_clone_without_new_namespaces_is_allowed():
    clones = [rule for rule in profile.docker_default(UNPRIVILEGED)["syscalls"] if rule["names"] == ["clone"]]
    assert [argument["op"] for rule in clones for argument in rule["args"]] == ["SCMP_CMP_MASKED_EQ"]


def test_landlock_is_allowed_unless_it_is_hidden():
    assert set(profile.LANDLOCK) <= allowed(profile.docker_default(UNPRIVILEGED))
    hidden = profile.docker_default(UNPRIVILEGED, landlock=False)
    assert not set(profile.LANDLOCK) & allowed(hidden)
    assert hidden["syscalls"][-1]["errnoRet"] == 38


def test_a_profile_survives_being_written_and_read():
    rules = profile.docker_default(UNPRIVILEGED)
    assert json.loads(json.dumps(rules)) == rules


def test_the_corpus_that_goes_into_a_container_has_all_that_it_imports():
    given = {name.as_posix(): path.read_bytes() for name, path in corpus.modules().items() if name.suffix == ".py"}
    wanted = {
        (name, module.replace(".", "/") + ".py")
        for name, content in given.items()
        for module in re.findall(r"^\s*from (tests\.[\w.]+) import", content.decode(), re.MULTILINE)
    }
    assert len(wanted) > 3
    assert [each for each in sorted(wanted) if each[1] not in given] == []
