"""How much one upload's output tells about what students do not have: test answers, and inputs of hidden graded tests."""

from __future__ import annotations

import builtins
import itertools
import math
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.grading import catalogue
from harness.grading.feedback import Failure, render
from harness.grading.novalue import NoValue
from harness.grading.seeds import generator
from harness.manifest import load
from harness.problems.birthplaces.answers import needed
from harness.problems.birthplaces.questions import Gold
from harness.sandbox import RemoteError, Reply, Status
from tests.judging.replies import function_of

#: Hidden graded tests about predictions for test, each with its file.
FILES = {
    "1d-1-hidden": "vanilla.nopretrain",
    "1f-7-hidden": "vanilla.pretrain",
    "1g-7-hidden": "perceiver.pretrain",
}

#: Different outputs that one such file can bring, whatever is in it, as long as its form is right: a pass, a failure (for
#: two of them on which side of half the threshold), and that the uploaded model gives other answers.
OUTPUTS = {"1d-1-hidden": 3, "1f-7-hidden": 4, "1g-7-hidden": 4}

#: What code in a worker can make a hidden graded test say by the way it ends, values aside.
MOST_ENDINGS = 8


class Oracle:
    """Real outputs of the three graded tests for made-up files."""

    def __init__(self, folder: Path, data: Path, *, after_due_date: bool = False) -> None:
        self._folder, self.gold, self._after = folder, Gold(data), after_due_date
        self._functions = {each.id: function_of(each) for each in catalogue.collect(load()) if each.id in FILES}
        self.asked = 0
        self.gives: Callable[[str], bool] = lambda line: True  #: whether the uploaded model gives this line
        dev = "".join(f"{question.place}\n" for question in self.gold.dev)
        for stem in FILES.values():
            (folder / f"{stem}.dev.predictions").write_text(dev, encoding="utf-8")

    def output(self, graded_test: str, lines: Sequence[str]) -> str:
        """What a student reads when this is the file."""
        stem = FILES[graded_test]
        (self._folder / f"{stem}.test.predictions").write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
        present = {
            f"{stem}.{split}.predictions": self._folder / f"{stem}.{split}.predictions" for split in ("dev", "test")
        }
        present |= {each.made_from: self._folder for each in load().deliverables if each.name in present}
        student = SimpleNamespace(
            file=present.__getitem__, submission=SimpleNamespace(present=present), hidden=True, read=self._asked_again
        )
        fixtures = {
            "student": student, "unseen": generator(str(self.asked), graded_test, "unseen"), "gold": self.gold, "assignment": load(), "for_staff": {}, "after_due_date": self._after,
        }  # fmt: skip
        function = self._functions[graded_test]
        wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
        try:
            function(**{name: fixtures[name] for name in wanted})
        except Failure as failure:
            return render(failure, hidden=True)
        return "passed"

    def _asked_again(self, _: Any, *, lines: Sequence[str], **__: Any) -> dict[str, Any]:
        """In the place of probe `uploaded.answers`: who uploads a file can upload any model beside it."""
        return {"problem": "", "given": [self.gives(line) for line in lines], "reading": ""}


@pytest.fixture
def oracle(tmp_path: Path, data: Path) -> Oracle:
    return Oracle(tmp_path, data)


def right(oracle: Oracle, places: Sequence[int]) -> list[str]:
    """Lines of which exactly those at these places are right."""
    chosen = set(places)
    return [each.place if at in chosen else "Nowhere" for at, each in enumerate(oracle.gold.test)]


@pytest.mark.parametrize("graded_test", FILES)
def test_a_file_of_the_right_form_brings_one_of_a_few_outputs(oracle: Oracle, graded_test: str) -> None:
    seen = set()
    for gives in (lambda _: True, lambda _: False, lambda line: line == "Nowhere", lambda line: line != "Nowhere"):
        oracle.gives = gives
        seen |= {oracle.output(graded_test, right(oracle, range(count))) for count in range(len(oracle.gold.test) + 1)}
    assert len(seen) == OUTPUTS[graded_test], seen


@pytest.mark.parametrize("graded_test", FILES)
def test_a_file_with_a_line_too_many_or_too_few_tells_nothing_of_the_answers(oracle: Oracle, graded_test: str) -> None:
    for change in (lambda lines, at: [*lines[:at], "", *lines[at:]], lambda lines, at: [*lines[:at], *lines[at + 1 :]]):
        counts = (0, 1, 100, len(oracle.gold.test))
        seen = {
            oracle.output(graded_test, change(right(oracle, range(count)), at))
            for count in counts
            for at in (0, 30, 150)
        }
        assert len(seen) == 1, seen


def test_whether_files_look_exchanged_does_not_depend_on_the_answers_for_test(oracle: Oracle) -> None:
    places = [each.place for each in oracle.gold.test]
    turned = places[::-1]
    for lines in (places, turned, right(oracle, range(40))):
        said = oracle.output("1f-7-hidden", lines)
        assert "looks like" not in said
    assert "looks like the dev file" in _of_dev_answers(oracle)


def _of_dev_answers(oracle: Oracle) -> str:
    dev = oracle._folder / "vanilla.pretrain.dev.predictions"
    dev.write_text("Nowhere\n" * len(oracle.gold.dev), encoding="utf-8")
    return oracle.output("1f-7-hidden", [each.place for each in oracle.gold.dev])


def test_after_the_due_date_the_figure_is_exact(tmp_path: Path, data: Path) -> None:
    before, after = Oracle(tmp_path, data), Oracle(tmp_path, data, after_due_date=True)
    lines = right(before, range(7))
    assert "7 of" in after.output("1f-7-hidden", lines)
    assert "7 of" not in before.output("1f-7-hidden", lines)
    assert "less than 5%" in before.output("1f-7-hidden", lines)


