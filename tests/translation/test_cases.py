"""Wrong translators lose the points of what is wrong, and no others; right ones lose none, however they are written.

Code is judged in this process: the problem is off as shipped, and is switched on here alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judging.cases import Case, load_all
from tests.translation.support import FILE, GRADED_TESTS, OF_CODE, REFERENCE, judge

HERE = Path(__file__).parent
MUTANTS, VARIANTS = load_all(HERE / "mutants"), load_all(HERE / "variants")

#: Graded tests, each with a hidden one that asks for the same once more, with other inputs or for a course that has only
#: one of their parts: no mutant can fail the first one alone.
REPEATED = {
    "4a-0-basic": "4a-2-hidden",
    "4a-5-hidden": "4c-2-hidden",
    "4b-1-basic": "4b-3-hidden",
    "4c-0-basic": "4c-2-hidden",
}


def named(case: Case) -> str:
    return case.name


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 80
    assert len(VARIANTS) >= 15


def test_every_graded_test_of_code_catches_some_mutant() -> None:
    assert frozenset().union(*(case.fails for case in MUTANTS)) == OF_CODE


def test_every_graded_test_of_code_has_a_mutant_that_fails_it_alone() -> None:
    alone = {name for case in MUTANTS for name in case.fails if case.fails | case.may_fail == {name}}
    assert OF_CODE - alone == REPEATED.keys()
    missed = [
        case.name for case in MUTANTS if not {REPEATED[each] for each in case.fails & REPEATED.keys()} <= case.fails
    ]
    assert missed == []


def test_expectations_name_graded_tests_that_exist() -> None:
    assert [case.name for case in MUTANTS if not case.fails | case.may_fail <= GRADED_TESTS.keys()] == []


@pytest.mark.parametrize("case", MUTANTS, ids=named)
def test_a_mutant_fails_what_it_must_and_nothing_else(case: Case) -> None:
    seen = set(judge(case.sources[FILE], "first"))
    assert case.fails
    assert case.fails - case.may_fail <= seen <= case.fails | case.may_fail


@pytest.mark.parametrize("case", VARIANTS, ids=named)
def test_a_variant_passes_everything(case: Case) -> None:
    assert not case.fails
    assert judge(case.sources[FILE], "first") == {}


def test_the_reference_passes_with_many_seeds() -> None:
    assert {str(seed): judge(REFERENCE, str(seed)) for seed in range(5)} == {str(seed): {} for seed in range(5)}
