"""The six files of a generated dataset: their formats, what is held out, and that they follow from the key alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.manifest import load
from harness.problems.translation.dataset import NAMES, Dataset, files, generate
from harness.problems.translation.dataset.generate import checked, finished
from harness.problems.translation.dataset.heldout import Told
from harness.problems.translation.dataset.vectors import word_vectors
from harness.problems.translation.problem import PROBLEM
from harness.problems.translation.sentences import Gold, Pair, check_data, load_pairs, load_sentences, load_vectors
from harness.release.leaks.artefacts import Piece
from harness.release.leaks.rules import Reading
from harness.release.leaks.secretrules import Answers
from tests.translation.baselines import bleus, preset

KEY = b"k" * 32
SMALL = {"train": 400, "dev": 30, "test": 30, "monolingual": 400, "longest": 14, "vector": 8}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return generate(preset(), KEY)


@pytest.fixture(scope="module")
def folder(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    for name, content in files.render(dataset).items():
        (place / name).write_bytes(content)
    return place


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    return tmp_path


def test_files_are_those_that_the_manifest_names():
    assignment = load()
    entry = next(each for each in (*assignment.problems, *assignment.disabled) if each.name == "translation")
    assert set(NAMES) == {each.name for each in entry.data}


def test_sizes_are_the_presets(folder):
    lines = {name: len((folder / name).read_bytes().decode().split("\n")) - 1 for name in NAMES}
    assert [lines[name] for name in NAMES[:5]] == [3000, 240, 240, 240, 8000]


def test_equal_keys_give_equal_bytes_and_another_key_another_test(folder):
    assert PROBLEM.generate is not None
    again = PROBLEM.generate(preset(), KEY)
    assert again == {name: (folder / name).read_bytes() for name in NAMES}
    other = PROBLEM.generate(SMALL, b"o" * 32)
    mine = PROBLEM.generate(SMALL, KEY)
    assert all(other[name] != mine[name] for name in NAMES)


def test_what_test_holds_does_not_move_with_the_monolingual_text():
    longer = generate({**SMALL, "monolingual": 500}, KEY)
    assert longer.test == generate(SMALL, KEY).test


def test_no_sentence_of_test_or_dev_stands_anywhere_else(dataset):
    for held, others in ((dataset.test, (*dataset.train, *dataset.dev)), (dataset.dev, dataset.train)):
        known = {side for pair in others for side in pair.sides} | set(dataset.monolingual)
        assert not any(side in known for pair in held for side in pair.sides)


def test_no_line_that_students_have_tells_the_translation_of_a_test_sentence(dataset):
    told = Told((*dataset.train, *dataset.dev))
    assert not any(told.tells(pair) for pair in dataset.test)


def test_a_releases_leak_check_finds_nothing_in_the_files_of_students_but_what_is_put_there(folder):
    contents = {name: (folder / name).read_bytes() for name in NAMES}
    rule = Answers(contents.pop("translation_test.tsv"), frozenset())
    for name, content in contents.items():
        assert list(rule.look(Reading(Piece(name, name, content)))) == []
    test = load_pairs(folder / "translation_test.tsv")[7]
    train = contents["translation_train.tsv"] + f"hier , {test.french}\tyesterday , {test.english}\n".encode()
    assert len(list(rule.look(Reading(Piece("train", "train", train))))) == 1


def test_a_pair_is_told_by_a_line_that_has_both_its_sides_whole():
    told = Told([Pair("oui .", "yes ."), Pair("hier , il dort avec paul .", "yesterday , he sleeps with paul .")])
    assert list(told.telling(Pair("il dort .", "he sleeps ."))) == [1]
    for other in (
        Pair("il dort .", "he slept ."),
        Pair("il dor .", "he sleeps ."),
        Pair("il paul .", "he sleeps ."),
        Pair("he sleeps .", "il dort ."),
    ):
        assert not told.tells(other)


def test_what_a_line_of_train_tells_is_not_held_out(monkeypatch):
    lines = [Pair(f"il dort {n} fois avec paul .", f"he sleeps {n} times with paul .") for n in range(200)]
    told = [Pair(f"il dort {n} fois .", f"he sleeps {n} times .") for n in range(60)]
    other = [Pair(f"paul dort {n} fois .", f"paul sleeps {n} times .") for n in range(200)]
    more = [Pair(f"paul avec {n} fois .", f"paul with {n} times .") for n in range(200)]
    drawn = iter([*lines, *told, *other, *more])
    monkeypatch.setattr(sys.modules[checked.__module__], "sentence", lambda _: next(drawn))
    made = generate({**SMALL, "train": 200, "monolingual": 200, "vector": 2}, KEY)
    assert made.dev == tuple(other[:30])
    assert made.test == tuple(other[31:61])  # the draw behind the last of dev is not kept


def test_test_and_dev_are_of_words_that_train_teaches(dataset):
    taught = {word for pair in dataset.train for word in pair.words}
    assert all(taught.issuperset(pair.words) for pair in (*dataset.dev, *dataset.test))


def test_sentences_are_words_between_single_spaces_and_no_longer_than_the_preset_says(dataset):
    for pair in (*dataset.train, *dataset.dev, *dataset.test):
        for side in pair.sides:
            assert side == " ".join(side.split())
            assert len(side.split()) <= 14


def test_monolingual_text_holds_one_side_of_each_pair():
    pairs = [Pair(f"mot {number}", f"word {number}") for number in range(40)]
    made = finished((), (), (), pairs, checked({**SMALL, "vector": 2}), KEY)
    assert len(made.monolingual) == len(pairs)
    assert sorted(int(line.split()[1]) for line in made.monolingual) == list(range(40))
    assert {line.split()[0] for line in made.monolingual} == {"mot", "word"}
    assert "word" not in made.vectors


def test_the_vocabulary_is_some_hundreds_of_words(dataset):
    french = {word for pair in dataset.train for word in pair.french.split()}
    english = {word for pair in dataset.train for word in pair.english.split()}
    assert 700 < len(french) < 1300
    assert 400 < len(english) < 800


def test_what_understands_nothing_translates_badly(dataset):
    found = bleus(dataset)
    assert found["copying"] < 1
    assert found["bag of words"] < 20
    assert found["nearest of train"] < 20
    assert found["dictionary"] < 33


# --- vectors ----------------------------------------------------------------------------------------------------------


def near(vectors, first: str, second: str) -> float:
    one, other = np.array(vectors[first]), np.array(vectors[second])
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_vectors_are_of_french_words_and_of_the_width_that_the_preset_says(dataset, folder):
    vectors = load_vectors(folder / "translation_vectors.txt")
    assert {len(vector) for vector in vectors.values()} == {32}
    heads = [line.split()[0] for line in (folder / "translation_vectors.txt").read_text("utf-8").splitlines()[1:]]
    assert heads == list(vectors)
    french = {word for pair in dataset.train for word in pair.french.split()}
    assert len(french & vectors.keys()) > 0.8 * len(french)  # the others are the students' to treat as missing
    assert "the" not in vectors


def test_words_that_are_used_alike_have_vectors_alike(folder):
    vectors = load_vectors(folder / "translation_vectors.txt")
    assert near(vectors, "lait", "thé") > near(vectors, "lait", "robe") + 0.2
    assert near(vectors, "mange", "mangent") > near(vectors, "mange", "lettre") + 0.2
    assert near(vectors, "noire", "blanche") > near(vectors, "noire", "il") + 0.2


def test_vectors_of_equal_text_are_equal_and_their_mean_length_is_one(dataset):
    again = word_vectors(["a b c", "b c d", "c d a"], 2)
    assert all(
        np.array_equal(again[word], vector) for word, vector in word_vectors(["a b c", "b c d", "c d a"], 2).items()
    )
    assert np.mean([np.linalg.norm(vector) for vector in dataset.vectors.values()]) == pytest.approx(1)


# --- presets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": 10}, "train = 10: at least 200 is needed"),
        ({"dev": "many"}, "dev = 'many': a whole number is needed"),
        ({"test": True}, "test = True: a whole number is needed"),
        ({"words": 3}, "'words' is unknown"),
        ({"vector": 5000}, "vector = 5000: its text has"),
    ],
)
def test_a_preset_that_cannot_be_is_refused_with_a_sentence(change, said):
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        generate({**SMALL, **change}, KEY)


def test_a_preset_that_lacks_a_number_is_refused():
    with pytest.raises(UsageError, match="'longest' is missing"):
        generate({name: value for name, value in SMALL.items() if name != "longest"}, KEY)


def test_a_grammar_with_too_few_sentences_is_refused_and_not_waited_for(monkeypatch):
    module = sys.modules[checked.__module__]  # the package has a function of its name
    monkeypatch.setattr(module, "sentence", lambda _: Pair("oui .", "yes ."))
    with pytest.raises(UsageError, match=r"train = 400: the grammar has too few sentences of 14 words"):
        generate(SMALL, KEY)


# --- data that staff drop in ------------------------------------------------------------------------------------------


def test_generated_data_is_complete_and_consistent(folder):
    check_data(folder)
    assert len(Gold(folder).monolingual) == 8000


def rewrite(path: Path, change) -> None:
    path.write_text("\n".join(change(path.read_text("utf-8").split("\n"))), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "translation_train.tsv",
            lambda lines: ["sans tabulation", *lines],
            r"train\.tsv:1: no tab; expected a French",
        ),
        ("translation_train.tsv", lambda lines: [lines[0], "a\tb\tc", *lines[1:]], r"train\.tsv:2: 2 tabs; expected"),
        ("translation_dev.tsv", lambda lines: ["a\t", *lines], r"dev\.tsv:1: its English side is empty"),
        (
            "translation_dev.tsv",
            lambda lines: ["a  b\tc", *lines],
            r"dev\.tsv:1: its French side is 'a  b'; expected words",
        ),
        ("translation_test_inputs.tsv", lambda lines: lines[1:], r"test\.tsv has 240 lines and .*inputs\.tsv 239"),
        (
            "translation_test_inputs.tsv",
            lambda lines: [lines[1], lines[0], *lines[2:]],
            r"inputs\.tsv:1: is .* but translation_test\.tsv translates",
        ),
        ("translation_monolingual.txt", lambda lines: ["un\tone", *lines], r"monolingual\.txt:1: holds a tab"),
        ("translation_monolingual.txt", lambda lines: ["", *lines], r"monolingual\.txt:1: the line is empty"),
        ("translation_vectors.txt", lambda lines: lines[1:], r"vectors\.txt:1: .* expected how many words"),
        ("translation_vectors.txt", lambda lines: [lines[0], *lines[2:]], r"vectors\.txt: has \d+ vectors, but"),
        (
            "translation_vectors.txt",
            lambda lines: [lines[0], lines[1].replace(" ", " x", 1), *lines[2:]],
            r"vectors\.txt:2: could not convert .*; expected a word and 32 numbers",
        ),
        (
            "translation_vectors.txt",
            lambda lines: [lines[0], f"{lines[1]} 0.5", *lines[2:]],
            r"vectors\.txt:2: expected a word and 32 finite numbers, found 33 numbers",
        ),
        (
            "translation_vectors.txt",
            lambda lines: [lines[0], lines[1], lines[1], *lines[3:]],
            r"vectors\.txt:3: the word",
        ),
    ],
)
def test_malformed_data_is_told_with_file_and_line(copy, name, change, said):
    rewrite(copy / name, change)
    with pytest.raises(UsageError, match=said):
        check_data(copy)


def test_a_test_sentence_that_students_have_is_told_whatever_file_and_language_it_stands_in(copy):
    test = load_pairs(copy / "translation_test.tsv")
    for name, line in (
        ("translation_train.tsv", f"autre .\t{test[4].english}"),
        ("translation_dev.tsv", f"{test[4].french}\tother ."),
        ("translation_monolingual.txt", test[4].english),
    ):
        before = (copy / name).read_bytes()
        rewrite(copy / name, lambda lines, line=line: [line, *lines])
        with pytest.raises(UsageError, match=r"translation_test\.tsv:5: .* hold the sentences of test out"):
            check_data(copy)
        (copy / name).write_bytes(before)


def test_files_of_windows_are_read_as_they_are_meant(copy):
    for name in NAMES:
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    check_data(copy)
    assert not any(line.endswith("\r") for line in load_sentences(copy / "translation_monolingual.txt"))


def test_a_missing_file_is_named(copy):
    (copy / "translation_dev.tsv").unlink()
    with pytest.raises(UsageError, match=r"translation_dev\.tsv: cannot be read \(No such file or directory\)"):
        check_data(copy)
