"""run_autograder leaves valid results that say whose fault it is, even where nothing of ours works."""

import pytest

from tests.container import uploads
from tests.container.checks import assert_valid
from tests.container.engine import Machine, empty

pytestmark = pytest.mark.container

#: Too small to grade in.
TINY = Machine(memory_mib=256)

#: Large enough, until something else in the container takes most of it: then the memory killer strikes.
TIGHT = Machine(memory_mib=460)
_BESIDE = (
    "set -m; (head -c 250m /dev/zero; sleep 600) | tail & "
    "/autograder/run_autograder; status=$?; kill -KILL -- -$(jobs -p); exit $status"
)
SHARED = ("/bin/bash", "-c", _BESIDE)

DAMAGE = {
    "no environment": "rm -rf /opt/holdout",
    "an environment without torch": "rm -rf /opt/holdout/lib/python3*/site-packages/torch",
    "no harness": "rm -rf /autograder/source/harness",
    "no source": "rm -rf /autograder/source",
    "a manifest that cannot be read": "echo '[' > /autograder/source/assignment.toml",
    "no data": "rm -rf /autograder/source/data",
    "a grader that is killed": "rm /opt/holdout/bin/python*; printf '#!/bin/sh\\nkill -9 $$\\n' > /opt/holdout/bin/python;"
    " chmod 755 /opt/holdout/bin/python",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_broken_grader_says_that_it_is_broken(laboratory, damage):
    command = ("/bin/bash", "-c", f"{damage}; exec /autograder/run_autograder")
    folder = uploads.HONEST["template"].make(empty(laboratory.state / "upload"))
    trial = laboratory.run("broken", folder, Machine(), command)
    assert_valid(trial)
    assert trial.score == 0
    assert trial.parsed["extra_data"]["internal_error"] is True
    assert "internal error of the grader" in trial.results.decode()
    assert trial.seen["status"] != 0
    assert trial.seen["survivors"] == []


def test_a_container_without_enough_memory_is_refused(laboratory):
    if not laboratory.engine.limits:
        pytest.skip("this engine has no limit of memory")
    trial = laboratory.grade(uploads.HONEST["reference"], TINY)
    assert_valid(trial)
    assert {test["extra_data"]["outcome"] for test in trial.parsed["tests"]} == {"internal_error"}
    assert "this container may take 256 MiB of memory, and a grade needs 448" in trial.parsed["output"]


def test_a_container_whose_memory_others_take_bills_nobody(laboratory):
    if not laboratory.engine.limits:
        pytest.skip("this engine has no limit of memory")
    folder = uploads.HONEST["reference"].make(empty(laboratory.state / "upload"))
    trial = laboratory.run("reference beside others", folder, TIGHT, SHARED)
    assert_valid(trial)
    assert trial.seen["out_of_memory_kills"]
    assert trial.seen["survivors"] == []
    assert {test["extra_data"]["outcome"] for test in trial.parsed["tests"]} <= {"pass", "internal_error", "not_run"}
