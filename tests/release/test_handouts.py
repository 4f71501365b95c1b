"""The handouts: they say what grades, in a form that everyone can read, and never in half."""

import dataclasses
import io
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pypdf
import pytest

from harness.assignment import ROOT, Part, Threshold
from harness.errors import InternalError, SettingsError, UsageError
from harness.grading.catalogue import GradedTest, collect
from harness.manifest import load
from harness.problems.attention.pictures import PARTS
from harness.release.handouts import handouts
from harness.release.handouts.course import load_course
from tests.assignments import with_parts, with_problem

REFERENCE = ROOT / "reference_solution" / "src"
FIGURES = 3
VOID = {"br", "hr", "img", "input", "link", "meta", "col"}

#: TeX that pandoc and Typst drop or garble without a word.
TRAPS = (r"\!", r"\;", r"\tag", r"\eqref", r"\substack", r"\textcolor", r"\smash", r"\begin{align", "{#eq")

Change = Callable[[Path], None]


class Page(HTMLParser):
    """What the tests ask about a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.headings: list[int] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "annotation"}:
            self.text += data

    def all(self, *wanted: str) -> list[dict[str, str]]:
        """The attributes of every element with one of these names."""
        return [attributes for tag, attributes in self.tags if tag in wanted]


@pytest.fixture(scope="module")
def graded_tests() -> tuple[GradedTest, ...]:
    return collect(load())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, graded_tests: tuple[GradedTest, ...]) -> Path:
    out = tmp_path_factory.mktemp("handouts")
    handouts.build(out, graded_tests, load())
    return out


@pytest.fixture(scope="module")
def page(built: Path) -> Page:
    return Page((built / "assignment.html").read_text(encoding="utf-8"))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources, to be changed."""
    return Path(shutil.copytree(handouts.SOURCES, tmp_path / "sources"))


def prose(page: Page) -> str:
    return " ".join(page.text.split())


def commands_of_run_sh() -> dict[str, str | None]:
    """Every command that `./run.sh` lists, with the file that it says it writes."""
    script = (REFERENCE / "run.sh").read_text(encoding="utf-8")
    usage = "\n".join(each.split("\nEND\n")[0] for each in script.split("<<'END'")[1:])
    listed = re.findall(r"^  (\w+) .*?(?:-> (\S+))?$", usage, flags=re.MULTILINE)
    return {command: file or None for command, file in listed}


# What it says.


def test_both_files_are_there_and_of_reasonable_size(built: Path) -> None:
    assert sorted(path.name for path in built.iterdir()) == sorted(handouts.NAMES)
    assert (built / "assignment.pdf").read_bytes().startswith(b"%PDF-")
    assert 50_000 < (built / "assignment.pdf").stat().st_size < 1_000_000
    assert (built / "assignment.html").stat().st_size < 200_000


def test_parts_have_one_name_and_the_rules_of_the_course_are_told(page: Page) -> None:
    text = prose(page)
    assert not re.search(r"part \([a-g]\)", text)
    course = load_course(handouts.SOURCES / "course.toml")
    assert "Late work." in text
    for sentence in (course.late, course.uploads, course.honour):
        assert sentence.replace("'", "") in re.sub("['\u2019]", "", text)


def test_no_figure_floats_and_no_colon_ends_a_page() -> None:
    assert "placement" not in (handouts.SOURCES / "macros.md.j2").read_text(encoding="utf-8")
    source = "Do this:\n\n```\nrun\n```\n\n= A heading:\n\nNo colon.\n\nThe end:"
    assert handouts.with_sticky_colons(source).startswith("#block(sticky: true)[\nDo this:\n]\n\n```")
    assert handouts.with_sticky_colons(source).count("sticky") == 1


def test_each_figure_follows_the_text_that_needs_it(page: Page) -> None:
    """Its first mention is a link in the text, and the figure comes after it, before the next heading."""
    order = [(tag, attributes.get("id") or attributes.get("href", "")) for tag, attributes in page.tags]
    for number in range(1, FIGURES + 1):
        mentioned, shown = order.index(("a", f"#figure-{number}")), order.index(("figure", f"figure-{number}"))
        assert mentioned < shown
        assert not any(re.fullmatch("h[1-6]", tag) for tag, _ in order[mentioned:shown])


