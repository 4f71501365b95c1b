"""Corpora that exist, read in the layouts that people have them in."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import lzma
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.manifest import load
from harness.problems.translation.dataset import convert, render
from harness.problems.translation.dataset.corpus import english_words, french_words
from harness.problems.translation.dataset.heldout import Told
from harness.problems.translation.sentences import check_data
from harness.release import termdata

KEY = b"k" * 32
PRESET = {"train": 200, "dev": 20, "test": 20, "monolingual": 240, "longest": 14, "vector": 4}
LINES = [
    (f"L\u2019ami {a} n'aime pas les {b} chats.", f"The friend {a} doesn't like the {b} cats.")
    for a in range(25)
    for b in range(25)
]


def tab_separated(folder: Path, lines=LINES, end: str = "\n") -> Path:
    path = folder / "corpus.tsv"
    path.write_bytes("".join(f"{french}\t{english}{end}" for french, english in lines).encode())
    return path


def aligned(folder: Path, lines=LINES) -> Path:
    for at, language in enumerate(("fr", "en")):
        text = "".join(f"{line[at]}\n" for line in lines)
        (folder / f"corpus.{language}").write_text(text, encoding="utf-8")
    return folder


def test_each_layout_gives_the_same_six_files_and_they_are_a_terms_data(tmp_path):
    (tmp_path / "two").mkdir()
    first = render(convert(tab_separated(tmp_path), PRESET, KEY))
    folder = aligned(tmp_path / "two")
    for place in (folder, folder / "corpus", folder / "corpus.fr", folder / "corpus.en"):
        assert render(convert(place, PRESET, KEY)) == first
    assert render(convert(tab_separated(tmp_path, end="\r\n"), PRESET, KEY)) == first
    for name, content in first.items():
        (tmp_path / name).write_bytes(content)
    check_data(tmp_path)
    assert first["translation_train.tsv"].count(b"\n") == 200


def test_the_key_decides_what_test_holds(tmp_path):
    path = tab_separated(tmp_path)
    assert convert(path, PRESET, KEY).test != convert(path, PRESET, b"o" * 32).test


def test_sentences_are_split_as_generated_ones_are():
    assert french_words("L\u2019ami d'Anne n'a pas vu l'œuf aujourd'hui !") == [
        "l'", "ami", "d'", "anne", "n'", "a", "pas", "vu", "l'", "œuf", "aujourd'hui", "!",
    ]  # fmt: skip
    assert english_words("Marie's dog doesn't bark.") == ["marie", "'s", "dog", "doesn't", "bark", "."]
    assert french_words("e\u0301te\u0301") == ["été"]  # one Unicode form


def test_what_is_empty_too_long_or_there_already_is_left_out(tmp_path):
    extra = [("", "empty ."), ("vide .", ""), ("mot " * 15, "word ."), LINES[0], ("autre .", LINES[1][1])]
    with_more = tab_separated(tmp_path, [*LINES, *extra])
    data = convert(with_more, PRESET, KEY)
    assert render(data) == render(convert(tab_separated(tmp_path), PRESET, KEY))
    sides = [side for pair in (*data.train, *data.dev, *data.test) for side in pair.sides]
    assert len(set(sides)) == len(sides)
    assert all(0 < len(side.split()) <= 14 for side in sides)


def test_lines_that_tell_the_translation_of_a_test_sentence_are_left_out(tmp_path):
    parts = [(f"Les {b} chats.", f"The {b} cats.") for b in range(25)]
    data = convert(tab_separated(tmp_path, [*LINES, *parts]), {**PRESET, "test": 60}, KEY)
    assert any(pair.french.startswith("les") for pair in data.test)  # or this tests nothing
    told = Told((*data.train, *data.dev))
    assert not any(told.tells(pair) for pair in data.test)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sans tabulation", r"corpus\.tsv:3: expected French, one tab and English, found 0 tabs: 'sans tabulation'"),
        ("a\tb\tc", r"corpus\.tsv:3: expected French, one tab and English, found 2 tabs"),
    ],
)
def test_a_malformed_line_is_told_with_its_number(tmp_path, line, said):
    path = tab_separated(tmp_path)
    lines = path.read_text("utf-8").split("\n")
    path.write_text("\n".join([*lines[:2], line, *lines[2:]]), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        convert(path, PRESET, KEY)


def test_bytes_of_another_encoding_are_told_with_their_line(tmp_path):
    path = tab_separated(tmp_path)
    path.write_bytes(b"a\tb\n" + "été\tsummer\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"corpus\.tsv:2: is not UTF-8 text"):
        convert(path, PRESET, KEY)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_is_told_as_one(tmp_path, pack):
    path = tab_separated(tmp_path)
    path.write_bytes(pack(path.read_bytes()))
    with pytest.raises(UsageError, match=r"corpus\.tsv: is an archive; unpack it"):
        convert(path, PRESET, KEY)


def test_files_that_are_not_aligned_are_told(tmp_path):
    folder = aligned(tmp_path)
    (folder / "corpus.en").write_text("one\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"corpus\.en: has 1 lines, but corpus\.fr has 625"):
        convert(folder, PRESET, KEY)
    (folder / "corpus.en").unlink()
    with pytest.raises(UsageError, match=r"corpus\.en: is missing"):
        convert(folder, PRESET, KEY)


def test_a_folder_of_several_corpora_or_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="found none"):
        convert(tmp_path, PRESET, KEY)
    (tmp_path / "a.fr").touch()
    (tmp_path / "b.fr").touch()
    with pytest.raises(UsageError, match=r"found a\.fr, b\.fr"):
        convert(tmp_path, PRESET, KEY)
    with pytest.raises(UsageError, match=r"nowhere: no such corpus; expected a tab-separated file"):
        convert(tmp_path / "nowhere", PRESET, KEY)


def test_a_corpus_that_is_too_small_says_what_it_has_and_what_is_needed(tmp_path):
    path = tab_separated(tmp_path, LINES[:300])
    with pytest.raises(UsageError, match=r"holds 300 pairs of at most 14 words .* this preset needs 240, and 200"):
        convert(path, PRESET, KEY)


def test_the_command_makes_the_data_of_every_problem_and_that_of_translation_out_of_the_corpus(tmp_path):
    told = load()
    (off,) = (each for each in told.disabled if each.name == "translation")
    small = dataclasses.replace(off, enabled=True, presets={"laptop": PRESET, "full": PRESET})
    on = dataclasses.replace(told, problems=(*told.problems, small), disabled=())
    key = b"key of a test"
    files = termdata.generate(on, "laptop", key, tab_separated(tmp_path))
    assert set(files) == set(on.data_names())
    assert b"doesn't" in files["translation_train.tsv"]
    assert b"doesn't" not in termdata.generate(on, "laptop", key)["translation_train.tsv"]


def test_where_no_problem_takes_a_corpus_the_command_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"no problem that is on in .* makes its data out of a corpus"):
        termdata.generate(load(), "laptop", b"key of a test", tab_separated(tmp_path))
