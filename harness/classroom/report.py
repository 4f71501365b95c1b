"""The report on a class: one page without a network, and the same numbers as CSV and JSON beside it.

Promises: equal records give equal bytes. Names, student numbers and e-mails are in nothing of it unless `names` asks
for them; the one file that needs them, the scores for a learning platform, is written only then. Every figure says its
n and comes with a table. What looks odd is told with the numbers behind it, as a reason to look.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.assignment import Assignment, percent
from harness.classroom import figures
from harness.classroom.differences import Differences, differences
from harness.classroom.items import Accuracies, Item, Message, accuracies, items, messages
from harness.classroom.reading import FAIL, UNJUDGED, Upload, uploads
from harness.classroom.records import Record, State
from harness.classroom.similarity import Similarity
from harness.grading import catalogue
from harness.grading.results import UNRELEASED, replace_file

PAGE, TABLE, NUMBERS, SCORES = "report.html", "report.csv", "report.json", "scores.csv"
#: The page names this many messages, and pairs; report.json has all.
MOST_MESSAGES, MOST_PAIRS = 100, 200
_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Odd:
    """Something of one upload's predictions that is a reason to look."""

    upload: Upload
    test: str
    told: str


@dataclass(frozen=True)
class Class:
    """Everything that the report says."""

    title: str
    full: float
    extra_points: float
    names: bool
    uploads: tuple[Upload, ...]
    items: tuple[Item, ...]
    accuracies: tuple[Accuracies, ...]
    messages: tuple[Message, ...]
    differences: Differences
    odd: tuple[Odd, ...]
    asked: int  #: how many predictions files were asked for again
    similarity: Similarity = field(default_factory=Similarity)
    pages: Mapping[str, str] = field(default_factory=dict)  #: submission -> its own page, beside the report

    @property
    def graded(self) -> list[Upload]:
        """Those with a finished grade."""
        return [each for each in self.uploads if each.is_graded]

    @property
    def scores(self) -> list[float]:
        """Their scores."""
        return [each.now.score or 0.0 for each in self.graded]

    @property
    def releases(self) -> list[str]:
        """The releases that graded them."""
        return sorted({str(each.now.extra.get("release") or UNRELEASED) for each in self.graded})


def read(records: Sequence[Record], assignment: Assignment, *, names: bool = False) -> Class:
    """What the records say, without a look at the uploads themselves."""
    found = uploads(records, names=names)
    return Class(
        title=assignment.title,
        full=assignment.points,
        extra_points=assignment.extra_points,
        names=names,
        uploads=found,
        items=items(found),
        accuracies=accuracies(found, catalogue.thresholds(assignment)),
        messages=messages(found),
        differences=differences(found),
        odd=tuple(_odd(found)),
        asked=sum(1 for each in found if each.is_graded for _ in _provenance(each)),
    )


def write(found: Class, folder: Path) -> list[Path]:
    """Write the report into `folder`, each file in one step and readable for its owner alone; the paths."""
    files = {PAGE: as_html(found), TABLE: as_csv(found), NUMBERS: as_json(found)}
    if found.names:
        files[SCORES] = as_scores(found)
    for name, text in files.items():
        replace_file(folder / name, text.encode("utf-8"))
    return [folder / name for name in files]


# --- what is odd about predictions ------------------------------------------------------------------------------------


def _provenance(upload: Upload) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for line in upload.now.lines.values():
        told = line.extra.get("provenance")
        if isinstance(told, Mapping):
            yield line.test, told
    whole = upload.now.extra.get("provenance")
    for name, told in whole.items() if isinstance(whole, Mapping) else ():
        if isinstance(told, Mapping):
            yield str(name), told


def _odd(found: Sequence[Upload]) -> Iterator[Odd]:
    for upload in found:
        if upload.is_graded:
            for test, told in _provenance(upload):
                asked, given = told.get("asked"), told.get("given", told.get("agree"))
                counted = isinstance(asked, int) and isinstance(given, int)
                numbers = (
                    f"the uploaded params give {given} of {asked} lines that were asked for again" if counted else ""
                )
                why = str(told.get("doubt") or told.get("note") or "")
                few = counted and 2 * int(given or 0) < int(asked or 0)
                if why or few:
                    yield Odd(upload, test, upload.scrub("; ".join(part for part in (numbers, why) if part)))
            for line in upload.now.lines.values():
                if line.extra.get("look"):
                    yield Odd(upload, line.test, upload.scrub(str(line.extra["look"])))


# --- CSV and JSON -----------------------------------------------------------------------------------------------------


