"""The graded tests as a list: complete, and in agreement with assignment.toml."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import SettingsError, UsageError
from harness.grading import catalogue
from harness.manifest import load


def test_points_of_the_graded_tests_are_those_of_the_manifest() -> None:
    graded_tests = catalogue.collect(load())
    catalogue.check_points(graded_tests, load())
    extra = {part.id for part in load().parts if part.extra_credit}
    assert (
        sum(graded_test.points for graded_test in graded_tests if graded_test.part not in extra) == load().points == 64
    )
    assert (
        sum(graded_test.points for graded_test in graded_tests if graded_test.part in extra)
        == load().extra_points
        == 10
    )


def test_extra_credit_and_practice_say_so_in_their_titles() -> None:
    extra = {part.id for part in load().parts if part.extra_credit}
    for graded_test in catalogue.collect(load()):
        wanted = (
            "" if graded_test.part not in extra else "Extra credit: " if graded_test.points else "Practice, no points: "
        )
        assert graded_test.title.startswith(wanted)
        assert graded_test.part in extra or "credit" not in graded_test.title


def test_a_point_too_many_is_noticed() -> None:
    first, *rest = catalogue.collect(load())
    with pytest.raises(SettingsError, match=r"assignment.toml:\d+: part 1c: points = 4, but its graded tests give 5"):
        catalogue.check_points([replace(first, points=first.points + 1), *rest], load())


def test_every_graded_test_has_a_title_of_its_own() -> None:
    titles = [graded_test.title for graded_test in catalogue.collect(load())]
    assert len(set(titles)) == len(titles)


def test_selection_takes_ids_parts_and_problems() -> None:
    graded_tests = catalogue.collect(load())
    assert {graded_test.part for graded_test in catalogue.select(graded_tests, "3")} == {"3a", "3b", "3c", "3d", "3e"}
    assert [graded_test.id for graded_test in catalogue.select(graded_tests, "1e-2-hidden")] == ["1e-2-hidden"]
    assert {graded_test.part for graded_test in catalogue.select(graded_tests, "1g")} == {"1g"}


def test_an_unknown_id_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="1e-0-basic"):
        catalogue.select(catalogue.collect(load()), "9z-0-basic")


def test_collecting_does_not_import_torch() -> None:
    import subprocess
    import sys

    code = "import sys; from harness.manifest import load; from harness.grading import catalogue; catalogue.collect(load()); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
