"""Wrong work loses the points of the part that is wrong, and no others.

Code is judged in this process, at a fifth of the price of a sandbox; test_messages judges some of it in one, as a grade
does. Uploads that need no code run are judged with the sandbox.
"""

from __future__ import annotations

import pytest

from harness.grading import catalogue
from harness.manifest import load
from tests.judging.cases import MUTANTS, Case, load_all
from tests.judging.court import Court
from tests.judging.direct import failures

CASES = load_all(MUTANTS)
BY_NAME = {case.name: case for case in CASES}

#: For each hidden graded test a mutant that it alone catches: the reason why the graded test is there.
ALONE = {
    "1c-2-hidden": "c_scratch_with_the_epochs_of_finetuning",
    "1c-3-hidden": "c_trains_a_copy",
    "1d-1-hidden": "p_no_right_answer_for_test",
    "1d-2-hidden": "p_params_with_the_optimisers",
    "1e-2-hidden": "e_masked_third",
    "1e-3-hidden": "e_truncated_from_sixteen_on",
    "1e-4-hidden": "e_skips_short_documents",
    "1e-5-hidden": "e_masked_in_the_middle",
    "1e-6-hidden": "e_tidies_the_document_in_place",
    "1e-7-hidden": "e_index_wraps",
    "1f-3-hidden": "f_pretraining_with_75_epochs",
    "1f-4-hidden": "f_finetunes_a_copy",
    "1f-5-hidden": "f_pretrains_a_copy",
    "1f-6-hidden": "p_pretrained_model_untrained",
    "1f-7-hidden": "p_vanilla_below_the_bar_on_test",
    "1g-3-hidden": "g_basis_xavier_normal",
    "1g-4-hidden": "g_bottleneck_ignored",
    "1g-5-hidden": "g_basis_detached",
    "1g-6-hidden": "p_vanilla_as_the_pretrained_perceiver",
    "1g-7-hidden": "p_perceiver_below_the_bar_on_test",
    "1g-8-hidden": "g_down_without_norm_before_the_mlp",
}

#: Faults that predictions and shape tests let pass in real submissions.
REAL_FAULTS = {
    "the perceiver flag is never set": "g_flag_never_set",
    "vanilla files are uploaded as the perceiver's": "p_vanilla_params_as_perceiver",
    "the vanilla model's predictions are uploaded as the perceiver's": "p_vanilla_predictions_as_perceiver",
    "the basis is no parameter": "g_basis_no_parameter",
    "the basis is normal": "g_basis_normal",
    "the basis is drawn by xavier_normal": "g_basis_xavier_normal",
    "finetune trains, and train trains again": "c_trains_inside_of_finetune",
    "pretrain trains, and train trains again": "f_trains_inside_of_pretrain",
    "pretrained weights are never loaded": "f_never_loads",
    "the masked length is a constant": "e_masked_length_constant",
    "the masked length is always a quarter": "e_masked_length_fixed_quarter",
    "x is longer than the block": "e_longer_than_the_block",
    "an eighth is masked on average": "e_masked_eighth",
    "a window is kept instead of the prefix": "e_window_instead_of_prefix",
    "the vocabulary lacks non-ASCII characters": "e_vocabulary_without_umlauts",
    "the index wraps, so that iteration never ends": "e_index_wraps",
}


def failed(court: Court, case: Case, graded_tests: frozenset[str]) -> set[str]:
    if case.upload:
        return {name for name, verdict in court.judge(case, graded_tests, "first").items() if verdict.failure}
    return {name for name, _ in failures(case, sorted(graded_tests), ["first"])}


def test_there_are_enough_mutants() -> None:
    assert len(CASES) >= 80


def test_every_mutant_must_fail_something() -> None:
    assert [case.name for case in CASES if not case.fails] == []


def test_expectations_name_graded_tests_that_exist() -> None:
    known = {graded_test.id for graded_test in catalogue.collect(load())}
    assert [case.name for case in CASES if not case.fails | case.may_fail <= known] == []


#: All ways to read a perceiver's file are tried before it is none, which takes many seconds; one such case is enough.
SLOW = ("p_perceiver_finetuned_is_pretrained", "p_pretrained_perceiver_untrained")


@pytest.mark.parametrize(
    "case",
    [pytest.param(each, marks=pytest.mark.slow if each.name in SLOW else ()) for each in CASES],
    ids=lambda case: case.name,
)
def test_a_mutant_fails_what_it_must_and_nothing_else(court: Court, case: Case) -> None:
    training = {"1f-5-hidden"} - case.fails - case.may_fail  # slow, and blind to most of what a dataset does
    seen = failed(court, case, case.reached - training if case.name.startswith("e_") else case.reached)
    assert case.fails <= seen <= case.fails | case.may_fail


@pytest.mark.parametrize(
    "graded_test",
    [graded_test.id for graded_test in catalogue.collect(load(), ("hidden",)) if graded_test.part.startswith("1")],
)
def test_every_hidden_graded_test_alone_catches_some_mutant(graded_test: str) -> None:
    mutant = BY_NAME[ALONE[graded_test]]
    assert mutant.fails == frozenset({graded_test})
    assert not mutant.may_fail


@pytest.mark.parametrize("fault", REAL_FAULTS)
def test_faults_of_real_submissions_are_among_the_mutants(fault: str) -> None:
    assert BY_NAME[REAL_FAULTS[fault]].real