def as_csv(found: Class) -> str:
    """A line for each upload, with its points in each graded test."""
    tests = [item.test for item in found.items]
    head = ["upload", "state", "score", "before", "change", "cpu_seconds", "wall_seconds", "peak_mib", *tests]
    rows = [
        [
            each.label, each.record.state.value, *_scores_of(each), _rounded(each.record.cpu_seconds),
            _rounded(each.record.wall_seconds), _mebibytes(each.record.peak_bytes),
            *(_points(each, test) for test in tests),
        ]
        for each in found.uploads
    ]  # fmt: skip
    return _table([head, *rows])


def as_scores(found: Class) -> str:
    """Scores by person, in the columns that Canvas imports; Moodle and others map the same columns.

    Who handed in several times counts with the latest graded upload. Who has none is left out, so that an import
    leaves that score as it is.
    """
    rows: dict[tuple[str, str, str], tuple[str, Upload]] = {}
    for each in found.graded:
        when = each.record.created_at.isoformat() if each.record.created_at else ""
        for person in each.record.submitters:
            key = (person.name or "", person.sid or "", person.email or "")
            if any(key) and (key not in rows or rows[key][0] <= when):
                rows[key] = (when, each)
    head = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", found.title]
    possible = ["    Points Possible", "", "", "", "", f"{found.full:g}"]
    body = [
        [name, "", sid, email, "", f"{upload.now.score or 0:g}"] for (name, sid, email), (_, upload) in rows.items()
    ]
    return _table([head, possible, *sorted(body)])


def as_json(found: Class) -> str:
    """All numbers of the page, and those that it has no room for."""
    label = _labels(found)
    told = {
        "title": found.title,
        "points": found.full,
        "n": {"uploads": len(found.uploads), "graded": len(found.graded)},
        "releases": found.releases,
        "uploads": [_of_upload(each) for each in found.uploads],
        "graded_tests": [{**asdict(each), "rate": each.rate, "difficulty": each.difficulty} for each in found.items],
        "accuracies": [{**asdict(each), "n": len(each.shares), "met": each.met} for each in found.accuracies],
        "messages": [asdict(each) for each in found.messages],
        "differences": _of_differences(found.differences),
        "provenance": [{"upload": each.upload.label, "test": each.test, "told": each.told} for each in found.odd],
        "similarity": {
            "n": found.similarity.read,
            "earlier": found.similarity.earlier,
            "notes": found.similarity.notes,
            "pairs": [
                {**asdict(each), "first": label(each.first), "second": label(each.second)}
                for each in found.similarity.pairs
            ],
            "common": [
                {**asdict(each), "submissions": sorted(map(label, each.submissions))}
                for each in found.similarity.common
            ],
        },
    }
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _labels(found: Class) -> Callable[[str], str]:
    """What the report calls an upload of this term, or one of an earlier term, whose name may be a person's."""
    known = {each.record.submission: each.label for each in found.uploads}

    def label(name: str) -> str:
        if name in known:
            return known[name]
        if found.names:
            return name
        return f"earlier upload {hashlib.sha256(name.encode()).hexdigest()[:8]}"

    return label


def _of_upload(each: Upload) -> dict[str, Any]:
    return {
        "upload": each.label,
        "state": each.record.state.value,
        "reason": each.scrub(each.record.reason),
        "score": each.now.score if each.is_graded else None,
        "before": each.before.score,
        "failed": _failed(each),
        "cpu_seconds": each.record.cpu_seconds,
        "wall_seconds": each.record.wall_seconds,
        "peak_bytes": each.record.peak_bytes,
    }


def _of_differences(found: Differences) -> dict[str, Any]:
    changes = [
        {
            "upload": each.upload.label, "before": each.before, "now": each.now, "lost": each.lost,
            "gained": each.gained,
        }
        for each in found.changes
    ]  # fmt: skip
    tests = [asdict(each) for each in found.tests]
    return {"n": found.compared, "uploads": changes, "tests": tests, "added": found.added, "gone": found.gone}