def test_no_page_of_the_pdf_ends_with_a_heading_or_a_colon(built: Path) -> None:
    source = (built / "assignment.html").read_text(encoding="utf-8")
    headings = {
        _letters(re.sub("<[^>]+>", "", each)) for each in re.findall(r"<h[1-6][^>]*>(.*?)</h", source, re.DOTALL)
    }
    pages = [each.extract_text().rstrip().splitlines() for each in pypdf.PdfReader(built / "assignment.pdf").pages]
    assert any(_letters(line) in headings for lines in pages for line in lines)  # they are known when they are seen
    for lines in pages:
        *_, last, footer = (line.strip() for line in lines if line.strip())
        assert re.search(r"\d+ / \d+$", footer)
        assert not last.endswith(":")
        assert _letters(last) not in headings


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def test_each_part_shows_the_points_of_its_graded_tests(page: Page, graded_tests: tuple[GradedTest, ...]) -> None:
    text = prose(page)
    for part in load().parts:
        points = sum(graded_test.points for graded_test in graded_tests if graded_test.part == part.id)
        hidden = sum(
            graded_test.points
            for graded_test in graded_tests
            if graded_test.part == part.id and graded_test.kind == "hidden"
        )
        worth = f"{points:g} points" + (", extra credit" if part.extra_credit else "") if points else "No points"
        told = text.split(f"{part.id} {part.title} {worth}.")[1]
        assert f"Hidden tests: {hidden:g} point" in told[:150] or not hidden
    assert f"Together {load().points}" in text
    assert f"Extra credit, on top {load().extra_points}" in text


def test_basic_tests_are_named_and_hidden_ones_are_not(page: Page, graded_tests: tuple[GradedTest, ...]) -> None:
    text = prose(page)
    for graded_test in graded_tests:
        assert (graded_test.id in text) == (graded_test.kind == "basic")
        assert graded_test.kind == "basic" or graded_test.title not in text


def test_bars_come_from_the_manifest(tmp_path: Path, graded_tests: tuple[GradedTest, ...]) -> None:
    told = load()
    thresholds = {"vanilla": Threshold(0.125, 0.125), "perceiver": Threshold(0.07, 0.07)}
    handouts.build(tmp_path, graded_tests, with_problem("birthplaces", told, thresholds=thresholds))
    text = prose(Page((tmp_path / "assignment.html").read_text(encoding="utf-8")))
    assert "at least 12.5% of them" in text
    assert "at least 7% are correct" in text
    assert "10%" not in text


def test_dev_and_test_have_their_own_thresholds_in_the_handout(
    tmp_path: Path, graded_tests: tuple[GradedTest, ...]
) -> None:
    thresholds = {"vanilla": Threshold(0.125, 0.11), "perceiver": Threshold(0.07, 0.05)}
    handouts.build(tmp_path, graded_tests, with_problem("birthplaces", load(), thresholds=thresholds))
    text = prose(Page((tmp_path / "assignment.html").read_text(encoding="utf-8")))
    assert "at least 12.5% of them are correct on the dev set, and at least 11% on the test set" in text
    assert "at least 7% are correct on dev and at least 5% on test" in text


def test_commands_are_those_of_run_sh(page: Page) -> None:
    listed = commands_of_run_sh()
    named = set(re.findall(r"\./run\.sh (\w+)", prose(page)))
    assert named == set(listed)


def test_the_table_of_deliverables_is_the_manifests_and_run_shs() -> None:
    writes = {file: command for command, file in commands_of_run_sh().items() if file}
    for deliverable in load().deliverables:
        told = handouts.written_by(deliverable)
        if deliverable.kind == "code":
            blocks = "START_CODE_HERE" in (REFERENCE / "submission" / deliverable.name).read_text(encoding="utf-8")
            assert told.startswith("you, in part") == blocks
        else:
            assert told == f"`{writes[deliverable.name]}`"


