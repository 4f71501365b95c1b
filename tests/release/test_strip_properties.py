"""Whatever the strip accepts parses, keeps every public byte, holds no canary, and stays the same when stripped again."""

import ast
import json
import textwrap

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.release.strip import Stripped, strip

START, END = "### START_CODE_HERE ###", "### END_CODE_HERE ###"
CANARY = "# canary: 0123456789abcdef"

LINES = st.sampled_from(
    [
        "x = 1",
        "y = [\n    1,\n    2,\n]",
        's = """\n### not a marker\n"""',
        "# a comment",
        "",
        "z = 'é ⁇ □'",
        "a = 1; b = 2",
        "print(x if x else y)",
        "with open('f') as f:\n    pass",
        "for i in range(3):\n    x = i\nelse:\n    x = 0",
        "try:\n    x = 1\nexcept ValueError:\n    pass\nfinally:\n    y = 2",
        "@property\ndef p(self):\n    return 1",
        "if x:\n    y = 1\nelif y:\n    x = 2",
        "t = (1,\n     2)  # why",
        "c = 1 + \\\n    2",
        "lambda: 0",
    ]
)
SUITES = st.lists(LINES, min_size=1, max_size=4).map("\n".join)
HEADS = st.sampled_from(["def f(self):", "class A:", "if True:", "while False:", "async def g():", ""])


def public(lines: list[str]) -> list[str]:
    """The lines that lie in no block, markers included."""
    inside = False
    kept = []
    for line in lines:
        inside = inside and line.strip() != END
        if not inside:
            kept.append(line)
        inside = inside or line.strip() == START
    return kept


def check_promises(name: str, text: str, result: Stripped) -> None:
    made = result.data.decode()
    ast.parse(made)
    assert public(made.split("\n")) == public(text.split("\n"))
    assert "canary" not in made
    again = strip(name, result.data, is_template=True)
    assert (again.data, again.findings) == (result.data, ())


@st.composite
def modules(draw):
    """A module with a block around some of its lines, at a column that is right or nearly so."""
    head, before, inside, after = draw(HEADS), draw(SUITES), draw(SUITES), draw(SUITES)
    marked = f"{START}\n{CANARY}\n{inside}\n{END}"
    body = f"{before}\n{marked}\n{after}"
    return f"{head}\n{textwrap.indent(body, '    ')}\n" if head else f"{body}\n"


@given(modules())
def test_accepted_modules_keep_the_promises(text):
    result = strip("model.py", text.encode())
    assume(not result.findings)
    check_promises("model.py", text, result)


@given(modules(), st.data())
@settings(max_examples=300)
def test_shifted_markers_are_refused_or_keep_the_promises(text, data):
    """Markers moved to any lines and columns: a block that cuts something is refused, never shipped broken."""
    lines = [line for line in text.split("\n") if line.strip() not in (START, END)]
    start = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(start, len(lines) - 1))
    indent = " " * data.draw(st.sampled_from([0, 4, 8]))
    lines = [*lines[:start], indent + START, *lines[start:end], indent + END, *lines[end:]]
    moved = "\n".join(lines)
    result = strip("model.py", moved.encode())
    if not result.findings:
        check_promises("model.py", moved, result)


@given(modules(), st.data())
@settings(max_examples=200)
def test_slips_of_the_pen_never_ship_the_canary(text, data):
    """One line lost, doubled, or changed in one character: refused, or nothing of the block is left."""
    lines = text.split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    slip = data.draw(st.sampled_from(["drop", "double", "letter", "upper", "space"]))
    line = lines[at]
    if slip == "letter" and line:
        column = data.draw(st.integers(0, len(line) - 1))
        line = line[:column] + data.draw(st.characters(codec="ascii", exclude_characters="\n\r\0")) + line[column + 1 :]
    changed = {"drop": [], "double": [line, line], "upper": [line.upper()], "space": [line + " "]}.get(slip, [line])
    result = strip("model.py", "\n".join([*lines[:at], *changed, *lines[at + 1 :]]).encode())
    assert result.findings or "canary" not in result.data.decode()


TEX = ["\\section{A}", "text $x$", "", "% why", "\\end{document}"]


@st.composite
def tex(draw):
    """A LaTeX text with a block in it, well-formed or not; its first lines may be a stub."""
    some = st.lists(st.sampled_from(TEX), max_size=4)
    stub = [f"%| {line}" for line in draw(some) if line]
    inside = ["% canary: 0123456789abcdef", *(stub if draw(st.booleans()) else []), *draw(some)]
    return [*draw(some), f"% {START}", *inside, f"% {END}", *draw(some), ""]


@given(tex())
def test_accepted_texts_keep_the_promises(lines):
    name, start, end = "answers.tex", f"% {START}", f"% {END}"
    result = strip(name, "\n".join(lines).encode())
    assume(not result.findings)
    made = result.data.decode().split("\n")
    for kept, told in ((made, "template"), (lines, "reference")):
        assert kept.count(start) == kept.count(end) == 1, told
    assert made[: made.index(start) + 1] == lines[: lines.index(start) + 1]
    assert made[made.index(end) :] == lines[lines.index(end) :]
    assert "canary" not in result.data.decode()
    again = strip(name, result.data, is_template=True)
    assert (again.data, again.findings) == (result.data, ())


@given(st.lists(LINES, max_size=3))
def test_notebooks_keep_what_they_say(sources):
    cells = [
        {"cell_type": "code", "source": source, "outputs": [{"text": source}], "execution_count": 7}
        for source in sources
    ]
    result = strip("demo.ipynb", json.dumps({"cells": cells, "metadata": {}}).encode())
    made = json.loads(result.data)["cells"]
    assert [cell["source"] for cell in made] == sources
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in made)
    assert strip("demo.ipynb", result.data, is_template=True).data == result.data


@given(
    st.binary(max_size=200),
    st.sampled_from(["a.py", "a.sh", "a.md", "a.tex", "a.toml", "a.yml", "a.ipynb", "a.html", "a"]),
)
def test_any_bytes_are_accepted_or_refused_but_never_crash(data, name):
    result = strip(name, data)
    assert result.findings or name == "a.ipynb" or result.data == data
