"""The handouts: Jinja2 sources in handouts/, filled from the graded tests and assignment.toml, to PDF and HTML.

Promises: points, thresholds, limits and file names in a handout are those that grade; equal sources give equal bytes on
every machine (bundled fonts, no clock); whatever pandoc or Typst warn about is an error, since both drop mathematics in
silence otherwise; both files appear or neither. Needs Jinja2, pypandoc_binary and typst, which pip alone installs.
"""

from __future__ import annotations

import html
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from harness.assignment import ROOT, Assignment, Deliverable, Part, percent
from harness.errors import InternalError, UsageError
from harness.grading.catalogue import GradedTest, check_points
from harness.problem import problem_of
from harness.release.handouts.course import Course, load_course
from harness.release.handouts.written import spaces

SOURCES = ROOT / "handouts"
NAMES = ("assignment.pdf", "assignment.html")
TEMPLATE = "assignment.md.j2"
#: What a handout names in place of a release that it does not belong to.
DRAFT = "Draft, not a release"
EXAMPLE = "Course, term and dates are made up; staff write theirs into handouts/course.toml."

_SVG = "{http://www.w3.org/2000/svg}"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|$~^@'\"])")
_FORMATS = {"pdf": "typst", "html": "html5"}


@dataclass(frozen=True)
class Figure:
    """A drawing: its bytes for the PDF, and as part of a page."""

    svg: bytes
    inline: str
    alt: str


def build(
    out: Path, graded_tests: Sequence[GradedTest], assignment: Assignment, sources: Path = SOURCES
) -> tuple[Path, ...]:
    """Write the students' handouts, as drafts, into the folder `out`, which is made where it is missing; their paths.

    Raises:
        UsageError: course.toml or another source cannot be used.
        InternalError: graded tests and assignment.toml disagree, or a source does not convert without a warning.
    """
    return write(handout(context_of(graded_tests, assignment, sources), sources, DRAFT), out)


def handout(context: Mapping[str, Any], sources: Path, release: str) -> dict[str, bytes]:
    """The students' handouts by name, each with the `release` that it belongs to; raises as `build` does."""
    return typeset(sources, TEMPLATE, context, release)


def typeset(sources: Path, template: str, context: Mapping[str, Any], release: str) -> dict[str, bytes]:
    """A handout, which is a Markdown template in `sources`, as PDF and page; raises as `build` does."""
    stem = template.partition(".")[0]
    stamped = {**context, "release": release if release == DRAFT else f"Release {release}", "example": EXAMPLE}
    with tempfile.TemporaryDirectory(prefix="handouts-") as scratch:
        return {
            f"{stem}.pdf": _pdf(sources, template, stamped, Path(scratch)),
            f"{stem}.html": _page(sources, template, stamped, Path(scratch)),
        }


def write(made: Mapping[str, bytes], out: Path) -> tuple[Path, ...]:
    """Write these files into the folder `out`, each in one step; their paths."""
    out.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        partial = out / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(out / name)
    return tuple(out / name for name in made)


def course_of(sources: Path = SOURCES) -> Course:
    """What course.toml in the folder `sources` says; raises as `build` does."""
    return load_course(sources / "course.toml")


# What the templates see.


def context_of(graded_tests: Sequence[GradedTest], assignment: Assignment, sources: Path = SOURCES) -> dict[str, Any]:
    """What every handout may use; raises as `build` does."""
    check_points(graded_tests, assignment)
    course, reference = course_of(sources), sources.parent / "reference_solution"
    asked = spaces(course.answer_space, assignment, sources / "course.toml", reference)
    return {**_context(graded_tests, assignment, course, _figures(sources / "figures")), "spaces": asked}


def _context(
    graded_tests: Sequence[GradedTest], assignment: Assignment, course: Course, figures: Mapping[str, Figure]
) -> dict[str, Any]:
    parts = [
        _part(part, [graded_test for graded_test in graded_tests if graded_test.part == part.id])
        for part in assignment.parts
    ]
    example = next((each for each in graded_tests if each.kind == "basic"), graded_tests[0])
    return {
        **_of_problems(assignment, ROOT),
        "assignment": assignment,
        "course": course,
        "heading": assignment.title,
        "figures": figures,
        "problems": [{"name": entry.name} for entry in assignment.problems],
        "parts": parts,
        "parts_by_id": {part["id"]: part for part in parts},
        "graded_points": assignment.points,
        "extra_points": assignment.extra_points,
        "thresholds": assignment.thresholds,
        "limits": assignment.limits,
        "deliverables": [{"name": file.name, "written_by": written_by(file)} for file in assignment.deliverables],
        "scripts": sorted({f"`./{file.script}`" for file in assignment.deliverables if file.command}),
        "optional": [{"name": file.name, "written_by": written_by(file)} for file in assignment.optional],
        "example_test": example.id,
        "example_part": example.part,
    }


def _part(part: Part, graded_tests: Iterable[GradedTest]) -> dict[str, Any]:
    """A part for the templates; basic tests by name, hidden ones only in sum."""
    graded_tests = tuple(graded_tests)
    basic = [graded_test for graded_test in graded_tests if graded_test.kind == "basic"]
    hidden = [graded_test.points for graded_test in graded_tests if graded_test.kind == "hidden"]
    return {
        "id": part.id,
        "label": part.id,
        "title": part.title,
        "points": part.points,
        "extra_credit": part.extra_credit,
        "worth": f"{_points(part.points)}{', extra credit' if part.extra_credit and part.points else ''}".capitalize(),
        "basic": ", ".join(f"`{graded_test.id}` ({graded_test.points:g})" for graded_test in basic) or "none",
        "hidden": _points(sum(hidden)) if hidden else "none",
    }


