"""Attacking uploads: whatever they try, a sound results.json that gives them nothing."""

import shutil

import pytest

from tests.container import uploads
from tests.container.checks import assert_judged, assert_sound, total_points
from tests.container.engine import Machine, empty
from tests.container.trials import Trial
from tests.container.uploads import Upload

pytestmark = pytest.mark.container

#: The memory of the platform's smallest machine, so that hoarding meets it; its processor would only make this slow.
LANDLOCK = Machine(memory_mib=768)
WITHOUT_LANDLOCK = Machine(landlock=False, memory_mib=768)

#: Use up time, memory or output, which Landlock has no part in; these are slow.
GREEDY = {"never_return", "flood_output", "hoard_memory"}


def assert_contained(trial: Trial, upload: Upload) -> None:
    assert_sound(trial)
    assert_judged(trial)
    assert trial.score <= (0 if upload.over_template else total_points())


@pytest.mark.parametrize("upload", uploads.HOSTILE, ids=lambda upload: upload.name)
def test_an_attack_is_contained_and_earns_nothing(laboratory, upload):
    assert_contained(laboratory.grade(upload, LANDLOCK), upload)


@pytest.mark.parametrize(
    "upload", [upload for upload in uploads.HOSTILE if upload.name not in GREEDY], ids=lambda upload: upload.name
)
def test_an_attack_is_contained_without_landlock(laboratory, upload):
    assert_contained(laboratory.grade(upload, WITHOUT_LANDLOCK), upload)


@pytest.mark.parametrize("name", ["forge_results", "read_secrets", "stay_behind"])
def test_the_same_attack_succeeds_where_nothing_contains_it(laboratory, name):
    folder = empty(laboratory.state / "upload")
    shutil.copyfile(uploads.ATTACKS / f"{name}.py", folder / "attack.py")
    trial = laboratory.run(
        name,
        folder,
        Machine(),
        ("/usr/bin/timeout", "-s", "KILL", "30", "/usr/bin/python3", "/autograder/submission/attack.py"),
    )
    with pytest.raises((AssertionError, KeyError, ValueError)):
        assert_contained(trial, uploads.HONEST["template"])
    outcomes = {
        "forge_results": trial.results and trial.score == 64,
        "read_secrets": {"e-mail", "upload token"} <= {leak.partition(" in ")[0] for leak in trial.seen["leaks"]},
        "stay_behind": trial.seen["survivors"],
    }
    assert outcomes[name]
