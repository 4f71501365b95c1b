"""Honest uploads, on the platform's machines, the smallest among them."""

import pytest

from tests.container import uploads
from tests.container.checks import assert_judged, assert_sound, total_points
from tests.container.engine import Machine

pytestmark = pytest.mark.container

SMALLEST = Machine(memory_mib=768, cpus=0.5)
MACHINES = {
    "as_it_is": Machine(),
    "smallest": SMALLEST,
    "without_landlock": Machine(landlock=False),
}


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_reference_earns_every_point(laboratory, machine):
    trial = laboratory.grade(uploads.HONEST["reference"], machine)
    assert_sound(trial)
    assert_judged(trial)
    assert trial.score == total_points()


@pytest.mark.parametrize("name", ["template", "empty"])
def test_nothing_done_earns_nothing(laboratory, name):
    trial = laboratory.grade(uploads.HONEST[name], SMALLEST)
    assert_sound(trial)
    assert_judged(trial)
    assert trial.score == 0


def test_the_results_name_the_isolation_that_held(laboratory):
    there = laboratory.grade(uploads.HONEST["reference"], MACHINES["as_it_is"]).parsed["extra_data"]["isolation"]
    hidden = laboratory.grade(uploads.HONEST["reference"], MACHINES["without_landlock"]).parsed["extra_data"][
        "isolation"
    ]
    assert there["ok_for_grading"] is True
    assert hidden["ok_for_grading"] is True
    assert there["layers"] != hidden["layers"]


def test_the_platforms_variables_and_mail_stay_out_of_what_staff_see_too(laboratory):
    trial = laboratory.grade(uploads.HONEST["reference"], SMALLEST)
    assert laboratory.secrets.token not in trial.stdout
    assert laboratory.secrets.email not in trial.stdout
