"""Code files as editors and shells save them: what Python cannot decode is named, and what is too new for the grader."""

from __future__ import annotations

import sys

import pytest

from harness.intake.source import GRADING_PYTHON, too_new, unreadable

TEXT = "# größe\nx = 1\n"

UNREADABLE = [
    (TEXT.encode("utf-16"), "is UTF-16 text, which Python does not read; save it as UTF-8"),
    (TEXT.encode("utf-16-be"), "has a zero byte in line 1, as UTF-16 text"),
    (b"\xfe\xff" + TEXT.encode("utf-16-be"), "is UTF-16 text"),
    (TEXT.encode("utf-32"), "is UTF-32 text"),
    (b"x = 1\n" + TEXT.encode("cp1252"), "is not UTF-8 text in line 2"),
    (b"x = 1\ny\0 = 2\n", "has a zero byte in line 2"),
]


@pytest.mark.parametrize(("content", "said"), UNREADABLE)
def test_what_python_cannot_decode_is_named_with_its_line(content, said, files, folder, put, messages):
    submission = put(folder(files | {"dataset.py": content, "own.py": content}))
    assert messages(submission)["dataset.py"].startswith(f"dataset.py: {said}")
    assert any(note.startswith(f"left out 'own.py': {said}") for note in submission.notes)
    assert submission.extras == ()
    assert len(submission.present) == 17


@pytest.mark.parametrize(
    "content",
    [b"", TEXT.encode(), b"\xef\xbb\xbf" + TEXT.encode(), b"# -*- coding: latin-1 -*-\n" + TEXT.encode("latin-1")],
)
def test_what_python_decodes_is_left_alone(content):
    assert unreadable(content) is None


def test_only_code_must_be_text(files, folder, put, messages):
    assert messages(put(folder(files | {"vanilla.model.params": TEXT.encode("utf-16")}))) == {}


NEWER = [
    ('x = 1\ny = f"{d["a"]}"\n', 2, "its own quote sign", (3, 12)),
    ("y = f'{d[\"a\"]} {f\"{d['b']}\"}'\n", 1, "its own quote sign", (3, 12)),
    ("y = f'{\"\\n\".join(d)}'\n", 1, "a backslash", (3, 12)),
    ("y = f'{d  # why\n}'\n", 1, "a comment", (3, 12)),
    ("y = f'{\nd}'\n", 1, "a line's end", (3, 12)),
    ("try:\n    pass\nexcept* ValueError:\n    pass\n", 1, "", (3, 11)),
    ("x = 1\n\ndef first[T](x: T) -> T:\n    return x\n", 3, "", (3, 12)),
    ("type Pair = tuple\n", 1, "", (3, 12)),
]


@pytest.mark.parametrize(("text", "line", "what", "since"), NEWER)
def test_syntax_that_is_newer_than_the_graders_python_is_told_with_both_versions(text, line, what, since):
    said = too_new(text.encode())
    if sys.version_info[:2] < since:
        assert said is None  # it is no Python here either, and the tests say so
        return
    assert said is not None
    assert said.startswith(f"line {line} (" if what else "line ")
    assert what in said
    assert (
        f"read by your Python {sys.version_info[0]}.{sys.version_info[1]}, but not by the grader's Python 3.10" in said
    )


@pytest.mark.parametrize(
    "text",
    [
        "y = f\"{d['a']} {x!r:>{width}} {{no}}\\n\"\n",
        'y = f"""{d["a"]}\n{f\'{x}\'}"""\n',
        "match x:\n    case 1:\n        pass\n",
        "y = f'{x}' \"other\" f'{x}'\n",
        "with (open('a') as a, open('b') as b):\n    pass\n",
    ],
)
def test_what_the_graders_python_reads_is_not_complained_of(text):
    assert too_new(text.encode()) is None


@pytest.mark.parametrize("content", [b"def broken(:\n", b"x = (" * 500, b"\xff\xfe", b"x\0"])
def test_what_is_no_python_at_all_is_left_to_the_tests(content):
    assert too_new(content) is None


def test_the_graders_python_is_one_of_those_that_the_project_runs_on():
    assert GRADING_PYTHON == (3, 10)
