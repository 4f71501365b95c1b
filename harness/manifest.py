"""assignment.toml, the single manifest, read.

Promises: an assignment that loads is complete and consistent in itself: names are unique, and what one entry says of
another exists. Problems that are switched off are in `disabled` and nowhere else, parts that are in `parts_off` of
their problem, and what belongs to them alone is nowhere. Does not check points against the graded tests; the catalogue
does that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from harness import settings
from harness.assignment import (
    AUDIENCES,
    KINDS,
    OVERHEAD_SECONDS,
    PLATFORM_SECONDS,
    ROOT,
    SPLITS,
    VISIBILITIES,
    Assignment,
    DataFile,
    Deliverable,
    Grade,
    Part,
    ProblemEntry,
    RunLimits,
    Threshold,
)
from harness.contradictions import contradictions
from harness.errors import SettingsError
from harness.settings import Table

#: No machine that grades has more memory, and a limit beyond it is a slip of the pen.
_LARGEST_MIB = 1 << 16

_PART = re.compile(r"\d[a-z]")

#: Lies beside the assignment.toml of a release that was made with one.
PROFILE = "profile.toml"
#: Names, in a checkout, the profile of the live release, for the processes of a grade.
PROFILE_VARIABLE = "HOLDOUT_PROFILE"


def load(path: Path | None = None, profile: Path | None = None) -> Assignment:
    """Read `path`, and lay `profile` over it.

    Without `path` it is what lies beside the grader, with the profile there if there is one.

    Raises:
        SettingsError: with file and line, where it is missing, no TOML, lacks or misnames a key, gives a value that
            cannot be, or contradicts itself.
    """
    if path is None:
        path, profile = ROOT / "assignment.toml", profile or _profile_here()
    laid = settings.read(profile, "the profile") if profile is not None else None
    assignment = _build(settings.read(path, "the assignment's manifest"), laid)
    for keys, contradiction in contradictions(assignment):
        place = keys if isinstance(keys, str) else settings.place(path, keys)
        raise SettingsError(f"{place}: {contradiction}")
    return replace(assignment, problems=tuple(_reduced(each) for each in assignment.problems))


def _profile_here() -> Path | None:
    named = os.environ.get(PROFILE_VARIABLE)
    beside = ROOT / PROFILE
    return Path(named) if named else beside if beside.is_file() else None


def _reduced(entry: ProblemEntry) -> ProblemEntry:
    """The problem without its parts that are off, and without the files that only those make."""
    on = tuple(part for part in entry.parts if part.enabled)
    ids = {part.id for part in on}
    graded = {part.id for part in on if not part.extra_credit}
    files = (
        replace(
            file,
            written_in=tuple(each for each in file.written_in if each in ids),
            optional=file.optional and not graded.intersection(file.written_in),
        )
        for file in entry.deliverables
        if not file.is_of_parts_alone or ids.intersection(file.written_in)
    )
    off = tuple(part for part in entry.parts if not part.enabled)
    return replace(entry, parts=on, deliverables=tuple(files), parts_off=off)


def _build(table: Table, laid: Table | None) -> Assignment:
    table.only(["title", "limits", "problems"], ["hidden_tests", "grades"])
    problems = table.table("problems")
    entries = [_entry(name, problems.table(name)) for name in problems.values]
    above = laid or Table(table.path, (), {})
    above.only([], ["title", "hidden_tests", "grades", "problems"])
    more = above.table("problems")
    for name in more.values:
        if name not in problems.values:
            more.refuse(name, f"no such problem; assignment.toml has {', '.join(problems.values)}")
    entries = [_overlaid(each, more.table(each.name)) for each in entries]
    visible = table.text("hidden_tests", VISIBILITIES[0], among=VISIBILITIES)
    return Assignment(
        title=above.text("title", table.text("title")),
        problems=tuple(each for each in entries if each.enabled),
        limits=_limits(table.table("limits")),
        disabled=tuple(each for each in entries if not each.enabled),
        hidden_tests=above.text("hidden_tests", visible, among=VISIBILITIES),
        grades=_grades(above if "grades" in above.values else table),
        profile=laid.path.stem if laid is not None else "",
        path=table.path,
        laid=laid,
    )


def _overlaid(entry: ProblemEntry, table: Table) -> ProblemEntry:
    """The problem as a profile has it."""
    table.only([], ["enabled", "parts", "thresholds"])
    parts, thresholds = table.table("parts"), table.table("thresholds")
    for told, known, what in ((parts, entry.part_ids, "part"), (thresholds, entry.thresholds, "threshold")):
        for name in told.values:
            if name not in known:
                told.refuse(name, f"no such {what}; {entry.name} has {', '.join(sorted(known)) or 'none'}")
    return replace(
        entry,
        enabled=table.flag("enabled", default=entry.enabled),
        parts=tuple(_overlaid_part(part, parts.table(part.id)) for part in entry.parts),
        thresholds={**entry.thresholds, **{name: _threshold(thresholds, name) for name in thresholds.values}},
    )


def _overlaid_part(part: Part, table: Table) -> Part:
    table.only([], ["title", "points", "extra_credit", "enabled"])
    points = table.whole("points", 0) if "points" in table.values else part.points
    return replace(
        part,
        title=table.text("title", part.title),
        points=points,
        extra_credit=table.flag("extra_credit", default=part.extra_credit),
        enabled=table.flag("enabled", default=part.enabled),
        declared=part.points if points != part.points else None,
    )


def _grades(table: Table) -> tuple[Grade, ...]:
    """The scale, lowest first."""
    found: list[Grade] = []
    for each in table.tables("grades"):
        each.only(["from", "grade"])
        found.append(Grade(each.whole("from", 0), each.text("grade")))
        if len(found) > 1 and found[-1].points <= found[-2].points:
            each.refuse("from", f"more than the {found[-2].points} points of the grade before it are needed")
    return tuple(found)


def _limits(table: Table) -> RunLimits:
    names = [each.name for each in fields(RunLimits)]
    table.only(names)
    most = PLATFORM_SECONDS - OVERHEAD_SECONDS
    told = (
        f"a number of seconds up to {most}, since Gradescope ends a run at {PLATFORM_SECONDS} and drops every result, "
        f"and all that is around the graded tests may take {OVERHEAD_SECONDS}"
    )
    run = table.number("run_seconds", 0, most, told)
    test = table.number("test_seconds", 0, run, "a number of seconds, no more than run_seconds,")
    home = table.number("home_seconds", 0, test, "a number of seconds, no more than test_seconds,")
    cpu = {name: table.whole(name, 1, run, ", as run_seconds says") for name in names if "cpu" in name}
    memory = {name: table.whole(name, 1, _LARGEST_MIB, " (64 GiB)") for name in names if name.endswith("_mib")}
    return RunLimits(run_seconds=run, test_seconds=test, home_seconds=home, **cpu, **memory)


def _entry(name: str, table: Table) -> ProblemEntry:
    needed = ("package", "enabled", "parts")
    known = [each.name for each in fields(ProblemEntry) if each.name not in ("name", "parts_off", *needed)]
    table.only(needed, known)
    script = table.text("script", "run.sh")
    return ProblemEntry(
        name,
        package=table.text("package"),
        enabled=table.flag("enabled"),
        parts=tuple(_part(each, number) for number, each in enumerate(table.tables("parts"))),
        script=script,
        deliverables=tuple(
            _deliverable(each, script, number) for number, each in enumerate(table.tables("deliverables"))
        ),
        data=tuple(_data_file(each) for each in table.tables("data")),
        template=table.texts("template"),
        demos=table.texts("demos"),
        written=table.text("written", ""),
        thresholds={each: _threshold(table.table("thresholds"), each) for each in table.table("thresholds").values},
        settings=table.table("settings").values,
        presets={each: _preset(table.table("presets").table(each)) for each in table.table("presets").values},
    )


def _part(table: Table, number: int) -> Part:
    table.only(["id", "title", "points"], ["extra_credit", "enabled", "needs"])
    if not _PART.fullmatch(table.text("id")):
        table.refuse("id", "a digit and a letter are needed, such as 1c")
    return Part(
        id=table.text("id"),
        title=table.text("title"),
        points=table.whole("points", 0),
        extra_credit=table.flag("extra_credit"),
        enabled=table.flag("enabled", default=True),
        needs=table.texts("needs"),
        number=number,
    )


def _deliverable(table: Table, script: str, number: int) -> Deliverable:
    table.only(["name", "kind"], ["optional", "written_in", "command", "made_from", "answers"])
    kind = table.text("kind", among=KINDS)
    return Deliverable(
        name=table.text("name"),
        kind=next(each for each in KINDS if each == kind),
        optional=table.flag("optional"),
        written_in=table.texts("written_in"),
        command=table.text("command", ""),
        made_from=table.text("made_from", ""),
        answers=table.text("answers", ""),
        script=script,
        number=number,
    )


def _data_file(table: Table) -> DataFile:
    table.only(["name", "audience"], ["answers", "tells_answers"])
    audience = table.text("audience", among=AUDIENCES)
    return DataFile(
        name=table.text("name"),
        audience=next(each for each in AUDIENCES if each == audience),
        answers=table.text("answers", ""),
        tells_answers=table.flag("tells_answers"),
    )


def _threshold(table: Table, name: str) -> Threshold:
    """One number for both splits, or a number for each."""
    fraction = "a fraction of the questions, above 0 and at most 1 (0.10 is 10%),"
    if isinstance(table.values[name], dict):
        each = table.table(name)
        each.only(SPLITS)
        return Threshold(*(each.number(split, 0, 1, fraction) for split in SPLITS))
    value = table.number(name, 0, 1, f"{fraction} or {{ dev = ..., test = ... }}")
    return Threshold(value, value)


def _preset(table: Table) -> Mapping[str, int | float | str]:
    for name, value in table.values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            table.refuse(name, "a number or a text is needed")
    return table.values
