"""Results for people: plain text for a terminal, one self-contained page for a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.grading.results import Outcome, Result, Results, clean

_MARKS = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "FAIL",
    Outcome.INTERNAL_ERROR: "internal error",
    Outcome.NOT_RUN: "not run",
}

_UNITS = {"total": "points", "extra credit": "extra credit"}

_PAGE = Path(__file__).with_name("page.html.jinja")


def as_text(results: Results) -> str:
    """One line per graded test, what each failed one says below it, and the sum."""
    lines = [note.text for note in results.notes]
    for result in results.by_id.values():
        lines.append(
            f"{result.graded_test.id:<14}{_points(result):>8}  {_MARKS[result.outcome]:<6}  {result.graded_test.title}"
        )
        if result.outcome is not Outcome.PASS:
            lines += [f"{'':<24}{line}" for line in [*clean(result.output).splitlines(), *_for_staff(result)]]
    lines += [f"{name:<14}{f'{score:g}/{most:g}':>8}" for name, score, most in _sums(results)]
    lines += results.extra.get("for_staff", [])
    stamp = [f"{name} {results.extra[name]}" for name in ("release", "seed", "data") if results.extra.get(name)]
    return "\n".join(clean(line) for line in [*lines, ", ".join(stamp)]).rstrip()  # not cut as a whole: the sum is last


def as_html(results: Results) -> str:
    """The same as a page without scripts or remote parts; every text is escaped."""
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(_PAGE.read_text(encoding="utf-8"))
    return page.render(
        sums=[f"{score:g} of {most:g} {_UNITS[name]}" for name, score, most in _sums(results)],
        notes=[clean(note.text) for note in results.notes],
        release=results.extra.get("release") or "none (a checkout)",
        seed=results.extra.get("seed"),
        data=results.extra.get("data"),
        rows=[_row(result) for result in results.by_id.values()],
    )


def _sums(results: Results) -> Iterator[tuple[str, float, float]]:
    """Points earned and points possible: in all, and apart from it the extra credit; what nobody ran is left out."""
    for name, is_extra in (("total", False), ("extra credit", True)):
        counted = [
            result for result in results.by_id.values() if (result.graded_test.part in results.extra_credit) == is_extra
        ]
        if counted:
            yield name, sum(result.score for result in counted), sum(result.graded_test.points for result in counted)


def _row(result: Result) -> dict[str, str]:
    css = {Outcome.PASS: "pass", Outcome.FAIL: "fail"}.get(result.outcome, "unjudged")
    output = "" if result.outcome is Outcome.PASS else clean(result.output)
    return {
        "id": result.graded_test.id,
        "title": result.graded_test.title,
        "output": output,
        "css": css,
        "mark": _MARKS[result.outcome],
        "points": _points(result),
    }


def _for_staff(result: Result) -> list[str]:
    """What broke in a graded test that was not judged: for the terminal and the page of whoever runs the grader."""
    return [f"({result.staff['internal_error']})"] if "internal_error" in result.staff else []


def _points(result: Result) -> str:
    return f"{result.score:g}/{result.graded_test.points:g}"
