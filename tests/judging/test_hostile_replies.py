"""Forms of replies, and graded tests that get replies of the right form and the worst content."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.assignment import ROOT
from harness.errors import InternalError
from harness.grading import catalogue
from harness.grading.catalogue import GradedTest
from harness.grading.judging import Desk, Ending, JudgeLimits, Judgement, can_fork, judge_here, judge_in_child
from harness.grading.student import misfit
from harness.manifest import load
from harness.probes import functions, schemas, topics
from harness.probes.schemas.forms import (
    Array,
    Either,
    Flag,
    Form,
    List,
    Nothing,
    Number,
    Record,
    Row,
    Rule,
    Span,
    Table,
    Text,
    Whole,
    maybe,
)
from tests.conftest import REFERENCE_CODE
from tests.judging.replies import asks_student, honest, replay, rounds

#: Bad replies to each graded test; `python -m tests.judging.replies` tries hundreds.
ROUNDS = 12

ASKING = [each for each in catalogue.collect(load()) if asks_student(each)]


# --- every probe has a form -------------------------------------------------------------------------------------------


def probes() -> list[tuple[str, str]]:
    return [(topic, name) for topic in topics() for name in sorted(functions(topic))]


@pytest.mark.parametrize(("topic", "name"), probes())
def test_a_probe_declares_a_form_for_its_reply_by_its_own_arguments(topic: str, name: str) -> None:
    declared = inspect.signature(getattr(importlib.import_module(f"harness.probes.schemas.{topic}"), name))
    tree = ast.parse((ROOT / "harness" / "probes" / f"{topic}.py").read_text(encoding="utf-8"))
    probe = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name)
    arguments = [each.arg for each in probe.args.args][1:]  # without the submission, or its folder
    assert list(declared.parameters) == arguments
    defaults = [each.default is not inspect.Parameter.empty for each in declared.parameters.values()]
    assert sum(defaults) == len(probe.args.defaults)


def test_forms_need_no_torch() -> None:
    code = (
        "import sys, importlib, pkgutil, harness.probes.schemas as s\n"
        "[importlib.import_module(f'{s.__name__}.{m.name}') for m in pkgutil.iter_modules(s.__path__)]\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_probe_without_a_form_is_an_internal_error() -> None:
    for probe in ("corruption.nothing", "nothing.draws"):
        with pytest.raises(InternalError, match="declares no form"):
            misfit(probe, {}, None)


# --- forms ------------------------------------------------------------------------------------------------------------

SUMS = Record({"a": Whole(), "b": Whole()}, (Rule("a: as many as b expected", lambda v: v["a"] == v["b"]),))

FITS: list[tuple[Form, Any]] = [
    (Nothing(), None),
    (Flag(), True),
    (Whole(0, 5), 5),
    (Number(0, 1), 0.5),
    (Number(0, 1), 1),
    (Number(finite=False), math.nan),
    (Text(3), "äöü"),
    (Array("f", (2, Span(0, 3))), np.zeros((2, 3), np.float32)),
    (Array("f", dimensions=Span(0, 1), elements=Span(0, 3)), np.array(1.0)),
    (Array("i", (3,), least=0, most=2), np.array([0, 1, 2])),
    (Array("f", (2,)), np.array([np.nan, np.inf])),
    (List(Flag(), 2), (True, False)),
    (Row((Flag(), Whole())), [True, 0]),
    (SUMS, {"a": 1, "b": 1}),
    (Table(Whole(), Span(0, 2)), {"x": 1}),
    (maybe(Flag()), None),
    (Either((Flag(), Text(3))), "x"),
]

MISFITS: list[tuple[Form, Any, str]] = [
    (Nothing(), 0, "nothing (None) expected"),
    (Flag(), 1, "True or False expected, 1 found"),
    (Whole(0, 5), 6, "from 0 to 5 expected, 6 found"),
    (Whole(0, 5), True, "a value of type bool found"),
    (Whole(), 10**39, "a value of type int found"),
    (Whole(), "9" * 60_000, "text of 60000 characters found"),
    (Number(0, 1), 1.5, "from 0 to 1 expected"),
    (Number(0, 1), math.nan, "a finite number"),
    (Number(), 10**39, "a finite number"),
    (Text(3), "long", "text of 0 to 3 characters expected, 4 of them found"),
    (Text(3), b"x", "a value of type bytes found"),
    (Array("f", (2, Span(0, 3))), np.zeros((2, 4)), "shape (2, 0 to 3) expected, an array of float64, shape (2, 4)"),
    (Array("f", (2,)), [1.0, 2.0], "an array expected, a list of 2 found"),
    (Array("f", (2,)), np.zeros(2, np.int64), "floating point numbers expected"),
    (Array("f", elements=Span(0, 3)), np.zeros(4), "0 to 3 numbers in all"),
    (Array("f", dimensions=Span(2, 3)), np.zeros(4), "2 to 3 dimensions"),
    (Array("f", (2,), finite=True), np.array([np.nan, 0]), "finite numbers expected"),
    (Array("i", (1,), least=0), np.array([-1]), "numbers from 0"),
    (List(Flag(), 2), [True], "a list of 2 entries expected, 1 of them found"),
    (List(Flag(), 2), [True, 0], "[1]: True or False expected"),
    (Row((Flag(), Whole())), [True], "a list of 2 entries"),
    (SUMS, {"a": 1}, "values named a, b expected"),
    (SUMS, {"a": 1, "b": 2}, "a: as many as b expected"),
    (SUMS, {"a": "secret text", "b": 1}, "a: a whole number"),
    (Table(Whole(), 1), {"a": 1, "b": 2}, "1 values by name expected, 2 of them"),
    (Table(Whole(), 1), {None: 1}, "name of [0]: text expected, nothing found"),
    (maybe(Flag()), 1, "True or False expected"),
]


@pytest.mark.parametrize(("form", "value"), FITS, ids=map(str, range(len(FITS))))
def test_what_fits_a_form_brings_no_complaint(form: Form, value: Any) -> None:
    assert form.complaint(value, "") is None


@pytest.mark.parametrize(("form", "value", "said"), MISFITS, ids=map(str, range(len(MISFITS))))
def test_a_complaint_says_what_was_expected_and_repeats_no_text(form: Form, value: Any, said: str) -> None:
    complaint = form.complaint(value, "")
    assert complaint is not None
    assert said in complaint
    assert "secret" not in complaint
    assert len(complaint) < 300


def test_gradients_have_the_shape_of_their_weights_and_are_missing_only_where_nothing_was_filled() -> None:
    numbers = np.random.default_rng(0).normal(size=40_000)
    sizes = {"vocab_size": 30, "block_size": 20, "n_head": 2, "n_embd": 16, "bottleneck_dim": 7}
    arguments = {
        "sizes": sizes,
        "numbers": numbers,
        "tokens": np.zeros((3, 20), np.int64),
        "weighting": np.zeros((3, 20, 30)),
    }
    reply = _whole(numbers)
    assert schemas.complaint("perceiver.whole", arguments, reply) is None
    for gradient in (None, np.ones((1, 1)), np.float64(1).reshape(()), np.ones((16, 30))):
        other = {**reply, "gradients": {**reply["gradients"], "head": gradient}}
        assert schemas.complaint("perceiver.whole", arguments, other) is not None
    more = {**reply["gradients"], "down": {**reply["gradients"]["down"], "others": [None]}}
    assert schemas.complaint("perceiver.whole", arguments, {**reply, "gradients": more}) is not None


def _whole(numbers: np.ndarray) -> dict[str, Any]:
    block: dict[str, Any] = {"attentions": [], "norms": [], "linears": [], "basis": [], "others": []}
    table, positions, norm = (
        numbers[:480].reshape(30, 16),
        numbers[:320].reshape(1, 20, 16),
        [np.ones(16), np.zeros(16), 1e-5],
    )
    weights = {
        "embedding": table,
        "positions": positions,
        "down": block,
        "blocks": [],
        "up": block,
        "last": norm,
        "head": table,
    }
    gradients = {**weights, "last": [None, None, 1e-5]}
    passed = np.zeros((3, 7, 16))
    told = {"logits": np.zeros((3, 20, 30)), "down": passed, "up": passed, "parameters": {"w": [2, 1.0, 0, 1]}}
    return {**told, "weights": weights, "gradients": gradients}


# --- graded tests -----------------------------------------------------------------------------------------------------


def judged(run: Any) -> Judgement:
    """Within the limits of a real grade, where there are any."""
    limits = load().limits
    bounds = JudgeLimits(600, limits.judge_cpu_seconds, limits.judge_memory_mib << 20)

    def judge(_: Desk) -> None:
        run()

    return judge_in_child(judge, {}, lambda *_: None, bounds) if can_fork() else judge_here(run, {}, bounds)


@pytest.mark.filterwarnings("ignore")  # as in a grade: numbers may overflow, and then compare unequal
@pytest.mark.parametrize("graded_test", ASKING, ids=lambda graded_test: graded_test.id)
def test_whatever_a_reply_of_the_right_form_holds_a_graded_test_comes_to_a_verdict_in_time(
    graded_test: GradedTest, honest_upload: Path, data: Path, tmp_path: Path
) -> None:
    for path in honest_upload.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "attention_exploration.py").symlink_to(REFERENCE_CODE / "attention_exploration.py")
    student, reference = honest(tmp_path)
    replay(graded_test, student, reference, "fuzz", data)
    endings = []
    for instead in rounds(student, ROUNDS):
        student.instead = instead
        endings.append(judged(lambda: replay(graded_test, student, reference, "fuzz", data)))
    assert [each for each in endings if each.ending not in (Ending.PASSED, Ending.FAILED)] == []
    assert Ending.FAILED in {each.ending for each in endings}
