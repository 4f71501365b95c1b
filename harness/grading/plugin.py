"""The pytest plugin of the grader: fixtures for graded tests, their time limits, and outcomes turned into results.

It runs in the grader's process, which never imports student code. Points and IDs come from the gradescope-utils
decorators (`__weight__`, `__number__`); only the plugin's own judgement of an exception decides an outcome:

- the graded test returns: PASS
- it raises Failure or another AssertionError: FAIL
- it comes to no verdict over values of the student's (it raises anything else, runs into a limit on time or memory, or
  its process dies) and comes to one in the reference's place: FAIL
- it comes to none there either, or never had such a value: INTERNAL_ERROR, never billed in silence
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.assignment import Assignment
from harness.errors import InternalError
from harness.grading.catalogue import GradedTest
from harness.grading.feedback import Cause, Failure, render
from harness.grading.judging import Desk as Asking
from harness.grading.judging import Ending, JudgeLimits, Judgement, can_fork, judge_here, judge_in_child
from harness.grading.novalue import OTHER_FORM
from harness.grading.results import INTERNAL_ERROR_NOTE, Outcome, Results, Verdict, verdict_on
from harness.grading.seeds import Seeds, Stream, generator, seed_of
from harness.grading.student import Reference, Runner, Student
from harness.intake.staging import Submission
from harness.problem import problem_of
from harness.sandbox import Sandbox

#: A graded test may take this much longer in the grader than its probes may together.
GRACE_SECONDS = 20.0

#: Fixtures that are streams of random numbers.
_STREAMS: Mapping[str, Stream] = {"rng": "inputs", "unseen": "unseen"}

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
    results: Results
    seeds: Seeds
    deadline: float
    after_due_date: bool = False
    at_home: bool = False
    staff: dict[str, Any] = field(default_factory=dict)
    pending: Verdict | None = None
    """On the running graded test, until its last phase is over: a verdict is reported once."""

    def __post_init__(self) -> None:
        """The graded tests by node: asked for some times a phase."""
        self._by_node = {graded_test.node: graded_test for graded_test in self.graded_tests}

    # -- fixtures -----------------------------------------------------------------------------------------------------

    @pytest.fixture
    def graded_test(self, request: pytest.FixtureRequest) -> GradedTest:
        """The running graded test."""
        return self._graded_test_of(request.node)

    @pytest.fixture
    def student(self, graded_test: GradedTest) -> Student:
        """The submission."""
        limits, seed = self.assignment.limits, self._worker_seed(graded_test)
        return Student(
            self.sandbox, self.submission.tree, limits, seed, deadline=self.deadline, submission=self.submission,
            hidden=graded_test.kind == "hidden", at_home=self.at_home,
            given=self.assignment.given,
        )  # fmt: skip

    @pytest.fixture
    def reference(self, graded_test: GradedTest) -> Reference:
        """The staff solution; students do not have it, so basic graded tests do not use it."""
        assert self.reference_tree is not None, "no reference solution beside this grader"
        seed = self._worker_seed(graded_test)
        return Reference(self.sandbox, self.reference_tree, self.assignment.limits, seed)

    @pytest.fixture
    def rng(self, graded_test: GradedTest) -> np.random.Generator:
        """The stream that inputs are drawn from: reproducible from the run's seed."""
        return self._generator(graded_test, "inputs")

    @pytest.fixture
    def unseen(self, graded_test: GradedTest) -> np.random.Generator:
        """The stream for what is drawn when a reply is in: no worker has seen a number of it."""
        return self._generator(graded_test, "unseen")

    @pytest.fixture(name="assignment")
    def assignment_fixture(self) -> Assignment:
        """assignment.toml."""
        return self.assignment

    @pytest.fixture(name="after_due_date")
    def after_due_date_fixture(self) -> bool:
        """Whether what is shown may tell of the answers for test: no more uploads can profit from it."""
        return self.after_due_date

    @pytest.fixture
    def for_staff(self) -> dict[str, Any]:
        """What the graded test puts here goes into its extra_data; a `remark` is shown to a student who passes."""
        self.staff = {}
        return self.staff

    # -- hooks --------------------------------------------------------------------------------------------------------

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the wanted graded tests, in the catalogue's order."""
        order = {graded_test.node: place for place, graded_test in enumerate(self.graded_tests)}
        items[:] = sorted((item for item in items if _node(item) in order), key=lambda item: order[_node(item)])

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        """Judge in a process of its own, where there is one, and within limits."""
        started, arguments = time.monotonic(), self._arguments(pyfuncitem)
        judgement = self._run(pyfuncitem, arguments, self.staff)
        self.staff.update(judgement.staff)
        self.staff["spent"] = _spent(time.monotonic() - started, arguments.values())
        if judgement.failure is not None:
            raise judgement.failure
        if judgement.ending is not Ending.PASSED:
            raise BrokenTestError(judgement)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Judge nothing any more once the run's time is over; report the verdict when all phases are over."""
        self.staff, self.pending = {}, None
        if time.monotonic() > self.deadline - LEAST_SECONDS:
            item.add_marker(pytest.mark.skip(reason="out of time"))
        try:
            return (yield)
        finally:
            if self.pending is not None:
                self.results.apply(self.pending)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        """Record the outcome of each phase; what breaks in set-up or tear-down counts as the graded test's."""
        graded_test = self._graded_test_of(item)
        if call.excinfo is not None:
            self._record_problem(item, graded_test, call.excinfo.value)
            # pytest's own report of it renders a traceback that nobody reads: a third of a session's own time.
            assert call.when != "collect"
            return pytest.TestReport(item.nodeid, item.location, {}, "failed", None, call.when)
        if call.when == "call":
            remark = self.staff.get("remark", "")  # what costs no point is said to the student all the same
            self._judge(graded_test, Outcome.PASS, f"passed\n{remark}" if remark else "passed")
        return None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A graded test module that cannot be collected is an internal error for each of its graded tests."""
        if report.failed:
            for graded_test in self.graded_tests:
                if str(report.nodeid).endswith(f"{graded_test.module.rpartition('.')[2]}.py"):
                    what = "its module could not be loaded"
                    self.results.apply(self._break(graded_test, what, str(report.longrepr)))

    # -- judgement ----------------------------------------------------------------------------------------------------

    def _judge(
        self, graded_test: GradedTest, outcome: Outcome, output: str, staff: Mapping[str, Any] | None = None
    ) -> Verdict:
        """Let this be the verdict unless a later phase knows better."""
        self.pending = verdict_on(graded_test.id, outcome, output, self.staff if staff is None else staff)
        return self.pending

    def _record_problem(self, item: pytest.Item, graded_test: GradedTest, problem: BaseException) -> None:
        hidden = graded_test.kind == "hidden"
        if isinstance(problem, pytest.skip.Exception) and time.monotonic() > self.deadline - LEAST_SECONDS:
            self._out_of_time(graded_test)
            return
        if isinstance(problem, BrokenTestError) and self._holds_without_the_student(item):
            problem = _unusable(problem.judgement)
        if not isinstance(problem, AssertionError):
            self._break(graded_test, "the graded test itself broke", _detail(problem))
        else:
            failure = problem if isinstance(problem, Failure) else Failure("the property in the title", str(problem))
            if failure.cause is Cause.WAITS and self._is_optional(graded_test):
                self._judge(graded_test, Outcome.SKIPPED, "Not tried: it is optional, and nothing is lost.")
                return
            output = render(failure, hidden=hidden) or "The property does not hold."
            if not hidden:
                output += f"\n{'again:':<10}python grader.py {graded_test.id}   (seed {self.seeds.basic})"
            self._judge(graded_test, Outcome.FAIL, output)

    def _is_optional(self, graded_test: GradedTest) -> bool:
        part = self.assignment.parts_by_id.get(graded_test.part)
        return part is not None and part.extra_credit

    def _holds_without_the_student(self, item: pytest.Item) -> bool:
        """Whether a graded test that broke over the student's values is fit to judge: tried on the staff solution.

        Whoever controls a worker can send values of any form. If the graded test comes to a verdict about the
        reference, those values broke it; if it breaks again, or never had a value, the error is ours. Students have no
        reference: there the values are taken to be the cause, and nothing is at stake.
        """
        if not isinstance(item, pytest.Function):
            return False
        arguments = self._arguments(item)
        student = arguments.get("student")
        if not isinstance(student, Student) or student.answers == 0:
            return False
        if self.reference_tree is None:
            return True
        arguments["student"] = replace(student, tree=self.reference_tree, runs=0, used=0.0, secret=True)
        for name, stream in _STREAMS.items():
            if name in arguments:
                arguments[name] = self._generator(self._graded_test_of(item), stream)
        try:
            return self._run(item, arguments, {}).ending in (Ending.PASSED, Ending.FAILED)
        except InternalError:
            return False

    def _arguments(self, item: pytest.Function) -> dict[str, Any]:
        return {name: item.funcargs[name] for name in inspect.signature(item.function).parameters}

    def _run(self, item: pytest.Function, arguments: dict[str, Any], staff: dict[str, Any]) -> Judgement:
        """Run a graded test with these arguments: what came of it, whatever that is."""
        limits = JudgeLimits(
            wall_seconds=self.assignment.limits.test_seconds + GRACE_SECONDS,
            cpu_seconds=self.assignment.limits.judge_cpu_seconds,
            memory_bytes=self.assignment.limits.judge_memory_mib << 20,
        )
        if not can_fork():
            return judge_here(lambda: item.function(**arguments), staff, limits)

        def judge(desk: Asking) -> None:
            asked = {n: replace(a, desk=partial(desk.ask, n)) for n, a in arguments.items() if isinstance(a, Runner)}
            item.function(**{**arguments, **asked})

        def serve(who: str, how: str, probe: str, given: dict[str, Any]) -> Any:
            return arguments[who].ask(how, probe, given)

        try:
            return judge_in_child(judge, staff, serve, limits)
        except (MemoryError, RecursionError) as problem:  # in this process, over a reply
            return Judgement(Ending.RAN_OUT, detail=f"{type(problem).__name__}: {problem}")

    def _out_of_time(self, graded_test: GradedTest) -> None:
        text = (
            f"Not run: earlier graded tests used up the {self.assignment.limits.run_seconds:g} s for the whole grade. "
            "Does the code train or loop where it should only prepare?"
        )
        self._judge(graded_test, Outcome.FAIL, text, {"out_of_time": True})

    def _break(self, graded_test: GradedTest, what: str, detail: str) -> Verdict:
        text = f"Not judged: {what}. {INTERNAL_ERROR_NOTE}"
        return self._judge(graded_test, Outcome.INTERNAL_ERROR, text, {"internal_error": detail[:2000]})

    def _generator(self, graded_test: GradedTest, stream: Stream) -> np.random.Generator:
        return generator(self._seed(graded_test), graded_test.id, stream)

    def _worker_seed(self, graded_test: GradedTest) -> int:
        return seed_of(self._seed(graded_test), graded_test.id, "workers")

    def _seed(self, graded_test: GradedTest) -> str:
        return self.seeds.hidden if graded_test.kind == "hidden" else self.seeds.basic

    def _graded_test_of(self, item: pytest.Item) -> GradedTest:
        return self._by_node[_node(item)]


def problem_fixtures(assignment: Assignment, data: Path) -> object:
    """A pytest plugin with the fixtures that the problems give their graded tests, made from the data."""

    def fixture(name: str, make: Callable[[Path], Any]) -> Any:
        @pytest.fixture(name=name)
        def made(_: object) -> Any:
            return make(data)

        return made

    made = {name: make for entry in assignment.problems for name, make in problem_of(entry).fixtures.items()}
    return type("ProblemFixtures", (), {name: fixture(name, make) for name, make in made.items()})()


class BrokenTestError(Exception):
    """A graded test came to no verdict."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.detail)
        self.judgement = judgement