def test_every_deliverable_is_listed(page: Page) -> None:
    text = prose(page)
    assert f"these {len(load().deliverables)} files" in text
    assert all(deliverable.name in text for deliverable in load().uploads)
    (optional,) = load().optional
    assert f"One more file is optional: {optional.name} (you, in parts 3a, 3b, 3c, 3d, 3e)." in text


def test_files_and_functions_that_it_names_exist() -> None:
    sources = ("assignment.md.j2", "birthplaces.md.j2", "attention.md.j2")
    source = "".join((handouts.SOURCES / name).read_text(encoding="utf-8") for name in sources)
    submission = REFERENCE / "submission"
    code = "".join(path.read_text(encoding="utf-8") for path in [*submission.glob("*.py"), REFERENCE / "run.py"])
    for path in re.findall(r"`(src/[\w./-]+)`", source):
        assert (ROOT / "reference_solution" / path).exists(), path
    for name in re.findall(r"`([a-z_]+\.py)`", source):
        assert (submission / name).exists() or (REFERENCE / name).exists(), name
    for name in re.findall(r"`([A-Za-z]+_[a-z_]+|[A-Z][a-z]+[A-Z][A-Za-z]+)`", source):
        assert name in code or name == "NotImplementedError", name
    for preset in re.findall(r"--preset (\w+)", source):
        assert preset in load().presets


# How it says it.


