"""Results for people: plain text for a terminal, one self-contained page for a browser.

The page has two views. The student's holds no more than the platform shows its student; it may be sent to them. The
staff's adds what is for staff: notes on the upload, what broke in a graded test, seed and key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from harness.grading.results import UNRELEASED, Outcome, Result, Results, clean

View = Literal["student", "staff"]

_MARKS = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "FAIL",
    Outcome.SKIPPED: "skipped",
    Outcome.INTERNAL_ERROR: "internal error",
    Outcome.NOT_RUN: "not run",
}

_UNITS = {"total": "points", "extra credit": "extra credit"}
_CLASSES = {Outcome.PASS: "pass", Outcome.FAIL: "fail"}

_PAGE = Path(__file__).with_name("page.html.jinja")


def as_text(results: Results) -> str:
    """One line per graded test, what each failed one says below it, and the sum."""
    lines = [note.text for note in results.notes]
    for result in _told_apart(results):
        lines.append(f"{result.graded_test.id:<14}{_points(result):>8}  {_mark(result):<6}  {result.graded_test.title}")
        if result.outcome is not Outcome.PASS:
            lines += [f"{'':<24}{line}" for line in [*clean(result.output).splitlines(), *_for_staff(result)]]
    lines += [f"{each.problem:<14}{'':>8}  {each.title}" for each in results.skipped]
    lines += [f"{name:<14}{f'{score:g}/{most:g}':>8}" for name, score, most in _sums(results)]
    stamp = [f"{name} {results.extra[name]}" for name in ("release", "seed", "data") if results.extra.get(name)]
    return "\n".join(clean(line) for line in [*lines, ", ".join(stamp)]).rstrip()  # not cut as a whole: the sum is last


def as_html(results: Results, upload: str, titles: Mapping[str, str], view: View = "staff") -> str:
    """The same as a page without scripts or remote parts, failures first; every text is escaped.

    Args:
        results: of a grade.
        upload: what was graded, as its owner named it.
        titles: part -> its title.
        view: for whom.
    """
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(_PAGE.read_text(encoding="utf-8"))
    staff = view == "staff"
    return page.render(
        upload=clean(upload),
        sums=[f"{score:g} of {most:g} {_UNITS[name]}" for name, score, most in _sums(results)],
        facts=[*_facts(results, upload, staff=staff)],
        parts=[{"id": part, "title": titles.get(part, ""), "points": text} for part, text in _by_part(results)],
        notes=[clean(note.text) for note in results.notes],
        groups=_groups(results, staff=staff),
    )


def _told_apart(results: Results) -> Sequence[Result]:
    """The results that are told one by one: none where a note above says of all of them why there is nothing."""
    shown = [result for result in results.by_id.values() if result.outcome is not Outcome.SKIPPED]
    same = len({(result.outcome, result.output) for result in shown}) == 1
    return [] if len(shown) > 1 and same and shown[0].outcome is Outcome.FAIL and results.notes else shown


def _facts(results: Results, upload: str, *, staff: bool) -> Iterator[tuple[str, str]]:
    """What was graded, with what. Where data lie on a disk, and what a run is repeated with, is for staff."""
    yield "Upload", clean(upload)
    yield "Release", clean(str(results.extra.get("release") or UNRELEASED))
    data = results.extra.get("data")
    if data:
        yield "Dataset", clean(str(data) if staff else str(data).partition(",")[0])
    if staff and results.extra.get("seed"):
        yield "Seed", clean(str(results.extra["seed"]))


def _groups(results: Results, *, staff: bool) -> list[dict[str, Any]]:
    """The rows of the page by what is to be done about them, failures first."""
    shown = _told_apart(results)
    failed = [result for result in shown if result.is_failure]
    unjudged = [result for result in shown if result.outcome in (Outcome.INTERNAL_ERROR, Outcome.NOT_RUN)]
    practice = [result for result in shown if result.outcome is Outcome.FAIL and not result.is_failure]
    passed = [result for result in shown if result.outcome is Outcome.PASS]
    named = {"Not judged": unjudged, "Failed": failed, "Practice, to do": practice}
    groups = [{"title": title, "rows": [_row(each, staff=staff) for each in found]} for title, found in named.items()]
    skipped = [
        {"id": each.problem, "title": each.title, "mark": "", "css": "none", "points": ""} for each in results.skipped
    ]
    return [
        *groups,
        {"title": "Not tried", "rows": skipped},
        {"title": "Passed", "rows": [_row(each, staff=staff) for each in passed]},
    ]


def _sums(results: Results) -> Iterator[tuple[str, float, float]]:
    """Points earned and points possible: in all, and apart from it the extra credit; what nobody ran is left out."""
    for name, is_extra in (("total", False), ("extra credit", True)):
        counted = [
            result for result in results.by_id.values() if (result.graded_test.part in results.extra_credit) == is_extra
        ]
        if counted:
            yield name, sum(result.score for result in counted), sum(result.graded_test.points for result in counted)


def _by_part(results: Results) -> Iterator[tuple[str, str]]:
    """Points earned of those possible, by part; without practice, which has none."""
    parts: dict[str, list[Result]] = {}
    for result in results.by_id.values():
        parts.setdefault(result.graded_test.part, []).append(result)
    for part, found in parts.items():
        most = sum(result.graded_test.points for result in found)
        if most:
            yield part, f"{sum(result.score for result in found):g} / {most:g}"


def _mark(result: Result) -> str:
    """The outcome in a word; practice has none that fails."""
    if result.outcome is Outcome.FAIL and not result.is_failure:
        return "to do"
    return _MARKS[result.outcome]


def _row(result: Result, *, staff: bool) -> dict[str, str]:
    failure = result.outcome is Outcome.FAIL and not result.is_failure
    css = "none" if failure else _CLASSES.get(result.outcome, "open")
    remark = clean(result.output).removeprefix("passed").strip() if result.outcome is Outcome.PASS else result.output
    return {
        "id": result.graded_test.id,
        "title": result.graded_test.title,
        "output": clean(remark),
        "staff": "\n".join(_told_to_staff(result.staff)) if staff else "",
        "css": css,
        "mark": _mark(result),
        "points": _points(result) if result.graded_test.points else "",
    }


def _told_to_staff(told: Mapping[str, Any]) -> Iterator[str]:
    """What a graded test left for staff, an entry a line."""
    for name, value in told.items():
        if name == "spent" and isinstance(value, Mapping):
            yield f"took {', '.join(_figures(value))}"
        elif isinstance(value, Mapping):
            yield f"{name}: {', '.join(f'{key} {clean(str(each))}' for key, each in value.items())}"
        else:
            yield f"{name}: {clean(str(value))}"


_SPENT = {
    "cpu_seconds": ("{:.1f} s of processor", 1),
    "seconds": ("{:.1f} s by the clock", 1),
    "peak_bytes": ("{:.0f} MiB of memory", 1 << 20),
}


def _figures(spent: Mapping[str, Any]) -> Iterator[str]:
    for name, (form, unit) in _SPENT.items():
        if isinstance(spent.get(name), (int, float)):
            yield form.format(spent[name] / unit)


def _for_staff(result: Result) -> list[str]:
    """What broke in a graded test that was not judged: for the terminal and the page of whoever runs the grader."""
    return [f"({result.staff['internal_error']})"] if "internal_error" in result.staff else []


def _points(result: Result) -> str:
    return f"{result.score:g}/{result.graded_test.points:g}"
