"""The report in a real browser: read without a mouse, without eyes, in the dark, on a phone, without a network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import manifest
from harness.classroom import report
from harness.classroom.similarity import Common, Pair, Similarity
from harness.grading.page import as_html
from harness.grading.results import NoteKind

from . import made_class
from .test_pages import graded

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    records = made_class.records(60)
    first, second, third = (each.submission for each in records[:3])
    pairs = (
        Pair(
            "answers", "x.predictions", first, second, "57 of the 120 questions that both answer wrongly are equal", 9.0
        ),
        Pair("code", "code", first, "earlier/somebody", "80 fingerprints of code are the same", 8.0, is_earlier=True),
    )
    common = (Common("params", "x.params", (first, second, third), "3 of 60 uploads hold the same numbers"),)
    found = report.read(records, manifest.load())
    found = replace(found, similarity=Similarity(60, 1, pairs, common, ("x.predictions were not compared",)))
    return report.write(found, tmp_path_factory.mktemp("report"))[0].as_uri()


@pytest.fixture(scope="module")
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, address):
    """(scheme, size) -> the report in a page of its own; nothing on it may complain or ask for anything."""
    contexts, complaints = [], []

    def open_in(scheme: str = "light", size: str = "desktop"):
        contexts.append(browser.new_context(viewport=SIZES[size], color_scheme=scheme, offline=True))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url != address else None)
        page.goto(address)
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_that_shuts_readers_out(opened, scheme, size):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(scheme, size)
    for details in page.locator("details").all():
        details.evaluate("element => element.open = true")
    found = axe.Axe().run(page).response
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
    assert len(found["passes"]) > 20  # it did look


@pytest.mark.parametrize("size", SIZES)
def test_nothing_but_tables_scrolls_sideways(opened, size):
    page = opened(size=size)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    assert page.locator(".scroll").evaluate_all("all => all.every(each => each.tabIndex === 0)")


def test_colours_follow_the_scheme(opened):
    paper, bar = (
        "getComputedStyle(document.body).backgroundColor",
        "getComputedStyle(document.querySelector('figure path[style*=bar]')).fill",
    )
    light, dark = opened("light"), opened("dark")
    assert light.evaluate(paper) != dark.evaluate(paper)
    assert light.evaluate(bar) != dark.evaluate(bar)


def test_search_by_keyboard_shows_the_rows_with_all_words(opened):
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("set aside")
    rows = page.locator("#uploads tbody tr:visible")
    assert 0 < rows.count() < 60
    assert page.locator("#hits").text_content() == f"{rows.count()} of 60 uploads"
    assert all("set aside" in text for text in rows.all_text_contents())
    page.locator("#search").fill("")
    assert rows.count() == 60


def test_sort_by_keyboard_orders_numbers_and_leaves_empty_cells_last(opened):
    page = opened()
    heading = page.locator("#uploads thead th", has_text="Score")
    heading.locator("button").focus()
    for order, sign in (("ascending", 1), ("descending", -1)):
        page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == order
        cells = page.locator("#uploads tbody tr td:nth-child(3)").all_text_contents()
        numbers = [sign * float(cell) for cell in cells if cell]
        assert numbers == sorted(numbers)
        assert "" in cells
        assert cells[len(numbers) :] == [""] * (len(cells) - len(numbers))
    page.locator("#uploads thead button").first.press("Space")
    assert heading.get_attribute("aria-sort") is None


def test_the_first_key_leads_past_the_header(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    assert page.locator(".skip").bounding_box()["x"] >= 0


def test_without_scripts_everything_is_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#uploads tbody tr").count() == 60
    context.close()


# The page of one grade, `grade --html`.


@pytest.fixture(scope="module")
def grade_page(tmp_path_factory):
    """A view of a grade -> its page, with words that no line can hold."""
    results = graded()
    results.add_note(NoteKind.UPLOAD, f"{'long_name_' * 30}.py: is no file to upload")
    first, second, *_ = results.by_id
    for test_id, text in ((first, f"seen:     {'x' * 400}"), (second, "seen:     " + "13 of 200, " * 80)):
        results.by_id[test_id] = replace(results.by_id[test_id], output=text)
    titles = {part.id: part.title for part in manifest.load().parts}

    def written(view):
        path = tmp_path_factory.mktemp(view) / "page.html"
        path.write_text(as_html(results, f"{'ada' * 60}.zip", titles, view), encoding="utf-8")
        return path.as_uri()

    return written


@pytest.fixture(params=["student", "staff"])
def of_a_grade(request, browser, grade_page):
    """(scheme, size) -> the page of a grade, in both views."""
    contexts = []

    def open_in(scheme: str = "light", size: str = "desktop"):
        contexts.append(browser.new_context(viewport=SIZES[size], color_scheme=scheme, offline=True))
        page = contexts[-1].new_page()
        page.goto(grade_page(request.param))
        return page

    yield open_in
    for context in contexts:
        context.close()


@pytest.mark.parametrize("size", SIZES)
def test_page_of_a_grade_loses_nothing_at_any_width(of_a_grade, size):
    """Nothing reaches beyond the screen, and no box hides what is too wide for it."""
    page = of_a_grade(size=size)
    width = SIZES[size]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = f"all => all.filter(each => each.getBoundingClientRect().right > {width}).map(each => each.outerHTML)"
    assert page.locator("body *").evaluate_all(beyond) == []
    assert page.locator("pre").count() > 10
    cut = "all => all.filter(each => each.scrollWidth > each.clientWidth + 1).length"
    assert page.locator("pre").evaluate_all(cut) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_on_the_page_of_a_grade(of_a_grade, scheme, size):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(of_a_grade(scheme, size)).response
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
    assert len(found["passes"]) > 10  # it did look