def test_the_page_reads_well_without_eyes(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert len(page.all("main")) == len(page.all("nav")) == 1
    assert page.all("th")
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert set(drawing["aria-labelledby"].split()) <= ids
    assert len(page.all("svg")) == len(page.all("desc")) == len(page.all("figcaption")) == FIGURES + len(PARTS)


def test_each_question_on_attention_has_a_picture_that_is_closed_at_first(page: Page, built: Path) -> None:
    text = (built / "assignment.html").read_text(encoding="utf-8")
    for part in PARTS:
        section = text.split(f'<section id="part-{part}"')[1].split("<section")[0]
        assert f'<figure id="picture-{part}">' in section
        assert "<details" in section
    assert not [attributes for attributes in page.all("details") if "open" in attributes]
    assert "mean 0.51, variance 0.23" in prose(page)  # one head
    assert "mean 0.49, variance 0.00" in prose(page)  # two heads


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    inner = [link["href"][1:] for link in page.all("a") if link["href"].startswith("#")]
    assert len(inner) > 10
    assert set(inner) <= set(ids)


def test_the_page_fetches_nothing(page: Page) -> None:
    assert not page.all("script", "link", "img", "iframe", "object")
    assert not [name for _, attributes in page.tags for name in attributes if name == "src"]
    assert "url(" not in (handouts.SOURCES / "style.css").read_text(encoding="utf-8")


def test_the_six_equations_are_whole(built: Path) -> None:
    text = (built / "assignment.html").read_text(encoding="utf-8")
    equations = re.findall(r'<div id="equation-(\d)" class="equation">(.*?)</div>', text, flags=re.DOTALL)
    assert [number for number, _ in equations] == ["1", "2", "3", "4", "5", "6"]
    for number, body in equations:
        assert f"({number})" in body
        if number in "134":
            assert all(f"<{tag}" in body for tag in ("mfrac", "msqrt", "msub"))
            assert "softmax" in body
            assert "\N{DOWN TACK}" in body


def test_the_source_keeps_clear_of_tex_that_gets_lost() -> None:
    source = (handouts.SOURCES / "assignment.md.j2").read_text(encoding="utf-8")
    assert not [trap for trap in TRAPS if trap in source]
    assert "CODE_HERE" not in source


# How it is made.


def test_two_builds_are_equal_to_the_byte(built: Path, tmp_path: Path, graded_tests: tuple[GradedTest, ...]) -> None:
    handouts.build(tmp_path / "elsewhere" / "again", graded_tests, load())
    for name in handouts.NAMES:
        assert (tmp_path / "elsewhere" / "again" / name).read_bytes() == (built / name).read_bytes()


def test_course_and_due_date_come_from_course_toml(
    sources: Path, tmp_path: Path, graded_tests: tuple[GradedTest, ...]
) -> None:
    course = (sources / "course.toml").read_text(encoding="utf-8")
    course = re.sub("(?m)^course = .*$", "course = 'R&D \"for\" $5_000 <now> #1'", course)
    course = re.sub("(?m)^due = .*$", "due = 2028-02-29T00:05:00", course)
    (sources / "course.toml").write_text(course, encoding="utf-8")
    handouts.build(tmp_path, graded_tests, load(), sources)
    text = prose(Page((tmp_path / "assignment.html").read_text(encoding="utf-8")))
    assert 'R&D "for" $5_000 <now> #1' in text
    assert "Due Tuesday, February 29, 2028, at 12:05 am Pacific Time." in text


def test_points_that_disagree_are_refused(tmp_path: Path, graded_tests: tuple[GradedTest, ...]) -> None:
    with pytest.raises(
        SettingsError, match=r"assignment\.toml:\d+: part \d[a-z]: points = \d+, but its graded tests give"
    ):
        handouts.build(tmp_path / "out", graded_tests[1:], load())
    assert not (tmp_path / "out").exists()


def edit(name: str, old: str, new: str) -> Change:
    def change(sources: Path) -> None:
        text = (sources / name).read_text(encoding="utf-8")
        assert old in text
        (sources / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (edit("birthplaces.md.j2", r"\sqrt{d/h}", r"\sqrt{d/h"), "pandoc does not convert it"),
        (
            edit("assignment.md.j2", "graded_points", "grated_points"),
            r"assignment\.md\.j2.*'grated_points' is undefined",
        ),
        (edit("assignment.md.j2", "<% endfor %>", "<% endfro %>"), r"assignment\.md\.j2:\d+.*endfro"),
        (edit("page.typ.j2", "#set par(", "#set parr("), "Typst does not set it: .*parr"),
        (edit("page.typ.j2", '"Libertinus Serif"', '"No Such Font"'), "Typst warns: unknown font family"),
        (edit("figures/block.svg", "<desc", "<dsec"), r"block\.svg: not valid SVG"),
        (edit("course.toml", "term =", "trem ="), r"course\.toml:\d+: trem = .*: no such key \('term' is missing\)"),
        (edit("course.toml", "due = 2027-04-04", "due = 2027-03-04"), "lies before issued"),
        (edit("course.toml", "due = 2027-04-04T23:59:00", "due = 2027-04-04"), "a local date and time is needed"),
        (edit("course.toml", "issued = 2027-03-12", 'issued = "March"'), "a date is needed"),
        (edit("course.toml", '"us-letter"', '"letter"'), r"course\.toml:\d+: paper = .letter.: one of us-letter, a4"),
        (edit("course.toml", "example = true", "example = 1"), "true or false is needed"),
    ],
)
def test_a_broken_source_is_named_and_leaves_nothing(
    change: Change, complaint: str, sources: Path, tmp_path: Path, graded_tests: tuple[GradedTest, ...]
) -> None:
    change(sources)
    with pytest.raises((InternalError, UsageError), match=complaint):
        handouts.build(tmp_path / "out", graded_tests, load(), sources)
    assert not (tmp_path / "out").exists()


def test_a_missing_course_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"course\.toml: cannot read"):
        load_course(tmp_path / "course.toml")


def test_extra_credit_is_told_apart(tmp_path: Path, page: Page, graded_tests: tuple[GradedTest, ...]) -> None:
    def as_extra(part: Part) -> Part:
        return dataclasses.replace(part, extra_credit=part.extra_credit or part.id == "1g")

    assert "1g Perceiver 14 Together 64 3a Copying (extra credit) 2" in prose(page)
    handouts.build(tmp_path, graded_tests, with_parts(as_extra))
    text = prose(Page((tmp_path / "assignment.html").read_text(encoding="utf-8")))
    assert "Together 50 1g Perceiver (extra credit) 14 3a Copying (extra credit) 2" in text
    assert "Extra credit, on top 24" in text


