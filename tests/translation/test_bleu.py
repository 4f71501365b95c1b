"""How predictions files of translations are read and scored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.assignment import Deliverable
from harness.classroom.reading import Line
from harness.grading.feedback import Failure
from harness.predictions import PredictionsError, parse
from harness.problems.translation import checks
from harness.problems.translation.bleu import Score, accuracies, fit, meets, score, shown
from harness.problems.translation.problem import PROBLEM
from harness.problems.translation.sentences import Gold, Pair

DEV = tuple(Pair(f"le chat {n} dort .", f"the cat {n} sleeps and the dog {n} runs .") for n in range(30))
TEST = tuple(Pair(f"la vache {n} rit .", f"the cow {n} laughs at the small bird {n} .") for n in range(30))
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0"


def right(pairs: tuple[Pair, ...]) -> list[str]:
    return [pair.english for pair in pairs]


def content(lines: list[str], end: str = "\n", last: str = "\n") -> bytes:
    return (end.join(lines) + last).encode()


@pytest.mark.parametrize(
    "data",
    [
        content(right(DEV)),
        content(right(DEV), last=""),
        content(right(DEV), end="\r\n", last="\r\n"),
        content(right(DEV), end=" \r\n", last=" \r\n"),
        b"\xef\xbb\xbf" + content(right(DEV)),
        content(right(DEV), last="\n\n \n"),
        content([line.replace(" ", "  ") for line in right(DEV)]),
        content([f"\t{line} " for line in right(DEV)]),
    ],
)
def test_line_ends_a_mark_and_surplus_spaces_do_not_count(data):
    found = score(parse(data), DEV)
    assert found == Score(1.0, SIGNATURE, 30, 30)


def test_bleu_is_that_of_sacrebleu_over_the_whole_file():
    from sacrebleu.metrics.bleu import BLEU

    lines = [line.replace("dog", "cat").replace("sleeps and", "sleeps") for line in right(DEV)]
    expected = BLEU(tokenize="none", force=True).corpus_score(lines, [right(DEV)]).score
    assert score(lines, DEV).bleu == pytest.approx(expected / 100)
    assert 0.2 < score(lines, DEV).bleu < 0.9


@pytest.mark.parametrize(
    "change", [str.upper, lambda line: line.replace(" .", "."), lambda line: line.replace("cat", "dog")]
)
def test_case_and_tokens_count(change):
    assert score([change(line) for line in right(DEV)], DEV).bleu < 1


def test_empty_translations_score_nothing_and_are_no_error():
    assert score(["", *right(DEV)[1:]], DEV).bleu < 1
    assert score(["x"] * 30, DEV).bleu == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "it is empty, expected 30 lines"),
        (right(DEV)[:20], "it has 20 lines, expected 30.*the evaluation may have stopped early"),
        ([*right(DEV)[:4], *right(DEV)[5:]], "one looks lost between lines 3 and 6"),
        ([*right(DEV)[:4], "the cat", "", *right(DEV)[5:]], "line 6 looks like the rest of the one before"),
        ([*right(DEV)[:-1], "a " * 401], "line 30 has 401 words, expected a translation of at most 400"),
    ],
)
def test_a_file_that_cannot_be_scored_says_where_and_what_was_expected(lines, said):
    with pytest.raises(PredictionsError, match=said):
        score(lines, DEV)


def test_nothing_of_secret_translations_is_told_by_a_wrong_count():
    lines = right(TEST)[1:]
    with pytest.raises(PredictionsError) as one:
        score(lines, TEST, secret=True)
    with pytest.raises(PredictionsError) as other:
        score(["x"] * 29, TEST, secret=True)
    assert str(one.value) == str(other.value)


@pytest.mark.parametrize(
    ("bleu", "threshold", "text", "reached"),
    [(0.29999, 0.3, "29.9", False), (0.3, 0.3, "30.0", True), (1.0, 1.0, "100.0", True), (0.0, 0.01, "0.0", False)],
)
def test_a_shown_figure_is_never_above_the_true_one(bleu, threshold, text, reached):
    found = Score(bleu, SIGNATURE, 0, 30)
    assert shown(found) == text
    assert meets(found, threshold) is reached


# --- graded tests -----------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, pairs in (("dev", DEV), ("test", TEST)):
        (folder / f"translation_{name}.tsv").write_text(
            "".join(f"{pair.french}\t{pair.english}\n" for pair in pairs), encoding="utf-8"
        )
    (folder / "translation_test_inputs.tsv").write_text("".join(f"{pair.french}\n" for pair in TEST), encoding="utf-8")
    return folder


class Uploaded:
    """What graded tests see of a student, for files alone."""

    def __init__(self, folder: Path, **files: list[str]) -> None:
        folder.mkdir(exist_ok=True)
        for split, lines in files.items():
            (folder / f"translation.scratch.{split}.predictions").write_bytes(content(lines))
        self.submission = SimpleNamespace(present={path.name: path for path in folder.iterdir()})

    def file(self, name: str) -> Path:
        return self.submission.present[name]


def judged(upload: Any, split: str, data: Path) -> tuple[Score | None, str, dict[str, Any]]:
    told: dict[str, Any] = {}
    try:
        return checks.judge(upload, f"translation.scratch.{split}.predictions", Gold(data), told), "", told
    except Failure as failure:
        return None, failure.seen, told


def test_staff_read_bleu_with_its_signature_and_a_share(data, tmp_path):
    found, _, told = judged(Uploaded(tmp_path / "up", dev=right(DEV)), "dev", data)
    assert found is not None
    assert told == {"bleu": 100.0, "share": 1.0, "exact": 30, "sentences": 30, "signature": SIGNATURE}
    assert Line("4c-1", "", 1.0, 1.0, "pass", "", told).share == 1.0


def test_of_exchanged_files_each_is_told(data, tmp_path):
    upload = Uploaded(tmp_path / "up", dev=right(TEST), test=right(DEV))
    for split, other in (("dev", "test"), ("test", "dev")):
        _, said, told = judged(upload, split, data)
        assert said.startswith(f"this looks like the {other} file")
        assert told["share"] == 0.0


def test_of_right_files_none_is_blamed(data, tmp_path):
    upload = Uploaded(tmp_path / "up", dev=right(DEV), test=right(TEST))
    assert [judged(upload, split, data)[1] for split in ("dev", "test")] == ["", ""]


def test_a_wrong_count_tells_where_on_dev_and_nothing_of_test(data, tmp_path):
    upload = Uploaded(tmp_path / "up", dev=right(DEV)[:12] + right(DEV)[13:], test=right(TEST)[:12] + right(TEST)[13:])
    assert "looks lost between lines" in judged(upload, "dev", data)[1]
    assert judged(upload, "test", data)[1].endswith("one answer for each question: run the evaluation again")


def test_bytes_that_are_no_text_fail_with_the_line(data, tmp_path):
    upload = Uploaded(tmp_path / "up", dev=right(DEV))
    path = upload.file("translation.scratch.dev.predictions")
    path.write_bytes(b"the cat\n\xff\n")
    assert judged(upload, "dev", data)[1] == "line 2 is not UTF-8 text: write the file with translate.py again"


def test_what_misses_the_threshold_tells_bleu_or_only_its_half():
    with pytest.raises(Failure) as exact:
        checks.expect_threshold(Score(0.2345, SIGNATURE, 0, 30), 0.4, "a.predictions", "train longer")
    assert (exact.value.expected, exact.value.seen) == (
        "a.predictions: a BLEU of at least 40",
        "a.predictions: BLEU 23.4",
    )
    with pytest.raises(Failure) as coarse:
        checks.expect_threshold(Score(0.2345, SIGNATURE, 0, 30), 0.4, "a.predictions", "train longer", exact=False)
    assert "23" not in coarse.value.seen
    assert "20 or more, but less than 40" in coarse.value.seen
    checks.expect_threshold(Score(0.4, SIGNATURE, 0, 30), 0.4, "a.predictions", "train longer")


# --- what the machinery asks ------------------------------------------------------------------------------------------

FILE = Deliverable(
    "translation.scratch.test.predictions",
    "predictions",
    command="translation_eval_test_scratch",
    answers="translation_test_inputs.tsv",
)


def test_an_upload_is_told_before_it_is_sent_that_a_file_has_the_wrong_length(data):
    assert PROBLEM.check_upload is not None
    assert PROBLEM.check_upload(FILE, content(right(TEST)), data) is None
    said = PROBLEM.check_upload(FILE, content(right(TEST)[:9]), data)
    assert said is not None
    assert "has 9 lines, but data/translation_test_inputs.tsv has 30 sentences" in said
    assert "UTF-16" in str(PROBLEM.check_upload(FILE, "a\n".encode("utf-16"), data))
    assert PROBLEM.check_upload(FILE, b"", data / "elsewhere") is None


def test_wrong_answers_are_told_by_their_line(data):
    assert PROBLEM.wrong_answers is not None
    lines = right(TEST)
    lines[3] = "the cow"
    read = PROBLEM.wrong_answers(FILE, data)
    assert read(content(lines)) == {3: "the cow"}
    assert read(content(lines[1:])) == {}


def test_the_bleu_of_an_upload_tells_whose_data_it_was_made_for(data, tmp_path):
    folder = tmp_path / "up"
    assert fit(tmp_path, data) is None
    Uploaded(folder, dev=["x"] * 30, test=right(TEST))
    assert fit(folder, data) == 1.0
    assert accuracies(folder, data) == {"translation.scratch.dev": 0.0, "translation.scratch.test": 1.0}
    (folder / "vanilla.pretrain.dev.predictions").write_bytes(b"London\n")  # another problem's
    assert set(accuracies(folder, data)) == {"translation.scratch.dev", "translation.scratch.test"}
    Uploaded(folder, dev=["x"] * 29, test=["y"] * 3)
    assert fit(folder, data) == 0.0


def test_another_problems_accuracies_leave_translations_alone(tmp_path):
    from harness.problems.birthplaces import answers

    for split in ("dev", "test"):
        (tmp_path / f"birth_{split}.tsv").write_text("Where was A B born?\tRome\n", encoding="utf-8")
    Uploaded(tmp_path, dev=right(DEV))
    (tmp_path / "vanilla.pretrain.dev.predictions").write_bytes(b"Rome\n")
    assert answers.accuracies(tmp_path, tmp_path) == {"vanilla.pretrain.dev": 1.0}
    (tmp_path / "vanilla.pretrain.dev.predictions").unlink()
    assert answers.fit(tmp_path, tmp_path) is None
