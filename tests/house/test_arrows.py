"""The house stays a house: who may import whom, no circles."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.assignment import ROOT

HARNESS = ROOT / "harness"


def modules() -> dict[str, Path]:
    paths = {p for p in HARNESS.rglob("*.py") if "__pycache__" not in p.parts}
    return {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = runtime(tree.body) if top_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def runtime(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Statements that run when the module is imported, without those for type checkers."""
    for node in body:
        if isinstance(node, (ast.If, ast.Try)) and "TYPE_CHECKING" not in ast.dump(node):
            yield from runtime([*node.body, *node.orelse])
        else:
            yield node


def allowed(module: str, prefixes: tuple[str, ...]) -> bool:
    return not module.startswith("harness") or any(module == p or module.startswith(f"{p}.") for p in prefixes)


ROOMS = {
    "harness.sandbox": ("harness.sandbox", "harness.errors", "harness", "harness.probes"),
    "harness.problems.birthplaces.dataset": (
        "harness.problems.birthplaces.dataset",
        "harness.errors",
        "harness.assignment",
        "harness",
    ),
    "harness.probes": ("harness.probes", "harness"),
    "harness.grading.results": ("harness.grading.catalogue", "harness.errors", "harness.assignment", "harness"),
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_its_arrows_allow(room: str) -> None:
    found = {
        f"{name}: {module}"
        for name, path in modules().items()
        if name == room or name.startswith(f"{room}.")
        for module in imports(path)
        if not allowed(module, ROOMS[room]) and module.rsplit(".", 1)[0] not in ROOMS[room]
    }
    assert not found


def test_probes_need_nothing_but_torch_numpy_and_the_standard_library() -> None:
    import sys

    known = {"torch", "numpy", "harness", *sys.stdlib_module_names}
    found = {m for p in (HARNESS / "probes").glob("*.py") for m in imports(p) if m.split(".")[0] not in known}
    assert not found


def test_the_reference_imports_nothing_of_the_harness() -> None:
    source = ROOT / "reference_solution" / "src" / "submission"
    found = {f"{p.name}: {m}" for p in source.glob("*.py") for m in imports(p) if m.split(".")[0] == "harness"}
    assert not found


def test_basic_graded_tests_use_no_reference_and_nothing_hidden() -> None:
    for path in (HARNESS / "tests_basic").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "tests_hidden" not in text, path.name
        assert not re.search(r"\breference\b\s*:", text), path.name


def test_importing_goes_in_no_circle() -> None:
    known = modules()
    graph = {
        name: {m for m in imports(path, top_level=True) if m in known and m != name} for name, path in known.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                if not name.startswith(f"{other}."):  # a package is always there before its own modules
                    visit(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_the_grader_never_unpickles() -> None:
    for name, path in modules().items():
        if not name.startswith(("harness.probes", "harness.release.training")):
            used = {
                m for m in imports(path) if m.split(".")[0] in ("pickle", "dill", "shelve", "marshal", "cloudpickle")
            }
            assert not used, name


def test_the_project_speaks_of_itself_alone() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".sh", ".txt", ".j2", ".tex", ".jinja"}
            and path.is_file()
            and "tests/" not in name
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert "/root/" not in text or "constraints" in name or name in ("setup.sh", "run_autograder"), name
            assert "shared/data" not in text, name
