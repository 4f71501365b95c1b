"""The two datasets of the reference."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

PAD, MASK = "\u25a1", "\u2047"


def text(dataset: Any, tokens: Any) -> Any:
    return "".join(dataset.itos[int(token)] for token in tokens)


def pieces(dataset: Any, index: Any) -> Any:
    """One draw of item index: prefix, suffix, masked."""
    x, y = dataset[index]
    prefix, suffix, masked, pads = (text(dataset, x) + text(dataset, y[-1:])).split(MASK)
    assert set(pads) <= {PAD}
    return prefix, suffix, masked


LONG = "".join(chr(ord("a") + (7 * i + i // 26) % 26) for i in range(300))


def test_the_vocabulary_is_pad_mask_and_the_sorted_characters(submission: Any) -> None:
    dataset = submission.CharCorruptionDataset("ba\n\u00e9b", 32)
    assert dataset.stoi == {PAD: 0, MASK: 1, "\n": 2, "a": 3, "b": 4, "\u00e9": 5}
    assert dataset.vocab_size == 6
    assert dataset.data == ["ba", "\u00e9b"]


def test_x_and_y_are_one_sequence_a_step_apart(submission: Any, corpus: Any) -> None:
    dataset = submission.CharCorruptionDataset(corpus, 64)
    for index in range(len(dataset)):
        x, y = dataset[index]
        assert x.dtype == y.dtype == torch.long
        assert x.shape == y.shape == (63,)
        assert torch.equal(x[1:], y[:-1])


def test_the_pieces_are_the_beginning_of_the_document(submission: Any) -> None:
    dataset = submission.CharCorruptionDataset(LONG, 64)
    lengths = set()
    for _ in range(2000):
        prefix, suffix, masked = pieces(dataset, 0)
        kept = prefix + masked + suffix
        assert LONG.startswith(kept)
        assert masked
        lengths.add(len(kept))
    assert lengths == set(range(4, 57))
    assert dataset.data == [LONG]


def test_a_quarter_is_masked_on_average_at_every_length(submission: Any) -> None:
    """2,000 shares of standard deviation below 0.15: five standard errors are below 0.017."""
    for length in (4, 5, 7, 200):
        dataset = submission.CharCorruptionDataset(LONG[:length], 64)
        draws = [pieces(dataset, 0) for _ in range(2000)]
        shares = [len(masked) / len(prefix + suffix + masked) for prefix, suffix, masked in draws]
        assert abs(sum(shares) / len(shares) - 0.25) < 0.017, length


def test_short_documents_are_kept_whole_or_nearly(submission: Any) -> None:
    for document in ("a", "ab", "abc"):
        dataset = submission.CharCorruptionDataset(document, 32)
        for _ in range(50):
            prefix, suffix, masked = pieces(dataset, 0)
            assert prefix + masked + suffix == document


def test_draws_follow_the_seed_and_do_not_set_it(submission: Any) -> None:
    dataset = submission.CharCorruptionDataset(LONG, 64)
    random.seed(5)
    first = [text(dataset, dataset[0][0]) for _ in range(10)]
    random.seed(5)
    assert [text(dataset, dataset[0][0]) for _ in range(10)] == first
    assert len(set(first)) > 5


def test_a_name_is_taught_its_answer_and_nothing_else(submission: Any, corpus: Any, names: Any) -> None:
    dataset = submission.NameDataset(names, submission.CharCorruptionDataset(corpus, 48))
    assert len(dataset) == 5
    x, y = dataset[1]
    question = "Where was Bo Bell born?"
    assert text(dataset, x) == (question + MASK + "Lima" + MASK).ljust(47, PAD)
    assert text(dataset, y) == (PAD * (len(question) - 1) + MASK + "Lima" + MASK).ljust(47, PAD)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("Where was Ada Arden born?\tOslo\nWhere was Bo Bell born? Lima", "line 2 .* one tab"),
        ("Where was Ada Arden born?\tOslo\n\nWhere was Bo Bell born?\tLima", "line 2 .* one tab"),
        ("Where was Zoe born?\tOslo", "line 1 .*'Z'"),
        ("Where was Ada Arden Ada Arden Ada Arden born?\tOslo", "line 1 .*48 tokens"),
    ],
)
def test_an_unusable_line_of_names_is_named(submission: Any, corpus: Any, data: Any, sentence: Any) -> None:
    with pytest.raises(ValueError, match=sentence):
        submission.NameDataset(data, submission.CharCorruptionDataset(corpus, 48))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [("one\n\nthree", "line 2 .*empty"), ("one\ntwo" + MASK, "line 2 .*MASK"), (PAD, "line 1 .*PAD")],
)
def test_an_unusable_text_is_refused_with_the_line(submission: Any, data: Any, sentence: Any) -> None:
    with pytest.raises(ValueError, match=sentence):
        submission.CharCorruptionDataset(data, 48)


def test_samples_without_data_say_what_is_missing(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "src" / "submission"
    folder.mkdir(parents=True)
    (folder / "dataset.py").write_bytes((source / "submission" / "dataset.py").read_bytes())

    def run(kind: Any) -> Any:
        command = [sys.executable, "dataset.py", kind]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    result = run("charcorruption")
    assert result.returncode == 1
    assert "wiki.txt does not exist" in result.stderr
    assert "Traceback" not in result.stderr

    (tmp_path / "src" / "data").mkdir()
    (tmp_path / "src" / "data" / "wiki.txt").write_text("Ada Arden was born in Oslo.\n", encoding="utf-8")
    result = run("charcorruption")
    assert result.returncode == 0
    assert [line[:3] for line in result.stdout.splitlines()] == ["x: ", "y: "]
