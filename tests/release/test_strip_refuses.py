"""Every complaint of the strip, on a small project that is broken in just that way."""

from pathlib import Path

import pytest

from harness.errors import ReleaseRefusedError
from harness.release.strip import strip_tree

PROJECTS = sorted(path for path in (Path(__file__).parent.parent / "broken_builds").iterdir() if path.is_dir())


def files_of(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and path.name != "expected.txt"
    }


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_broken_build_is_refused_with_file_and_line(project):
    """`expected.txt` holds all findings, in order; `...` at a line's end stands for what Python or bash says there."""
    with pytest.raises(ReleaseRefusedError) as refusal:
        strip_tree(files_of(project))
    expected = (project / "expected.txt").read_text().splitlines()
    found = [
        finding[: len(wanted) - 3] + "..." if wanted.endswith("...") else finding
        for finding, wanted in zip(refusal.value.findings, expected, strict=False)
    ]
    assert found + list(refusal.value.findings[len(found) :]) == expected


def test_refusal_is_one_sentence_and_all_findings():
    with pytest.raises(ReleaseRefusedError) as refusal:
        strip_tree({"a.py": b"### END_CODE_HERE ###\n", "b.py": b"### END_CODE_HERE ###\n"}, shown_as="reference/")
    assert str(refusal.value).splitlines() == [
        "the reference cannot be stripped:",
        "reference/a.py:1: END without START",
        "reference/b.py:1: END without START",
    ]
    assert refusal.value.exit_code == 1
