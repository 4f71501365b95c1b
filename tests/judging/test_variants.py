"""Right work, however it is written, gets every point for code."""

from __future__ import annotations

import pytest

from harness.tests_hidden.budget import SHARES, TOTAL
from tests.judging.cases import VARIANTS, Case, code_graded_tests, load_all
from tests.judging.direct import failures

CASES = load_all(VARIANTS)
DRAWING = [case for case in CASES if case.reached & {"1e-2-hidden"}]


def test_there_are_enough_variants() -> None:
    assert len(CASES) >= 40


def test_no_variant_expects_to_lose_anything() -> None:
    assert [case.name for case in CASES if case.fails or case.may_fail or case.upload] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_variant_passes_every_graded_test_about_code(case: Case) -> None:
    assert failures(case, sorted(case.reached), ["first"]) == {}


@pytest.mark.slow  # `python -m tests.judging.seeds` tries two hundred
@pytest.mark.parametrize("case", DRAWING, ids=lambda case: case.name)
def test_a_variant_passes_statistical_graded_tests_with_another_seed(case: Case) -> None:
    assert failures(case, sorted(frozenset(SHARES) & case.reached), ["second"]) == {}


def test_shares_add_up_to_the_budget() -> None:
    assert sum(SHARES.values()) == pytest.approx(TOTAL)
    assert set(SHARES) <= code_graded_tests()
