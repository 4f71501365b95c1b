"""An upload's modules are compiled once, and only what compiles in silence, under the names that were staged."""

from __future__ import annotations

import importlib.util
import marshal
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, SimpleNamespace

import numpy as np
import pytest

from harness.grading.bytecode import compile_ahead
from harness.grading.supervisor import scratch_folder
from harness.sandbox import Limits, Sandbox, SandboxError, Status
from tests.sandbox.support import PROBES

PLAIN = "def answer():\n    return 42\n"


@pytest.fixture
def tree() -> Iterator[Path]:
    with scratch_folder() as folder:
        package = folder / "upload" / "submission"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("from submission.plain import answer\n", encoding="utf-8")
        (package / "plain.py").write_text(PLAIN, encoding="utf-8")
        for path in (folder / "upload", package):
            path.chmod(0o755)
        yield folder / "upload"


def laid(tree: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in (tree / "submission").rglob("*.pyc")}


def test_modules_are_compiled_beside_their_sources_and_closed(tree: Path) -> None:
    source = tree / "submission" / "plain.py"
    with Sandbox(tree.parent / "workers") as sandbox:
        compile_ahead(sandbox, tree)
    place = Path(importlib.util.cache_from_source(str(source)))
    code = marshal.loads(place.read_bytes()[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == str(source)
    assert laid(tree) == {"__init__", "plain"}
    assert {path.stat().st_mode & 0o777 for path in (place.parent, place.parent.parent)} == {0o555}
    assert place.stat().st_mode & 0o777 == 0o444


def test_workers_read_them_in_place_of_the_source(tree: Path) -> None:
    with Sandbox(tree.parent / "workers", probes=str(PROBES)) as sandbox:
        source = tree / "submission" / "plain.py"
        place = Path(importlib.util.cache_from_source(str(source)))
        place.parent.mkdir()
        place.parent.chmod(0o755)
        fake(tree, {"plain.py": np.frombuffer(marshal.dumps(compile("raise OSError(7)", "x", "exec")), np.uint8)})
        reply = sandbox.run(tree, "calls.call", {"function": "answer"}, seed=0, limits=Limits())
    assert reply.error is not None
    assert reply.error.type == "OSError"


@pytest.mark.parametrize("text", ["def (:\n", "x = 1 is 1\n", "x = '\\0'\0\n", "# coding: none-such\n"])
def test_what_does_not_compile_in_silence_is_left_to_who_imports_it(tree: Path, text: str) -> None:
    (tree / "submission" / "plain.py").write_text(text, encoding="utf-8")
    with Sandbox(tree.parent / "workers") as sandbox:
        compile_ahead(sandbox, tree)
    assert laid(tree) == {"__init__"}


def fake(tree: Path, value: object, status: Status = Status.RETURNED) -> None:
    """Compile with a worker that answers this."""
    compile_ahead(SimpleNamespace(run=lambda *_, **__: SimpleNamespace(status=status, value=value)), tree)  # type: ignore[arg-type]


def test_a_worker_chooses_no_names(tree: Path) -> None:
    code = np.zeros(3, np.uint8)
    fake(tree, {"../evil.py": code, "other.py": code, "plain.py": code})
    assert laid(tree) == {"plain"}
    assert sorted(path.name for path in tree.parent.iterdir()) == ["upload"]


@pytest.mark.parametrize("value", [None, 3, {"plain.py": "text"}, {"plain.py": np.zeros((2, 2), np.uint8)}])
def test_other_answers_lay_nothing_down(tree: Path, value: object) -> None:
    fake(tree, value)
    assert laid(tree) == set()


def test_a_worker_that_ends_otherwise_lays_nothing_down(tree: Path) -> None:
    fake(tree, {"plain.py": np.zeros(3, np.uint8)}, Status.DIED)
    assert laid(tree) == set()


def test_a_sandbox_that_breaks_is_for_the_graded_tests_to_tell(tree: Path) -> None:
    def run(*_: object, **__: object) -> None:
        raise SandboxError("none to be had")

    compile_ahead(SimpleNamespace(run=run), tree)  # type: ignore[arg-type]
    assert laid(tree) == set()
