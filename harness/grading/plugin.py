"""The pytest plugin of the grader: fixtures for graded tests, their time limits, and outcomes turned into results.

It runs in the grader's process, which never imports student code. Points and IDs come from the gradescope-utils
decorators (`__weight__`, `__number__`); only the plugin's own judgement of an exception decides an outcome:

- the graded test returns: PASS
- it raises Failure or another AssertionError: FAIL
- it breaks over values of the student's that it can judge in the reference's place: FAIL
- it raises anything else, is skipped, or outlasts its own limit: INTERNAL_ERROR, never billed in silence
"""

from __future__ import annotations

import inspect
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timeout_decorator

from harness.assignment import Assignment, ProblemEntry, RunLimits
from harness.grading.catalogue import GradedTest
from harness.grading.feedback import Failure, render
from harness.grading.results import INTERNAL_ERROR_NOTE, Ledger, Outcome
from harness.grading.student import Reference, Student, seed_of
from harness.intake.staging import Submission
from harness.problem import Findings, Judged, problem_of
from harness.sandbox import Sandbox

#: A graded test may take this much longer in the grader than its probes may together.
GRACE_SECONDS = 20.0

#: What broken values raise in a graded test that computes on them. Faults of sandbox, disk and memory are none of
#: these.
_OF_VALUES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

#: With less time than this left for the whole run, no further graded test starts.
LEAST_SECONDS = 2.0


