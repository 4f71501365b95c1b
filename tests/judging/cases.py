"""Mutants and variants: small overlays on the reference, with the verdict that they must get.

A case is `<name>.toml`, or a folder `<name>/` with `expect.toml` and files that replace the reference's. Its fields:

    about       one sentence: what is wrong, or what is different
    real        true where it was seen in real solutions
    fails       graded tests that must fail; all others must pass (a variant has none)
    may_fail    graded tests that may do either
    on          another case of the same folder, on whose files this one is laid
    [[edit]]    file, old, new: a text that occurs once in the reference's file, and what stands there instead
    [[block]]   of, code: a solution block by the function that it is in (`train`, `DownProjectBlock.forward`, and
                `finetune#2` for the second block of a function), and the code in its place; file, where it is not one
                of the problems that are on
    [[upload]]  of the deliverable `name`: `copy` of another one, `text`, of predictions the fraction `right`, or of params
                the `tensors` that court.TENSORS makes of them
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness import manifest
from harness.assignment import ROOT
from harness.grading import catalogue

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REFERENCE = ROOT / "reference_solution" / "src" / "submission"
CODE = tuple(each.name for each in manifest.load().deliverables if each.kind == "code")
#: Code that an upload may do without: a case that does not change it has none.
OPTIONAL = tuple(each.name for each in manifest.load().optional if each.kind == "code")
MUTANTS, VARIANTS = ROOT / "tests" / "mutants", ROOT / "tests" / "variants"

#: Mutants as their author meets them: `fails` names basic graded tests, which are run as on a student's own computer. Beside
#: each lies the text that its author reads.
MISTAKES = ROOT / "tests" / "mistakes"

#: Graded tests that look at uploaded params and predictions, and at no code.
FILE_TESTS = frozenset({
    "1d-0-basic", "1d-1-hidden", "1d-2-hidden", "1f-2-basic", "1f-6-hidden", "1f-7-hidden", "1g-2-basic", "1g-6-hidden",
    "1g-7-hidden",
})  # fmt: skip

#: Which graded tests can tell what a solution block does, as a pattern. `python -m tests.judging.matrix` proves it.
REACH = {
    "CharCorruptionDataset.__getitem__": r"1e-.*|1f-5-.*",
    "initialize_vanilla_model": r"1c-0-.*",
    "initialize_perceiver_model": r"1g-[145]-.*",
    "finetune": r"1f-[134]-.*",
    "finetune#2": r"1c-[123]-.*|1f-[134]-.*",
    "pretrain": r"1f-[035]-.*",
    "train": r"1c-3-.*|1f-[45]-.*",
    "DownProjectBlock.__init__": r"1g-.*",
    "DownProjectBlock.forward": r"1g-.*",
    "UpProjectBlock.__init__": r"1g-.*",
    "UpProjectBlock.forward": r"1g-.*",
}

START, END = "### START_CODE_HERE ###", "### END_CODE_HERE ###"


@dataclass(frozen=True)
class Case:
    """One overlay and what must become of it."""

    name: str
    about: str
    fails: frozenset[str]
    may_fail: frozenset[str]
    real: bool
    sources: Mapping[str, str]  #: file -> its text, for those that differ from the reference's
    touched: frozenset[str]  #: blocks that differ; empty where the code around them is changed, too
    upload: tuple[Mapping[str, Any], ...] = ()
    at_home: bool = False

    @property
    def reached(self) -> frozenset[str]:
        """The graded tests that can tell this case from the reference."""
        if self.upload:
            return frozenset(FILE_TESTS)
        if not self.touched:
            return code_graded_tests()
        pattern = "|".join(REACH[block] for block in self.touched)
        return frozenset(graded_test for graded_test in code_graded_tests() if re.fullmatch(pattern, graded_test))

    def build(self, into: Path) -> Path:
        """Write the case's code to the folder `into`, as an upload."""
        copy_reference(into)
        for name, text in self.sources.items():
            (into / name).write_text(text, encoding="utf-8")
        return into


def code_graded_tests() -> frozenset[str]:
    """All graded tests about the code of the assignment itself: not those about its files, and no extra credit."""
    parts = {part.id for part in manifest.load().parts if not part.extra_credit}
    return (
        frozenset(graded_test.id for graded_test in catalogue.collect(manifest.load()) if graded_test.part in parts)
        - FILE_TESTS
    )


