"""What students read when a graded test fails: golden files, one for each likely mistake and some typical mutants.

`REWRITE_MESSAGES=1 python -m pytest tests/judging/test_messages.py` writes them anew. Then read them as a student would.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from harness import manifest
from harness.grading import advice, catalogue
from harness.grading.page import as_text
from harness.grading.results import Outcome, Results
from harness.sandbox import Frame, RemoteError
from tests.judging.cases import MISTAKES, MUTANTS, OPTIONAL, Case, code_graded_tests, load, load_all
from tests.judging.court import Court

GOLDEN = Path(__file__).with_name("messages")

TYPICAL = (
    "c_corpus_of_the_course",
    "c_returns_in_the_other_order",
    "c_trains_inside_of_finetune",
    "c_vanilla_model_of_fixed_size",
    "e_limit_of_another_block_size",
    "e_lists",
    "e_masked_content_left_in_the_text",
    "e_masked_eighth",
    "e_never_padded",
    "e_not_written",
    "e_suffix_behind_the_masked_content",
    "e_vocabulary_without_umlauts",
    "e_window_instead_of_prefix",
    "e_y_not_moved",
    "f_finetunes_a_copy",
    "f_never_loads",
    "f_warmup_of_the_default",
    "g_basis_detached",
    "g_basis_normal",
    "g_down_arguments_swapped",
    "g_flag_never_set",
    "g_up_without_norm_before_the_mlp",
    "p_dev_and_test_exchanged",
    "p_params_of_text",
    "p_vanilla_below_the_bar_on_dev",
    "x_does_not_import",
)


def messages(court: Court, case: Case, graded_tests: Iterable[str]) -> str:
    """Title and text of every graded test that the case fails. Line numbers of the reference may change."""
    failed = [each for each in court.judge(case, graded_tests, "first").values() if each.failure]
    parts = [
        f"{each.graded_test.id}  {each.graded_test.title}\n{textwrap.indent(each.message, '    ')}\n" for each in failed
    ]
    return re.sub(r"\.py:\d+", ".py:N", "\n".join([f"# {case.about}\n", *parts]))


@pytest.mark.parametrize("name", TYPICAL)
def test_messages_are_the_golden_ones(court: Court, name: str) -> None:
    case = load(MUTANTS / f"{name}.toml")
    expect_golden(messages(court, case, case.fails), GOLDEN / f"{name}.txt")


def expect_golden(seen: str, golden: Path) -> None:
    if os.environ.get("REWRITE_MESSAGES"):
        golden.write_text(seen, encoding="utf-8")
    assert seen == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", load_all(MISTAKES), ids=lambda case: case.name)
def test_author_of_a_mistake_reads_what_it_is(court: Court, case: Case) -> None:
    basic = {each.id for each in catalogue.collect(manifest.load(), ("basic",))}
    optional = basic if set(OPTIONAL) & set(case.sources) else frozenset()
    reached = basic & code_graded_tests() | {each for each in optional if each.startswith("3")}
    seen = messages(court, case, reached)
    assert set(re.findall(r"^\S+-basic", seen, re.MULTILINE)) == case.fails
    expect_golden(seen, MISTAKES / f"{case.name}.txt")


@pytest.mark.parametrize(
    ("kind", "said", "hint"),
    [
        ("AssertionError", "Torch not compiled with CUDA enabled", "name no device"),
        (
            "RuntimeError",
            "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
            "name no device",
        ),
        ("NameError", "name 'F' is not defined", "from torch.nn import functional as F does so"),
        ("NameError", "name 'Foo' is not defined", "nothing has the name Foo there"),
        ("ValueError", "not enough values to unpack (expected 3, got 2)", "more or fewer parts than names"),
        ("TypeError", "cannot unpack non-iterable int object", "more or fewer parts than names"),
        ("TypeError", "new(): invalid data type 'str'", "a tensor holds numbers"),
    ],
)
def test_what_machines_and_versions_put_differently_is_told_alike(kind: str, said: str, hint: str) -> None:
    line = Frame("submission/model.py", 7, "forward", "")
    assert hint in advice.on_exception(RemoteError(kind, said, (line,)), "at submission/model.py:7 in forward")


def test_shapes_are_spoken_of_where_given_code_takes_a_tensor_apart() -> None:
    own, given = Frame("submission/model.py", 7, "forward", ""), Frame("submission/attention.py", 70, "forward", "")
    error = RemoteError("ValueError", "not enough values to unpack (expected 3, got 2)", (own, given))
    assert "two shapes do not fit" in advice.on_exception(error, "at submission/model.py:7 in forward")


def test_there_are_enough_mistakes_in_every_part() -> None:
    parts = Counter(case.name[0] for case in load_all(MISTAKES))
    assert parts.keys() == {"c", "e", "f", "g", "3"}
    assert min(parts.values()) >= 5
    assert parts.total() >= 40


@pytest.mark.parametrize("path", sorted(MISTAKES.glob("*.txt")), ids=lambda path: path.stem)
def test_no_message_sends_anyone_to_given_code_or_to_an_upload(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(attention|trainer|utils|__init__)\.py:N", text)
    assert "upload" not in text
    assert "course staff" not in text


def test_every_golden_file_is_used() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(TYPICAL)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_every_failure_says_something_and_hidden_ones_show_no_input(path: Path) -> None:
    for part in path.read_text(encoding="utf-8").split("\n\n")[1:]:
        title, _, text = part.partition("\n")
        assert "hint:" in text, title
        if "-hidden" in title and "expected:" in text:
            assert re.search(r"import|written|file|predictions|params|lines|right|time", text), title


def test_however_long_the_messages_are_the_sum_comes_last() -> None:
    loaded = manifest.load()
    graded_tests = catalogue.collect(loaded)
    extra_credit = [part.id for part in loaded.parts if part.extra_credit]
    results = Results.of(graded_tests, extra_credit=extra_credit, seed="abc")
    for graded_test in graded_tests:
        results.record(graded_test.id, Outcome.FAIL, "seen:     a long line\n" * 900)
    lines = as_text(results).splitlines()
    assert sum("a long line" in line for line in lines) == 900 * len(graded_tests)
    assert [line.split()[0] for line in lines[-3:]] == ["total", "extra", "seed"]


def test_one_seed_gives_the_same_message_again_and_another_another(court: Court, tmp_path: Path) -> None:
    upload = load(MUTANTS / "e_window_instead_of_prefix.toml").build(tmp_path / "upload")

    def seen(seed: str) -> str:
        return str(court.judge_upload(upload, ["1e-1-basic"], seed)["1e-1-basic"].failure)

    assert seen("a") == seen("a") != seen("b")