def _points(count: float) -> str:
    return f"{count:g} point" if count == 1 else f"{count:g} points" if count else "no points"


def written_by(file: Deliverable) -> str:
    """Who or what makes a deliverable, in Markdown: its command, or the student."""
    if file.command:
        return f"`{file.command}`"
    if not file.written_in:
        return "given: leave it as it is"
    return f"you, in part{'s' * (len(file.written_in) > 1)} {', '.join(file.written_in)}"


def _figures(folder: Path) -> dict[str, Figure]:
    """Every drawing by name. Its `desc` element is what people hear who do not see it."""
    found = {}
    for path in sorted(folder.glob("*.svg")):
        text = path.read_text(encoding="utf-8")
        try:
            described = ET.fromstring(text).findtext(f"{_SVG}desc")  # noqa: S314 (our own file)
        except ET.ParseError as problem:
            raise UsageError(f"{path}: not valid SVG: {problem}") from problem
        if not described:
            raise UsageError(f"{path}: a drawing needs a <desc> element that says what it shows")
        found[path.stem] = Figure(text.encode(), text.strip(), described.strip())
    return found


def _of_problems(assignment: Assignment, root: Path) -> dict[str, Any]:
    """What the problems give their own sections."""
    more: dict[str, Any] = {}
    for entry in assignment.problems:
        gives = problem_of(entry).handout
        if gives is not None:
            more.update(gives(root))
    return more


# Jinja2, pandoc, Typst.


def _filled(sources: Path, name: str, context: Mapping[str, Any], **more: Any) -> str:
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 (Markdown and Typst are no HTML: each template escapes by filter)
        loader=jinja2.FileSystemLoader(sources),
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        md=lambda text: _MARKDOWN.sub(r"\\\1", str(text)),
        html=lambda text: html.escape(str(text)).replace("$", "$$"),  # $ begins a variable of pandoc's templates
        typst=lambda text: '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"',
        percent=percent,
        number=lambda value: f"{value:g}",
    )
    try:
        return environment.get_template(name).render(**context, **more)
    except jinja2.TemplateError as problem:
        line = getattr(problem, "lineno", None)
        raise UsageError(f"{sources / name}{f':{line}' if line else ''}: {problem}") from problem


def _converted(
    sources: Path, handout: str, context: Mapping[str, Any], scratch: Path, page: str, to: str, *options: str
) -> str:
    """The handout through pandoc, in the frame `page` (both are names of sources)."""
    import pypandoc

    frame = scratch / page.removesuffix(".j2")
    style = (sources / "style.css").read_text(encoding="utf-8").strip()
    frame.write_text(_filled(sources, page, context, style=style), encoding="utf-8")
    markdown = _filled(sources, handout, context, format=to)
    command = [
        str(pypandoc.get_pandoc_path()), "--from=markdown", f"--to={_FORMATS[to]}", "--standalone", "--wrap=preserve",
        "--fail-if-warnings", "--syntax-highlighting=none", f"--template={frame}",
        f"--metadata=title:{context['heading']}", *options,
    ]  # fmt: skip
    done = subprocess.run(command, input=markdown.encode(), capture_output=True, check=False, cwd=scratch)
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip()
        raise InternalError(f"{sources / handout}: pandoc does not convert it to {to}: {complaint}")
    return done.stdout.decode()


def _page(sources: Path, handout: str, context: Mapping[str, Any], scratch: Path) -> bytes:
    options = ("--mathml", "--toc", "--toc-depth=3", "--shift-heading-level-by=1", "--section-divs")
    return _converted(sources, handout, context, scratch, "page.html.j2", "html", *options).encode()


def with_sticky_colons(source: str) -> str:
    """Typst source in which a paragraph that ends with a colon stays on the page of what follows it."""
    paragraphs = source.split("\n\n")
    for place, text in enumerate(paragraphs[:-1]):
        if text.rstrip().endswith(":") and text.lstrip("\n")[:1].isalnum() and "#" not in text.splitlines()[0][:1]:
            paragraphs[place] = f"#block(sticky: true)[\n{text}\n]"
    return "\n\n".join(paragraphs)


def _pdf(sources: Path, handout: str, context: Mapping[str, Any], scratch: Path) -> bytes:
    import typst

    document = scratch / "handout.typ"
    source = _converted(sources, handout, context, scratch, "page.typ.j2", "pdf")
    document.write_text(with_sticky_colons(source), encoding="utf-8")
    for name, figure in context["figures"].items():
        (scratch / f"{name}.svg").write_bytes(figure.svg)
    try:
        made, warnings = typst.compile_with_warnings(document, format="pdf", ignore_system_fonts=True)
    except typst.TypstError as problem:
        raise InternalError(f"{sources / handout}: Typst does not set it: {problem}") from problem
    if warnings:
        raise InternalError(f"{sources / handout}: Typst warns: {warnings[0].message}")
    return bytes(made)
