"""Judges many submissions in one process, with one sandbox: what a grade does, without pytest and results.json."""

from __future__ import annotations

import importlib
import inspect
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from harness.assignment import Assignment
from harness.grading import catalogue
from harness.grading.catalogue import GradedTest
from harness.grading.feedback import Failure, render
from harness.grading.seeds import generator, seed_of
from harness.grading.student import Reference, Student
from harness.intake.staging import Submission, discard, stage
from harness.manifest import load
from harness.problem import exports_of, problem_of
from harness.sandbox import Sandbox
from tests.conftest import write_predictions
from tests.judging.cases import Case, copy_reference

ASSIGNMENT = load()


@dataclass(frozen=True)
class Verdict:
    """What became of a graded test: `failure` is None where it held."""

    graded_test: GradedTest
    failure: Failure | None

    @property
    def message(self) -> str:
        """What the student reads."""
        return render(self.failure, hidden=self.graded_test.kind == "hidden") if self.failure else ""


def change_tensors(path: Path, how: str) -> None:
    """Write other tensors to a params file."""
    import torch

    state = torch.load(path, weights_only=True)
    torch.manual_seed(0)
    torch.save(TENSORS[how](torch, state), path)


#: What else may stand in a params file.
TENSORS: Mapping[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
    "four numbers": lambda torch, _: {"weight": torch.ones(2, 2)},
    "untrained": lambda torch, state: {name: 0.02 * torch.randn(each.shape) for name, each in state.items()},
    "with the optimiser's": lambda torch, state: {**state, "optimizer.exp_avg": torch.zeros(4)},
    "of a compiled model": lambda _, state: {f"module._orig_mod.{name}": each for name, each in state.items()},
    "one block less": lambda _, state: {name: each for name, each in state.items() if not name.startswith("blocks.0.")},
    "another vocabulary": lambda torch, state: {
        **state, **{name: torch.cat((state[name], state[name][:1])) for name in ("tok_emb.weight", "head.weight")}
    },
}  # fmt: skip


class Remembered(Reference):
    """A reference that answers the same question once only: its answers follow from the arguments."""

    answers: dict[str, Any]

    def run(self, probe: Any, **arguments: Any) -> Any:
        key = f"{probe} {sorted(arguments.items())}"
        if key not in self.answers:
            self.answers[key] = super().run(probe, **arguments)
        return self.answers[key]


@dataclass(frozen=True)
class Files:
    """What graded tests about files need: an upload with all deliverables, and the dataset that its predictions answer."""

    upload: Path
    data: Path


@final
class Court:
    """A context manager: one sandbox, in which case after case is judged."""

    def __init__(self, scratch: Path, files: Files | None = None, assignment: Assignment = ASSIGNMENT) -> None:
        self.scratch = scratch
        self._assignment = assignment
        #: A mutant that never ends must not hold up the tests, and a busy machine must not change a verdict.
        self.limits = replace(assignment.limits, test_seconds=600, cpu_seconds=15)
        self._files = files
        self.sandbox = Sandbox(scratch / "workers")
        self._graded_tests = {graded_test.id: graded_test for graded_test in catalogue.collect(assignment)}
        self._answers: dict[str, Any] = {}
        self._verdicts: dict[tuple[str, str, str], Verdict] = {}
        self._count = 0

    def __enter__(self) -> Court:
        self.sandbox.start()
        code = tuple(each.name for each in self._assignment.deliverables if each.kind == "code")
        self._reference = self._staged(copy_reference(self.scratch / "reference", code))
        return self

    def __exit__(self, *problem: object) -> None:
        discard(self._reference.tree)
        self.sandbox.close()

    def judge(self, case: Case, graded_tests: Iterable[str], seed: str) -> dict[str, Verdict]:
        """The verdicts on the graded tests with these IDs, each reached once. What is an internal error is raised."""
        wanted = sorted(graded_tests)
        missing = [graded_test for graded_test in wanted if (case.name, graded_test, seed) not in self._verdicts]
        if missing:
            for graded_test, verdict in self._judge(case, missing, seed).items():
                self._verdicts[case.name, graded_test, seed] = verdict
        return {graded_test: self._verdicts[case.name, graded_test, seed] for graded_test in wanted}

    def _judge(self, case: Case, graded_tests: Iterable[str], seed: str) -> dict[str, Verdict]:
        folder = self.scratch / f"case-{self._next()}"
        if case.upload:
            self._mix(case, folder)
        else:
            case.build(folder)
        try:
            return self.judge_upload(folder, graded_tests, seed, at_home=case.at_home)
        finally:
            shutil.rmtree(folder)

    def judge_upload(
        self, upload: Path, graded_tests: Iterable[str], seed: str, *, at_home: bool = False
    ) -> dict[str, Verdict]:
        """The verdicts on an upload as it lies in a folder, each reached anew."""
        submission = self._staged(upload)
        try:
            return {
                graded_test: self._verdict(self._graded_tests[graded_test], submission, seed, at_home)
                for graded_test in graded_tests
            }
        finally:
            discard(submission.tree)

    def _mix(self, case: Case, into: Path) -> None:
        """An honest upload with the files that the case replaces."""
        assert self._files is not None
        shutil.copytree(self._files.upload, into)
        for change in case.upload:
            path = into / change["name"]
            if "copy" in change:
                shutil.copyfile(self._files.upload / change["copy"], path)
            elif "text" in change:
                path.write_text(change["text"], encoding="utf-8")
            elif "tensors" in change:
                change_tensors(path, change["tensors"])
            else:
                write_predictions(path, self._files.data, change["right"])

    def _staged(self, folder: Path) -> Submission:
        told = self._assignment
        return stage(folder, self.scratch / f"staged-{self._next()}", told.uploads, exports=exports_of(told))

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _verdict(self, graded_test: GradedTest, submission: Submission, seed: str, at_home: bool) -> Verdict:
        function = getattr(importlib.import_module(graded_test.module), graded_test.function)
        fixtures = self._fixtures(graded_test, submission, seed, at_home)
        try:
            function(**{name: fixtures[name] for name in inspect.signature(function).parameters})
        except Failure as failure:
            return Verdict(graded_test, failure)
        return Verdict(graded_test, None)

    def _fixtures(
        self, graded_test: GradedTest, submission: Submission, run_seed: str, at_home: bool
    ) -> Mapping[str, Any]:
        """The fixtures of harness.grading.plugin."""
        seed = seed_of(run_seed, graded_test.id, "workers")
        student = Student(
            self.sandbox, submission.tree, self.limits, seed, submission=submission, hidden=graded_test.kind == "hidden",
            at_home=at_home, given=self._assignment.given,
        )  # fmt: skip
        reference = Remembered(self.sandbox, self._reference.tree, self.limits, seed)
        reference.answers = self._answers
        return {
            "student": student,
            "reference": reference,
            "rng": generator(run_seed, graded_test.id),
            "unseen": generator(run_seed, graded_test.id, "unseen"),
            **self._of_problems(),
            "assignment": self._assignment,
            "for_staff": {},
            "after_due_date": False,
        }

    def _of_problems(self) -> dict[str, Any]:
        """What the problems' own fixtures give, where there is data."""
        if self._files is None:
            return {}
        made = (problem_of(entry).fixtures for entry in self._assignment.problems)
        return {name: make(self._files.data) for each in made for name, make in each.items()}
