"""Whole grades of problem 4, as Gradescope runs them: right work, and predictions files that were made to break them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.manifest import PROFILE_VARIABLE, load
from tests.conftest import REFERENCE_CODE

WINTER = ROOT / "profiles" / "winter.toml"
TOLD = load(ROOT / "assignment.toml", WINTER)
SENTENCES = int(TOLD.problem("translation").presets["laptop"]["test"])

SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:2.6.0"

#: The graded test that reads each of three predictions files, and no other one.
READS = {"scratch.dev": "4c-1-basic", "scratch.test": "4c-6-hidden", "finetune.test": "4c-7-hidden"}

Text = Callable[[list[str]], bytes]


def joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def at_line(number: int, content: bytes) -> Text:
    """The honest file with other bytes in one line."""
    return lambda lines: joined(lines[: number - 1]) + content + b"\n" + joined(lines[number:])


#: What may have become of the honest lines, by upload and file; and what the student must read of it (nothing: it counts).
HOSTILE: dict[str, dict[str, tuple[Text, str]]] = {
    "cut, too long, not UTF-8": {
        "scratch.dev": (lambda lines: joined(lines[:-3]), f"it has {SENTENCES - 3} lines, expected {SENTENCES}"),
        "scratch.test": (at_line(7, b"a " * 400_000), "line 7 has 400000 words, expected a translation of at most 400"),
        "finetune.test": (at_line(5, b"the \xc3\x28 sleeps ."), "line 5 is not UTF-8 text"),
    },
    "binary, one word, a lone surrogate": {
        "scratch.dev": (lambda _: b"PK\x03\x04\x00\x80\xff" * 5000, "line 1 is not UTF-8 text"),
        "scratch.test": (lambda _: joined(["a" * 300_000] * 3 + [""] * (SENTENCES - 3)), "a BLEU of less than 20"),
        "finetune.test": (lambda lines: joined([*lines[:-1], "\ud800"]), f"line {SENTENCES} is not UTF-8 text"),
    },
    "what confuses those who split and format": {
        "scratch.dev": (lambda _: joined(["\x00\x1b[2J {0} %s \\ \u202e"] * SENTENCES), "BLEU 0.0"),
        "scratch.test": (lambda lines: joined([line.replace(" ", "\x0b\x85\u2028 \x1c") for line in lines]), ""),
        "finetune.test": (lambda _: joined([" \t\u3000"] * SENTENCES), "a BLEU of less than 25"),
    },
    "the wrong encoding, too large, nothing": {
        "scratch.dev": (lambda lines: "\n".join(lines).encode("utf-16"), "it is UTF-16, expected UTF-8"),
        "scratch.test": (lambda lines: joined(lines * 200), "more than the 1 MiB that are read"),
        "finetune.test": (lambda _: b"", f"it is empty, expected {SENTENCES} lines"),
    },
}


def file_of(model: str) -> str:
    return f"translation.{model}.predictions"


@pytest.fixture
def upload(translated_upload: Path, tmp_path: Path) -> Path:
    """All that the profile asks for."""
    made = shutil.copytree(translated_upload, tmp_path / "upload")
    (made / "translation.encoder.params").unlink()
    shutil.copyfile(REFERENCE_CODE / "attention_exploration.py", made / "attention_exploration.py")
    assert {path.name for path in made.iterdir()} == TOLD.uploads_by_name.keys()
    return made


def grade(upload: Path, data: Path, *extra: str) -> dict[str, dict[str, Any]]:
    """The graded tests of results.json by their IDs. AssertionError where the grade has a fault of its own."""
    results = upload.with_name("results.json")
    done = subprocess.run(
        [sys.executable, "-m", "harness", "grade", str(upload), "--data", str(data), "--results", str(results), *extra],
        cwd=ROOT,
        env={**os.environ, PROFILE_VARIABLE: str(WINTER)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(results.read_text(encoding="utf-8"))
    assert document["extra_data"]["internal_error"] is False
    return {test["number"]: test for test in document["tests"]}


def wrong(tests: dict[str, dict[str, Any]]) -> set[str]:
    assert {test["extra_data"]["outcome"] for test in tests.values()} <= {"pass", "fail"}
    return {name for name, test in tests.items() if test["extra_data"]["outcome"] == "fail"}


def test_right_work_earns_every_point(upload: Path, translation_data: Path) -> None:
    tests = grade(upload, translation_data)
    assert wrong(tests) == set(), [tests[name]["output"] for name in wrong(tests)]
    assert sum(test["score"] for test in tests.values()) == TOLD.points == 30
    dev, test = tests["4c-1-basic"]["extra_data"], tests["4c-6-hidden"]["extra_data"]
    for told in (dev["scratch"], dev["finetune"], test, tests["4c-7-hidden"]["extra_data"]):
        assert (told["signature"], told["sentences"]) == (SIGNATURE, SENTENCES)
        assert told["share"] == pytest.approx(told["bleu"] / 100, abs=1e-4)


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_predictions_cost_their_own_graded_tests(upload: Path, translation_data: Path, what: str) -> None:
    for model, (text, _) in HOSTILE[what].items():
        path = upload / file_of(model)
        path.write_bytes(text(path.read_text(encoding="utf-8").splitlines()))
    tests = grade(upload, translation_data, "--only", "4c")
    told = {READS[model]: (file_of(model), said) for model, (_, said) in HOSTILE[what].items() if said}
    assert wrong(tests) == told.keys()
    for name, (file, said) in told.items():
        assert file in tests[name]["output"]
        assert said in tests[name]["output"]
        assert tests[name]["score"] == 0
        assert len(tests[name]["output"]) < 2000


def links(upload: Path, place: Path, data: Path) -> Iterator[Path]:
    """The upload with one file that is a link to the answers, as a folder and as a zip."""
    path = upload / file_of("scratch.test")
    path.unlink()
    path.symlink_to(data / "translation_test.tsv")
    yield upload
    with zipfile.ZipFile(place / "upload.zip", "w") as archive:
        for each in upload.iterdir():
            if not each.is_symlink():
                archive.write(each, each.name)
        entry = zipfile.ZipInfo(path.name)
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, str(data / "translation_test.tsv"))
    yield place / "upload.zip"


def test_predictions_that_are_a_link_are_missing(upload: Path, translation_data: Path, tmp_path: Path) -> None:
    for made in links(upload, tmp_path, translation_data):
        test = grade(made, translation_data, "--only", "4c-6-hidden")["4c-6-hidden"]
        assert (test["score"], test["extra_data"]["outcome"]) == (0, "fail")
        assert file_of("scratch.test") in test["output"]
        assert "link" in test["output"]