def _detail(problem: BaseException) -> str:
    return str(problem) if isinstance(problem, BrokenTestError) else f"{type(problem).__name__}: {problem}"


def _spent(seconds: float, arguments: Iterable[Any]) -> dict[str, float]:
    """What a graded test took, for staff: wall seconds, and processor and memory of the student's workers."""
    students = [each for each in arguments if isinstance(each, Student)]
    cpu, peak = sum(each.cpu_seconds for each in students), max((each.peak_bytes for each in students), default=0)
    more = {**({"cpu_seconds": round(cpu, 3)} if cpu else {}), **({"peak_bytes": peak} if peak else {})}
    return {"seconds": round(seconds, 3), **more}


def _unusable(judgement: Judgement) -> Failure:
    """Values that were to blame: a graded test broke over them, or could not come to an end with them."""
    if judgement.ending is Ending.BROKE:
        expected, seen = "values in the form that this graded test asks for", f"others ({_type(judgement.detail)})"
    else:
        expected, seen = "values that can be judged within the grader's limits", "others: it ran out of time or memory"
    return Failure(expected, seen, OTHER_FORM, cause=Cause.UNREADABLE)


def _type(detail: str) -> str:
    return detail.partition(":")[0]


def _node(item: pytest.Item) -> str:
    module = getattr(item, "module", None)
    return f"{getattr(module, '__name__', '')}::{item.name}"