def _table(rows: Sequence[Sequence[str]]) -> str:
    """CSV in which no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[_cell(cell) for cell in row] for row in rows])
    return out.getvalue()


def _cell(text: str) -> str:
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def _scores_of(each: Upload) -> tuple[str, str, str]:
    now, before = each.now.score if each.is_graded else None, each.before.score
    change = f"{now - before:g}" if now is not None and before is not None else ""
    return ("" if now is None else f"{now:g}", "" if before is None else f"{before:g}", change)


def _points(each: Upload, test: str) -> str:
    line = each.now.lines.get(test) if each.is_graded else None
    return "" if line is None or line.outcome == UNJUDGED else f"{line.score:g}"


def _failed(each: Upload) -> list[str]:
    return [line.test for line in each.now.lines.values() if line.outcome == FAIL] if each.is_graded else []


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _mebibytes(value: float | None) -> str:
    return "" if value is None else f"{value / 2**20:.0f}"


# --- the page ---------------------------------------------------------------------------------------------------------


def as_html(found: Class) -> str:
    """The page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        found=found,
        counts=_counts(found),
        figures=list(_figures(found)),
        items=[_item(each) for each in found.items],
        changes=[_change(each) for each in found.differences.changes],
        messages=found.messages[:MOST_MESSAGES],
        pairs=found.similarity.pairs[:MOST_PAIRS],
        label=_labels(found),
        rows=[_row(each, found.pages) for each in found.uploads],
        summary=_summary(found),
    )


def _counts(found: Class) -> list[tuple[str, int]]:
    states = [each.record.state for each in found.uploads]
    return [(state.value, states.count(state)) for state in State if state in states]


def _summary(found: Class) -> str:
    scores = found.scores
    if not scores:
        return "No upload has a finished grade yet."
    lost = sum(each.points < -1e-9 for each in found.differences.changes)
    gained = sum(each.points > 1e-9 for each in found.differences.changes)
    told = f"Median {statistics.median(scores):g}, mean {statistics.fmean(scores):.1f} points (n = {len(scores)})."
    if found.differences.compared:
        told += f" Against the run before {lost} lose points and {gained} gain some (n = {found.differences.compared})."
    return told


def _figures(found: Class) -> Iterator[dict[str, Any]]:
    """The scores, then the accuracies: picture, caption, and the table behind it."""
    if found.scores:
        shown = figures.histogram(found.scores, found.full)
        told = f"Scores of {len(found.scores)} uploads"
        yield _figure("scores", shown, "Scores", f"{told}; {_full(found)}.", "points")
    for at, each in enumerate(found.accuracies):
        shown = figures.histogram(each.shares, max(each.shares), is_share=True, threshold=each.threshold)
        told = f"{each.title} Of n = {len(each.shares)} uploads"
        if each.threshold is None:
            told += f" the median is {percent(round(statistics.median(each.shares), 3))} right."
        else:
            told += f" {each.met} reach the threshold of {percent(each.threshold)}, the dashed line."
        yield _figure(f"accuracy{at}", shown, f"Accuracy in {each.test}", told, "right answers")


def _full(found: Class) -> str:
    extra = f", with extra credit {found.full + found.extra_points:g}" if found.extra_points else ""
    return f"the full score is {found.full:g}{extra}"


def _figure(name: str, shown: figures.Histogram, title: str, caption: str, label: str) -> dict[str, Any]:
    svg = figures.svg(shown, name, label)
    return {"id": name, "title": title, "caption": caption, "svg": svg, "rows": shown.rows, "n": shown.n, "of": label}


def _item(each: Item) -> dict[str, str]:
    return {
        "test": each.test,
        "title": each.title,
        "points": f"{each.points:g}",
        "n": str(each.judged),
        "rate": "" if each.rate is None else f"{100 * each.rate:.1f}",
        "difficulty": "" if each.difficulty is None else f"{each.difficulty:.2f}",
        "discrimination": "" if each.discrimination is None else f"{each.discrimination:.2f}",
        "unjudged": str(each.unjudged),
        "seconds": "" if each.seconds is None else f"{each.seconds:.2f}",
        "mib": _mebibytes(each.peak_bytes),
    }


def _change(each: Any) -> dict[str, str]:
    return {
        "label": each.upload.label,
        "before": f"{each.before:g}",
        "now": f"{each.now:g}",
        "points": f"{each.points:+g}",
        "lost": ", ".join(each.lost),
        "gained": ", ".join(each.gained),
    }


def _row(each: Upload, pages: Mapping[str, str]) -> dict[str, str]:
    score, before, _ = _scores_of(each)
    return {
        "label": each.label,
        "page": pages.get(each.record.submission, ""),
        "state": each.record.state.value,
        "score": score,
        "before": before,
        "failed": ", ".join(_failed(each)),
        "failures": str(len(_failed(each))) if each.is_graded else "",
        "cpu": _rounded(each.record.cpu_seconds),
        "wall": _rounded(each.record.wall_seconds),
        "mib": _mebibytes(each.record.peak_bytes),
        "reason": each.scrub(each.record.reason),
    }