def words_of(pdf: bytes) -> str:
    return " ".join("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


def test_made_up_particulars_are_called_an_example_until_staff_write_theirs(
    sources: Path, graded_tests: tuple[GradedTest, ...]
) -> None:
    shown = handouts.handout(handouts.context_of(graded_tests, load(), sources), sources, handouts.DRAFT)
    edit("course.toml", "example = true", "example = false")(sources)
    theirs = handouts.handout(handouts.context_of(graded_tests, load(), sources), sources, handouts.DRAFT)
    for made, said in ((shown, True), (theirs, False)):
        assert (f"Example. {handouts.EXAMPLE}" in words_of(made["assignment.pdf"])) == said
        assert (handouts.EXAMPLE in made["assignment.html"].decode()) == said


def test_each_sheet_names_its_release(page: Page, sources: Path, graded_tests: tuple[GradedTest, ...]) -> None:
    assert handouts.DRAFT in prose(page)
    made = handouts.handout(handouts.context_of(graded_tests, load(), sources), sources, "0123abcd-4567cdef-89abcdef")
    assert "Release 0123abcd-4567cdef-89abcdef" in words_of(made["assignment.pdf"])
    assert "Release 0123abcd-4567cdef-89abcdef" in prose(Page(made["assignment.html"].decode()))


def test_pdf_says_the_points_that_grade(built: Path) -> None:
    text = words_of((built / "assignment.pdf").read_bytes())
    assert f"Together {load().points}" in text
    assert f"Extra credit, on top {load().extra_points}" in text


# Space for answers by hand.


@pytest.fixture
def with_space(tmp_path: Path) -> Callable[[str], Path]:
    """What course.toml says of space for answers -> the sources with it, beside the reference's written part."""

    def sources(told: str) -> Path:
        shutil.copytree(handouts.SOURCES, tmp_path / "handouts")
        shutil.copytree(ROOT / "reference_solution" / "written", tmp_path / "reference_solution" / "written")
        course = tmp_path / "handouts" / "course.toml"
        text = course.read_text(encoding="utf-8")
        assert "answer_space = {}" in text
        course.write_text(text.replace("answer_space = {}", told), encoding="utf-8")
        return tmp_path / "handouts"

    return sources


def test_questions_with_space_stand_below_their_parts(with_space: Callable[[str], Path]) -> None:
    sources = with_space('answer_space = { "3a" = 4, "3c ii" = 4.5 }')
    context = handouts.context_of(collect(load()), load(), sources)
    made = handouts.handout(context, sources, handouts.DRAFT)
    page = made["assignment.html"].decode()
    assert re.findall(r'class="answer" style="height: ([\d.]+cm)"', page) == ["4cm", "4.5cm"]
    asked = [
        page.index(text)
        for text in ("<strong>3a, in writing.", 'id="part-3b"', "<strong>3c ii, in writing.", 'id="part-3d"')
    ]
    assert asked == sorted(asked)
    assert "Which property of the query and the keys" in page
    assert "beat each of its" not in page  # the answer
    assert made["assignment.pdf"].startswith(b"%PDF")


def test_without_space_the_written_part_is_left_to_its_file(page: Page) -> None:
    assert "in writing" not in prose(page)


@pytest.mark.parametrize(("told", "expected"), [
    ('answer_space = { "3z" = 4 }', "answer_space.3z: no such question in a written part; there are 3a, 3b, 3c i,"),
    ('answer_space = { "3a" = "4cm" }', "a number of centimetres, at most 20, is needed"),
    ('answer_space = { "3a" = 40 }', "a number of centimetres, at most 20, is needed"),
    ("answer_space = 4", "a table is needed"),
])  # fmt: skip
def test_space_that_cannot_be_is_named_with_its_line(
    with_space: Callable[[str], Path], told: str, expected: str
) -> None:
    sources = with_space(told)
    lines = (sources / "course.toml").read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("answer_space"))
    with pytest.raises(SettingsError) as refused:
        handouts.context_of(collect(load()), load(), sources)
    assert str(refused.value).startswith(f"{sources / 'course.toml'}:{line}: ")
    assert expected in str(refused.value)