@dataclass
class Plugin:
    """State of one grading session, and pytest's hooks."""

    graded_tests: tuple[GradedTest, ...]
    assignment: Assignment
    submission: Submission
    reference_tree: Path | None
    data: Path
    sandbox: Sandbox
    ledger: Ledger
    save: Callable[[], None]
    seed: str
    deadline: float
    staff: dict[str, Any] = field(default_factory=dict)

    # -- fixtures -----------------------------------------------------------------------------------------------------

    @pytest.fixture
    def graded_test(self, request: pytest.FixtureRequest) -> GradedTest:
        """The running graded test."""
        return self._graded_test_of(request.node)

    @pytest.fixture
    def student(self, graded_test: GradedTest) -> Student:
        """The submission."""
        seed = seed_of(self.seed, graded_test.id)
        limits = self.assignment.limits
        return Student(
            self.sandbox, self.submission.tree, limits, seed, deadline=self.deadline, submission=self.submission,
            hidden=graded_test.kind == "hidden",
        )  # fmt: skip

    @pytest.fixture
    def reference(self, graded_test: GradedTest) -> Reference:
        """The staff solution; students do not have it, so basic graded tests do not use it."""
        assert self.reference_tree is not None, "no reference solution beside this grader"
        return Reference(self.sandbox, self.reference_tree, self.assignment.limits, seed_of(self.seed, graded_test.id))

    @pytest.fixture
    def rng(self, graded_test: GradedTest) -> np.random.Generator:
        """The graded test's own stream of random numbers: reproducible from the run's seed."""
        return np.random.default_rng(seed_of(self.seed, graded_test.id))

    @pytest.fixture(name="assignment")
    def assignment_fixture(self) -> Assignment:
        """assignment.toml."""
        return self.assignment

    @pytest.fixture
    def for_staff(self) -> dict[str, Any]:
        """What the graded test puts here goes into its extra_data."""
        self.staff = {}
        return self.staff

    # -- hooks --------------------------------------------------------------------------------------------------------

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the wanted graded tests, in the catalogue's order."""
        order = {graded_test.node: place for place, graded_test in enumerate(self.graded_tests)}
        items[:] = sorted((item for item in items if _node(item) in order), key=lambda item: order[_node(item)])

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """Put the graded test under its own time limit, where signals allow."""
        if hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
            limit = self.assignment.limits.test_seconds + GRACE_SECONDS
            pyfuncitem.obj = timeout_decorator.timeout(limit)(pyfuncitem.obj)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Judge nothing any more once the run's time is over; save after each graded test."""
        self.staff = {}
        if time.monotonic() > self.deadline - LEAST_SECONDS:
            item.add_marker(pytest.mark.skip(reason="out of time"))
        try:
            return (yield)
        finally:
            self.save()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Record the outcome of each phase; a fault in set-up or tear-down counts as one of the graded test."""
        graded_test = self._graded_test_of(item)
        if call.excinfo is not None:
            self._record_problem(item, graded_test, call.excinfo.value)
        elif call.when == "call":
            self.ledger.record(graded_test.id, Outcome.PASS, "passed", dict(self.staff))
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Let each problem look at what came of it: on staff's side alone, where the solution is at hand."""
        if self.reference_tree is None:
            return
        for entry in self.assignment.problems:
            look = problem_of(entry).after_tests
            judged = frozenset(i for i, r in self.ledger.results.items() if r.graded_test.part in entry.part_ids)
            if look is not None and judged:
                self._take(look(self._judged(entry, judged)))
        self.save()

    def _judged(self, entry: ProblemEntry, judged: frozenset[str]) -> Judged:
        """What a problem may look at after its tests."""
        passed = frozenset(i for i in judged if self.ledger.results[i].outcome is Outcome.PASS)
        return Judged(self._student_after_tests, self._reference_after_tests, entry.settings, self.data, passed, judged)

    def _student_after_tests(self, label: str, seconds: float) -> Student:
        return Student(
            self.sandbox, self.submission.tree, self._limits(seconds), seed_of(self.seed, label),
            deadline=self.deadline, submission=self.submission, hidden=True,
        )  # fmt: skip

    def _reference_after_tests(self, label: str, seconds: float) -> Reference:
        assert self.reference_tree is not None
        limits, seed = self._limits(seconds), seed_of(self.seed, label)
        return Reference(self.sandbox, self.reference_tree, limits, seed, deadline=self.deadline)

    def _limits(self, seconds: float) -> RunLimits:
        limits = self.assignment.limits
        return replace(limits, test_seconds=min(seconds, limits.test_seconds))

    def _take(self, found: Findings) -> None:
        """Add to the results what a problem found. A verdict can only get worse by it."""
        self.ledger.extra.update(found.extra)
        self.ledger.extra.setdefault("for_staff", []).extend(found.for_staff)
        for test_id, text in found.failures.items():
            result = self.ledger.results[test_id]
            if result.outcome is Outcome.PASS:
                self.ledger.record(test_id, Outcome.FAIL, text, result.staff)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A graded test module that cannot be collected is an internal error for each of its graded tests."""
        if report.failed:
            for graded_test in self.graded_tests:
                if str(report.nodeid).endswith(f"{graded_test.module.rpartition('.')[2]}.py"):
                    self._fault(graded_test, "its module could not be loaded", str(report.longrepr))

    # -- judgement ----------------------------------------------------------------------------------------------------

    def _record_problem(self, item: pytest.Item, graded_test: GradedTest, problem: BaseException) -> None:
        hidden = graded_test.kind == "hidden"
        if isinstance(problem, pytest.skip.Exception) and time.monotonic() > self.deadline - LEAST_SECONDS:
            self._out_of_time(graded_test)
            return
        if isinstance(problem, _OF_VALUES) and self._holds_without_the_student(item):
            problem = _unusable(problem)
        if isinstance(problem, timeout_decorator.TimeoutError) or not isinstance(problem, AssertionError):
            self._fault(graded_test, "the graded test itself broke", f"{type(problem).__name__}: {problem}")
        else:
            failure = problem if isinstance(problem, Failure) else Failure("the property in the title", str(problem))
            output = render(failure, hidden=hidden) or "The property does not hold."
            if not hidden:
                output += f"\n{'again:':<10}python grader.py {graded_test.id}   (seed {self.seed})"
            self.ledger.record(graded_test.id, Outcome.FAIL, output, dict(self.staff))

    def _holds_without_the_student(self, item: pytest.Item) -> bool:
        """Whether a graded test that broke over the student's values is fit to judge: tried on the staff solution.

        Whoever controls a worker can send values of any form. If the graded test comes to a verdict about the
        reference, those values broke it; if it breaks again, or never had a value, the fault is ours. Students have no
        reference: there the values are taken to be the cause, and nothing is at stake.
        """
        arguments = dict(getattr(item, "funcargs", {}))
        student = arguments.get("student")
        if not isinstance(student, Student) or student.answers == 0 or not isinstance(item, pytest.Function):
            return False
        if self.reference_tree is None:
            return True
        arguments["student"] = replace(student, tree=self.reference_tree, runs=0, used=0.0, secret=True)
        if "rng" in arguments:
            arguments["rng"] = np.random.default_rng(seed_of(self.seed, self._graded_test_of(item).id))
        wanted = {name: arguments[name] for name in inspect.signature(item.function).parameters}
        try:
            item.function(**wanted)
        except timeout_decorator.TimeoutError:
            return False
        except AssertionError:
            return True
        except Exception:  # noqa: BLE001 - whatever it is, it is ours
            return False
        return True

    def _out_of_time(self, graded_test: GradedTest) -> None:
        text = (
            f"Not run: earlier graded tests used up the {self.assignment.limits.run_seconds:g} s for the whole grade. "
            "Does the code train or loop where it should only prepare?"
        )
        self.ledger.record(graded_test.id, Outcome.FAIL, text, {"out_of_time": True})

    def _fault(self, graded_test: GradedTest, what: str, detail: str) -> None:
        self.ledger.record(
            graded_test.id,
            Outcome.INTERNAL_ERROR,
            f"Not judged: {what}. {INTERNAL_ERROR_NOTE}",
            {"fault": detail[:2000]},
        )

    def _graded_test_of(self, item: pytest.Item) -> GradedTest:
        return next(graded_test for graded_test in self.graded_tests if graded_test.node == _node(item))


def problem_fixtures(assignment: Assignment, data: Path) -> object:
    """A pytest plugin with the fixtures that the problems give their graded tests, made from the data."""

    def fixture(name: str, make: Callable[[Path], Any]) -> Any:
        @pytest.fixture(name=name)
        def made(_: object) -> Any:
            return make(data)

        return made

    made = {name: make for entry in assignment.problems for name, make in problem_of(entry).fixtures.items()}
    return type("ProblemFixtures", (), {name: fixture(name, make) for name, make in made.items()})()


def _unusable(problem: BaseException) -> Failure:
    return Failure(
        expected="values in the form that this graded test asks for",
        seen=f"others ({type(problem).__name__})",
        hint="does the code return what its docstring says: types, shapes and lengths?",
    )


def _node(item: pytest.Item) -> str:
    module = getattr(item, "module", None)
    return f"{getattr(module, '__name__', '')}::{item.name}"