def parse(path: Path) -> dict[str, Any]:
    """A TOML file."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def copy_reference(into: Path, code: tuple[str, ...] = CODE) -> Path:
    """Write the reference's code to the new folder `into`."""
    into.mkdir(parents=True)
    for name in code:
        shutil.copyfile(REFERENCE / name, into / name)
    return into


def load_all(folder: Path) -> tuple[Case, ...]:
    """Every case of a folder, by name."""
    return tuple(load(path) for path in sorted(folder.iterdir()) if path.suffix == ".toml" or path.is_dir())


def load(path: Path) -> Case:
    """The case in a file or a folder. ValueError where it does not fit the reference any more."""
    raw = parse(path / "expect.toml" if path.is_dir() else path)
    unknown = set(raw) - {"about", "real", "fails", "may_fail", "on", "edit", "block", "upload"}
    if unknown:
        raise ValueError(f"{path}: unknown fields {sorted(unknown)}")
    overlay = _Overlay(path)
    if "on" in raw:
        for name, text in load(path.parent / raw["on"]).sources.items():
            overlay.replace(name, text)
    if path.is_dir():
        for file in sorted(path.glob("*.py")):
            overlay.replace(file.name, file.read_text(encoding="utf-8"))
    for edit in raw.get("edit", ()):
        overlay.edit(edit["file"], edit["old"], edit["new"])
    for block in raw.get("block", ()):
        overlay.fill(block["of"], block["code"], block.get("file"))
    return Case(
        name=path.stem,
        about=raw["about"],
        fails=frozenset(raw.get("fails", ())),
        may_fail=frozenset(raw.get("may_fail", ())),
        real=raw.get("real", False),
        sources=overlay.sources,
        touched=frozenset() if overlay.outside else frozenset(overlay.touched),
        upload=tuple(raw.get("upload", ())),
        at_home=path.parent == MISTAKES,
    )


class _Overlay:
    """The files of a case while its changes are applied one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sources: dict[str, str] = {}
        self.touched: set[str] = set()
        self.outside = False

    def replace(self, file: str, text: str) -> None:
        self.sources[file] = text
        self.outside = True

    def edit(self, file: str, old: str, new: str) -> None:
        text = self._text(file)
        if text.count(old) != 1:
            raise ValueError(f"{self.path}: {file} holds {old!r} {text.count(old)} times, and not once")
        at = text.index(old)
        inside = [name for name, (begin, end) in blocks(text).items() if begin <= at and at + len(old) <= end]
        self.touched.update(inside)
        self.outside |= not inside and old not in new  # what is only added serves a block
        self.sources[file] = text.replace(old, new)

    def fill(self, block: str, code: str, file: str | None = None) -> None:
        files = (*CODE, *OPTIONAL) if file is None else (file,)
        file = next((each for each in files if block in blocks(reference(each))), None)
        if file is None:
            raise ValueError(f"{self.path}: no solution block is in {block!r}")
        text = self._text(file)
        begin, end = blocks(text)[block]
        indent = " " * (len(text[:begin].rsplit("\n", 2)[-2]) - len(START))
        self.touched.add(block)
        self.sources[file] = text[:begin] + textwrap.indent(code.strip("\n"), indent) + "\n" + text[end:]

    def _text(self, file: str) -> str:
        return self.sources.get(file) or reference(file)


@cache
def reference(file: str) -> str:
    """The text of one of the reference's files."""
    return (REFERENCE / file).read_text(encoding="utf-8")


@cache
def blocks(text: str) -> dict[str, tuple[int, int]]:
    """Solution blocks by the function that they are in: where in the text their lines begin and end."""
    if START not in text:
        return {}
    owners = list(_functions(ast.parse(text), ""))
    found: dict[str, tuple[int, int]] = {}
    for match in re.finditer(rf"{re.escape(START)}\n(.*?)^ *{re.escape(END)}", text, re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, match.start()) + 1
        owner = max((first, name) for first, last, name in owners if first <= line <= last)[1]
        while owner in found:
            owner = f"{owner.partition('#')[0]}#{int(owner.partition('#')[2] or 1) + 1}"
        found[owner] = match.span(1)
    return found


def _functions(node: ast.AST, above: str) -> Iterator[tuple[int, int, str]]:
    """(first line, last line, qualified name) of every function below `node`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{above}{child.name}.")
        elif isinstance(child, ast.FunctionDef):
            yield child.lineno, child.end_lineno or child.lineno, f"{above}{child.name}"
