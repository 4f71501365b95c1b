"""Attacking uploads: whatever they try, a sound results.json that gives them nothing."""

import pytest

from tests.container import uploads
from tests.container.checks import assert_judged, assert_sound, total_points
from tests.container.engine import Machine

pytestmark = pytest.mark.container

#: The memory of the platform's smallest machine, so that hoarding meets it; its processor would only make this slow.
MACHINES = {"landlock": Machine(memory_mib=768), "without_landlock": Machine(landlock=False, memory_mib=768)}


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("upload", uploads.HOSTILE, ids=lambda upload: upload.name)
def test_an_attack_is_contained_and_earns_nothing(laboratory, upload, machine):
    trial = laboratory.grade(upload, machine)
    assert_sound(trial)
    assert_judged(trial)
    assert trial.score <= (0 if upload.over_template else total_points())
