"""How predictions files are read and scored, on made and on real ones."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.assignment import ROOT
from harness.predictions import PredictionsError, of_another_split, parse, wrong_lines
from harness.problems.birthplaces.answers import Score, meets, needed, percent, places_of, score
from harness.problems.birthplaces.questions import Question, load_gold

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")
PLACES = ["Rome", "São Paulo", "Lagos", "Oslo", "Lima", "Quito", "Bern", "Kyiv", "Perth", "Xi'an"]


def gold_of(places: list[str]) -> tuple[Question, ...]:
    return tuple(Question(f"Where was Person {number} born?", place) for number, place in enumerate(places))


GOLD = gold_of(PLACES)
LONG = gold_of([f"{place} {number % 37}" for number, place in enumerate(PLACES * 40)])


def file_of(places: list[str], end: str = "\n", last: str = "\n") -> bytes:
    return (end.join(places) + last).encode()


@pytest.mark.parametrize(
    "data",
    [
        file_of(PLACES),
        file_of(PLACES, last=""),
        file_of(PLACES, end="\r\n", last="\r\n"),
        file_of(PLACES, end="\r\n", last=""),
        file_of(PLACES, end="\r\r\n"),
        b"\xef\xbb\xbf" + file_of(PLACES),
        file_of(PLACES, last="\n\n\n"),
        file_of(PLACES, end="\r\n", last="\r\n\r\n \r\n"),
    ],
)
def test_line_ends_a_mark_and_blank_lines_at_the_end_are_forgiven(data):
    assert score(parse(data), GOLD) == Score(10, 10)


@pytest.mark.parametrize(
    "wrong",
    [
        "rome",
        " Rome",
        "□Rome",
        "Rome□.",
        "Rome\0",
        "\ufeffRome",
        "Rome\u2028",
        "Rom",
        "",
        "Rome\r.",
    ],
)
def test_nothing_else_is_forgiven(wrong):
    assert score(parse(file_of(["x", wrong, *PLACES[2:]])), gold_of(["Lima", "Rome", *PLACES[2:]])) == Score(8, 10)


@pytest.mark.parametrize("behind", [" ", "\t", "□", "□□□□", " □ \t"])
def test_spaces_and_pads_behind_an_answer_are_forgiven(behind):
    """In the file and in the answers of data that staff brought."""
    lines = parse(file_of([f"Rome{behind}", *PLACES[1:]]))
    assert score(lines, gold_of(["Rome", *PLACES[1:]])) == Score(10, 10)
    assert score(("Rome",), gold_of([f"Rome{behind}"])) == Score(1, 1)
    assert wrong_lines(file_of([f"Rome{behind}", "x"]), ["Rome", "Oslo"]) == {1: "x"}


def test_unicode_forms_are_told_apart():
    assert score(("Sa\u0303o Paulo",), gold_of(["São Paulo"])) == Score(0, 1)


def test_only_a_line_feed_ends_a_line():
    odd = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh\0i"
    assert parse(file_of([odd, "b"])) == (odd, "b")


def test_an_empty_prediction_is_a_line():
    assert parse(b"\n\nOslo\n\n") == ("", "", "Oslo", "")
    assert score(parse(b"\n\n\nOslo\nLima\n\n\n\n\n\n"), GOLD) == Score(2, 10)


@pytest.mark.parametrize(
    ("data", "line"), [(b"\xff", 1), (b"a\nb\n\xe4\n", 3), (b"\xef\xbb\xbfa\n\x80", 2), (b"a\n\xed\xa0\x80", 2)]
)
def test_text_that_is_not_utf8_is_a_sentence_with_the_line(data, line):
    with pytest.raises(PredictionsError, match=rf"^line {line} is not UTF-8 text: write the file with run\.py again$"):
        parse(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16_is_recognised(encoding):
    data = "\ufeffRome\nOslo\n".encode(encoding).replace(b"\xff\xfe\xff\xfe", b"\xff\xfe")
    with pytest.raises(PredictionsError, match="UTF-16"):
        parse(data)


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"  \n"])
def test_an_empty_file_is_a_sentence(data):
    with pytest.raises(PredictionsError, match=r"^it is empty, expected 10 lines, one answer for each question"):
        score(parse(data), GOLD)


def problem_with(lines: list[str], gold: tuple[Question, ...] = LONG) -> str:
    with pytest.raises(PredictionsError) as caught:
        score(lines, gold)
    return str(caught.value)


def answers(right_every: int = 4) -> list[str]:
    return [question.place if number % right_every == 0 else "Nowhere" for number, question in enumerate(LONG)]


def test_a_wrong_count_gives_both_numbers():
    assert problem_with(["x"] * 406) == "it has 406 lines, expected 400, one answer for each question"
    assert problem_with(["x"] * 4).startswith(
        "it has 4 lines, expected 400, one answer for each question; the evaluation may"
    )


def test_a_split_prediction_is_found_by_the_answers_around_it():
    lines = answers()
    lines[202:203] = ["Now", "here"]
    assert "a prediction looks split between lines 197 and 210, as where an answer holds a line break" in problem_with(
        lines
    )


def test_a_lost_line_is_found_by_the_answers_around_it():
    lines = answers()
    del lines[202]
    assert "one looks lost between lines 197 and 208: run" in problem_with(lines)


def test_a_blank_line_in_the_middle_is_named():
    lines = answers(right_every=1000)
    lines[101:102] = ["Now", ""]
    assert "; line 103 looks like the rest of the one before, as where" in problem_with(lines)


def test_a_sentence_is_named():
    lines = answers(right_every=1000)
    lines[101:102] = ["Now " * 20, "where"]
    assert "; line 103 looks like the rest of the one before, as where" in problem_with(lines)


def test_a_file_that_stops_early_is_not_said_to_be_shifted():
    assert problem_with(answers()[:399]).endswith("the evaluation may have stopped early: run it again")


def attempt(action: Callable[[], Found]) -> tuple[Found | None, str]:
    """What the action returns, or the sentence that it raises."""
    try:
        return action(), ""
    except PredictionsError as problem:
        return None, str(problem)


@given(st.lists(st.sampled_from([*PLACES, "", "x" * 50]), max_size=30), st.lists(st.sampled_from(PLACES), max_size=12))
def test_any_lines_give_a_score_or_a_sentence(lines, places):
    gold = gold_of(places)
    found, sentence = attempt(lambda: score(lines, gold))
    if found is None:
        assert len(lines) != len(gold)
        assert "\n" not in sentence
        assert str(len(gold)) in sentence
    else:
        assert found.correct == sum(line == place for line, place in zip(lines, places, strict=False))
        assert found.total == len(gold)


@given(st.binary(max_size=300))
def test_any_bytes_give_lines_or_a_sentence(data):
    lines, sentence = attempt(lambda: parse(data))
    if lines is None:
        assert "UTF-" in sentence
        return
    assert not any("\n" in line or line.endswith("\r") for line in lines)
    assert parse("".join(f"{line}\n" for line in lines).encode()) == lines or data.startswith(b"\xef\xbb\xbf" * 2)


# --- thresholds -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2000), st.integers(1, 2000), st.integers(0, 100))
def test_verdict_and_printed_figure_agree_at_every_bar(correct, total, threshold):
    found = Score(min(correct, total), total)
    reached = meets(found, threshold / 100)
    assert reached == (100 * found.correct >= threshold * total)
    assert reached == (Fraction(percent(found).removesuffix("%")) >= threshold)
    assert needed(total, threshold / 100) == math.ceil(Fraction(threshold * total, 100))


@pytest.mark.parametrize(
    ("correct", "total", "threshold", "text", "verdict"),
    [
        (49, 500, 0.10, "9.8%", False),
        (50, 500, 0.10, "10.0%", True),
        (43, 437, 0.10, "9.8%", False),
        (44, 437, 0.10, "10.0%", True),
        (9999, 100_000, 0.10, "9.9%", False),
        (30, 300, 0.10, "10.0%", True),
        (18, 300, 0.06, "6.0%", True),
        (17, 300, 0.06, "5.6%", False),
        (26, 437, 0.06, "5.9%", False),
        (27, 437, 0.06, "6.1%", True),
        (500, 500, 1.0, "100.0%", True),
        (0, 0, 0.1, "0.0%", False),
        (0, 0, 0.0, "0.0%", False),
    ],
)
def test_near_the_bars(correct, total, threshold, text, verdict):
    assert percent(Score(correct, total)) == text
    assert meets(Score(correct, total), threshold) is verdict


def test_accuracy_is_a_fraction():
    assert Score(1, 4).accuracy == 0.25
    assert Score(0, 0).accuracy == 0.0


# --- two files --------------------------------------------------------------------------------------------------------


def test_a_file_of_the_other_splits_length_looks_like_it():
    dev, test = places_of(LONG[:300]), LONG[:250]
    said = "this looks like the test file: run the evaluation again, with an outputs path of its own"
    assert of_another_split("dev", ["x"] * 250, [], dev, len(test)) == said
    assert of_another_split("dev", [*["x"] * 250, "", ""], [], dev, len(test)) == said
    assert of_another_split("test", ["x"] * 300, [], dev, len(test)) == said.replace("test", "dev")
    for lines in (["x"] * 300, ["x"] * 200, [""] * 250, []):
        assert of_another_split("dev", lines, [], dev, len(test)) is None


def test_nothing_of_secret_answers_is_told_by_a_wrong_count():
    right = [question.place for question in LONG]
    for lines in ([*right[:50], "", *right[50:]], [*right[:90], *right[91:]]):
        with pytest.raises(PredictionsError) as problem:
            score(lines, LONG, secret=True)
        with pytest.raises(PredictionsError) as other:
            score(["x"] * len(lines), LONG, secret=True)
        assert str(problem.value) == str(other.value)
        assert str(len(lines)) in str(problem.value)


def test_a_file_of_the_other_split_is_told_by_its_answers():
    dev, test = places_of(LONG[:200]), LONG[200:]
    for_dev, for_test = answers()[:200], answers()[200:]
    assert of_another_split("dev", for_test, for_dev, dev, len(test)) is not None
    assert of_another_split("test", for_dev, for_test, dev, len(test)) is not None
    assert of_another_split("dev", for_dev, for_test, dev, len(test)) is None
    assert of_another_split("test", for_test, for_dev, dev, len(test)) is None
    for split, same in (("dev", ["x"] * 200), ("test", ["x"] * 200), ("test", ["Rome 0"] * 200)):
        assert of_another_split(split, same, same, dev, len(test)) is None


def test_of_two_equal_files_only_the_copy_is_blamed():
    dev, test = places_of(LONG[:200]), LONG[200:]
    for_dev, for_test, weak = answers()[:200], answers()[200:], [answers()[200], *["x"] * 199]
    for lines, copy, right in ((for_test, "dev", "test"), (weak, "dev", "test"), (for_dev, "test", "dev")):
        assert of_another_split(copy, lines, lines, dev, len(test)) is not None
        assert of_another_split(right, lines, lines, dev, len(test)) is None


# --- real files, where they are at hand -------------------------------------------------------------------------------

SHARED = ROOT.parent / "shared" / "data"


@pytest.mark.skipif(not (SHARED / "predictions" / "INDEX.tsv").exists(), reason="the real dataset is not at hand")
def test_real_files_have_their_true_counts():
    gold = {split: load_gold(SHARED / "course" / f"birth_{split}.tsv") for split in ("dev", "test")}
    rows = [row.split("\t") for row in (SHARED / "predictions" / "INDEX.tsv").read_text("utf-8").splitlines()[1:]]
    for name, split, lines, correct, *_ in rows:
        predicted = parse((SHARED / "predictions" / name).read_bytes())
        assert len(predicted) == int(lines), name
        if correct == "-":
            for questions in gold.values():
                with pytest.raises(PredictionsError, match=f"^it has {lines} lines, expected {len(questions)}, "):
                    score(predicted, questions)
        else:
            assert score(predicted, gold[split.rstrip("?")]).correct == int(correct), name
    assert len(rows) >= 12


def test_reading_needs_neither_torch_nor_numpy():
    code = "import sys, harness.problems.birthplaces.answers, harness.intake.staging; print({'torch', 'numpy'} & set(sys.modules))"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], cwd=Path(ROOT), capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
