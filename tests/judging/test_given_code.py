"""Files of another template are named; this term's are not, whatever students wrote into them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.intake.given import definitions, differences
from tests.conftest import REFERENCE_CODE, TEMPLATE_CODE
from tests.judging.cases import MUTANTS, VARIANTS, load, load_all


def said(folder: Path) -> str:
    return differences({path.name: path for path in sorted(folder.glob("*.py"))}, REFERENCE_CODE)


@pytest.mark.parametrize("folder", [REFERENCE_CODE, TEMPLATE_CODE], ids=["reference", "template"])
def test_this_terms_files_are_not_named(folder: Path) -> None:
    assert said(folder) == ""


@pytest.mark.parametrize("root", [MUTANTS, VARIANTS], ids=["mutants", "variants"])
def test_work_in_the_blocks_is_no_difference(tmp_path: Path, root: Path) -> None:
    written = [case for case in load_all(root) if case.sources and not case.upload]
    inside = [case for case in written if _blocks_alone(root, case.name)]
    assert len(inside) > 20
    for case in inside:
        assert said(case.build(tmp_path / case.name)) == "", case.name


def _blocks_alone(root: Path, name: str) -> bool:
    """Whether nothing but blocks was edited."""
    path = root / f"{name}.toml"
    return path.is_file() and "[[edit]]" not in path.read_text("utf-8") and "\non = " not in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("variant", "named"),
    [
        ("given_original_2022", ["GPT.configure_optimizers", "helper.py (other parameters in finetune, pretrain)"]),
        ("gpt_of_two_arguments", ["model.py (", "other parameters in GPT.__init__"]),
        ("given_2024_01", ["trainer.py (no Recipe, "]),
    ],
)
def test_a_file_of_another_template_is_named_with_what_differs(tmp_path: Path, variant: str, named: list[str]) -> None:
    found = said(load(VARIANTS / f"{variant}.toml").build(tmp_path / "code"))
    assert [each for each in named if each not in found] == [], found
    assert found.startswith("not as in this term's template: ")


def test_definitions_are_read_from_text_that_need_not_be_python() -> None:
    text = (
        "class A(B):\n    def f(self, x: dict[str, int] = {1: 2, 3: 4}, *rest, key=(1, 2), **more):\n        def inner(y): pass\n"
        "    class C:\n        async def g(self): ...\n\ndef h(\n    a,  # one, two\n    b,\n):\n    return ((((\n"
    )
    assert definitions(text) == {
        "A": None, "A.f": ("self", "x", "*rest", "key", "**more"), "A.C": None, "A.C.g": ("self",), "h": ("a", "b"),
    }  # fmt: skip
    assert definitions("(" * 100_000 + "def f" * 1000) == {}