# --- recovering the answers -------------------------------------------------------------------------------------------

Guesses = Mapping[int, str]


def searching(unknown: Sequence[int], prior: Sequence[tuple[str, float]]) -> Generator[Guesses, bool, dict[int, str]]:
    """Finds the answers to some questions by asking of sets of guesses whether any is right; one guess a question.

    Each set is chosen so that the answer is about as likely as not, and a set with a right one is halved until it is
    found: no way of asking such questions is much faster.
    """
    left = {question: list(prior) for question in unknown}
    found: dict[int, str] = {}
    while left:
        group, misses = [], 1.0
        for question in sorted(left, key=lambda each: -_share(left[each])):
            group.append(question)
            misses *= 1 - _share(left[question])
            if misses <= 0.5:
                break
        if len(left[group[0]]) > 1 and not (yield {each: left[each][0][0] for each in group}):
            _strike(left, group)
            continue
        while len(group) > 1:
            half, rest = group[: len(group) // 2], group[len(group) // 2 :]
            if (yield {each: left[each][0][0] for each in half}):
                group = half
            else:
                _strike(left, half)
                group = rest
        found[group[0]] = left.pop(group[0])[0][0]
    return found


def _share(candidates: list[tuple[str, float]]) -> float:
    return candidates[0][1] / sum(weight for _, weight in candidates)


def _strike(left: dict[int, list[tuple[str, float]]], group: Sequence[int]) -> None:
    for question in group:
        del left[question][0]


def passes(oracle: Oracle, graded_test: str, guesses: Guesses, known: Guesses, most_right: int) -> bool:
    """Whether a file of these guesses passes, filled up with so many answers that are known to be right."""
    filling = dict(itertools.islice(((at, each) for at, each in known.items() if at not in guesses), most_right))
    assert len(filling) == most_right
    lines = [{**filling, **guesses}.get(at, "Nowhere") for at in range(len(oracle.gold.test))]
    oracle.asked += 1
    return oracle.output(graded_test, lines) == "passed"


def uploads_to_recover(oracle: Oracle) -> tuple[int, dict[int, str]]:
    """Uploads, of three files each, until all answers are known: who does so knows how often each place comes in dev."""
    counts = Counter(each.place for each in (*oracle.gold.dev, *oracle.gold.test))  # places are known, and their shares
    prior = [(place, float(count)) for place, count in counts.most_common()]
    total, thresholds = len(oracle.gold.test), load().thresholds
    fill = {
        "1d-1-hidden": 0,
        "1f-7-hidden": needed(total, thresholds["vanilla"].test) - 1,
        "1g-7-hidden": needed(total, thresholds["perceiver"].test) - 1,
    }
    first = max(fill.values())
    known: dict[int, str] = {}
    uploads = _run(oracle, {"1d-1-hidden": searching(range(first), prior)}, known, fill)
    rest = [range(first + start, total, 3) for start in range(3)]
    uploads += _run(oracle, {test: searching(part, prior) for test, part in zip(fill, rest, strict=True)}, known, fill)
    return uploads, known


def _run(oracle: Oracle, searches: dict[str, Any], known: dict[int, str], fill: Mapping[str, int]) -> int:
    """Ask for all searches side by side, one file each an upload, until all are done; the number of uploads."""
    uploads, answers, before = 0, dict.fromkeys(searches), dict(known)
    while answers:
        for graded_test in list(answers):
            try:
                guesses = searches[graded_test].send(answers[graded_test])
            except StopIteration as done:
                known.update(done.value)
                del answers[graded_test]
            else:
                answers[graded_test] = passes(oracle, graded_test, guesses, before, fill[graded_test])
        uploads += bool(answers)
    return uploads


def test_hundreds_of_uploads_recover_the_answers_and_fewer_do_not(oracle: Oracle) -> None:
    uploads, known = uploads_to_recover(oracle)
    assert known == {at: each.place for at, each in enumerate(oracle.gold.test)}
    shares = Counter(each.place for each in oracle.gold.test)
    total = len(oracle.gold.test)
    secret = -sum(count * math.log2(count / total) for count in shares.values())
    told = sum(math.log2(count) for count in OUTPUTS.values())
    print(
        f"{secret:.0f} bits of answers, at most {told:.2f} an upload: at least {secret / told:.0f}; {uploads} recover them"
    )
    assert told < 5.6
    assert uploads >= secret / told > 200


# --- inputs of hidden graded tests ------------------------------------------------------------------------------------


def test_how_code_ends_says_little_and_no_exceptions_name_is_told() -> None:
    names = [
        name for name, each in vars(builtins).items() if isinstance(each, type) and issubclass(each, BaseException)
    ]
    lacking = {f"{name}.py": f"{name}.py was not uploaded" for name in ("attention", "dataset", "helper", "model")}
    messages = [
        "",
        "no module named attention",
        "no module named dataset, helper",
        "module 'submission' has no attribute",
    ]
    replies = [
        Reply(status, None, RemoteError(name, message), "", 0, detail, 1.0, 1.0, 0)
        for status in Status
        if status is not Status.RETURNED
        for name in (*names, "Whatever")
        for message in messages
        for detail in ("exit status 7", "killed by signal 11")
    ]
    said = {render(NoValue(reply, hidden=True, lacking=lacking).failure(), hidden=True) for reply in replies}
    assert len(said) <= MOST_ENDINGS, said
    assert not [name for name in names if any(name in each for each in said)]
