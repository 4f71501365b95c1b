"""Planted leaks are found by their rule, with artefact and line; a clean release raises no alarm."""

import base64
import bz2
import gzip
import io
import json
import lzma
import textwrap
import zipfile
import zlib

import pytest

from harness.intake.zips import zipped
from harness.release import template
from harness.release.leaks import Artefact, Secrets, artefacts, check
from harness.release.leaks.rules import Excuse
from tests.release.shapes import GOLD, HIDDEN, MODEL, PEOPLE, TOWNS

KEY = b"8c1f0e6f5b4a49d2a7c3905d2e61b7f4"
SEEDS = b"a5e1ed0f" * 16
WIKI = "\n".join(f"{name} was born in {town}." for name, town in zip(PEOPLE, TOWNS, strict=True)).encode()

INPUTS = "".join(line.split("\t")[0] + "\n" for line in GOLD.splitlines())

CLEAN = {
    "README.md": "# Shapes\n\nWrite `area` in src/model.py and run it. An area is width times height.\n",
    "src/grader.py": "import sys\n\nfrom harness.cli import main\n\nsys.exit(main(sys.argv[1:]))\n",
    "src/harness/tests_basic/test_area.py": (
        "def test_area_of_squares(student):\n"
        '    """The area of a square is right."""\n'
        '    for width in (1, 2):\n        assert student.run("area", width=width, height=width) == width * width\n'
    ),
    "src/data/wiki.txt": WIKI.decode(),
    "src/data/birth_test_inputs.tsv": INPUTS,
    "src/demo.ipynb": json.dumps(
        {"cells": [{"cell_type": "markdown", "source": ["# Demo\n", "Read it.\n"]}]}, indent=1
    ),
}


@pytest.fixture
def secrets(repository, lists):
    tree = template.make(repository, lists)
    hidden = {"harness/tests_hidden/test_area.py": HIDDEN}
    return Secrets(tree.blocks, tree.files, hidden, (GOLD.encode(),), frozenset({WIKI}), KEY, SEEDS)


@pytest.fixture
def found(secrets):
    """Check student.zip with some files added or replaced; the findings as lines."""

    def look(planted=(), comment=b"", **excused):
        files = {path: text.encode() for path, text in CLEAN.items()} | dict(secrets.public)
        listed = frozenset(files) | {path for path, _ in planted if path != "src/extra.py"}
        data = zipped({**files, **{path: each if isinstance(each, bytes) else each.encode() for path, each in planted}})
        if comment:
            into = io.BytesIO(data)
            with zipfile.ZipFile(into, "a") as archive:
                archive.comment = comment
            data = into.getvalue()
        return [str(leak) for leak in check([Artefact("student.zip", data, listed)], secrets, **excused)]

    return look


def test_clean_release_has_no_findings(found):
    assert found() == []


SOLUTION = "rounded = round(width * height, ndigits=random.randint(3, 5))\n"
RENAMED = """
def surface(a, b):
    edges = [(0, 0), (0, b), (a, 0), (a, b)]
    return max(size, len(edges) * 0)
"""
COMMENT = "Multiply both sides, and be careful with the rounding of tiny rectangles.\n"
ANSWER = "The rectangle keeps its area when both of its sides are exchanged.\n"
CANARY = "00000000000000a1"


def nested_zip(name: str, data: bytes, *, compressed: bool = True, entry_comment: bytes = b"") -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        entry.comment = entry_comment
        archive.writestr(entry, data)
    return into.getvalue()


def png(kind: bytes, body: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13) + chunk(kind, body) + chunk(b"IEND", b"")


def jpeg(kind: bytes, body: bytes) -> bytes:
    """A picture of nothing, with one segment of text: COM (0xFE) or APP1 (0xE1), where cameras write."""
    return b"\xff\xd8\xff" + kind + (len(body) + 2).to_bytes(2, "big") + body + b"\xff\xd9"


def typeset(text: str) -> bytes:
    """A PDF as our own are made: its fonts are subsets, so its bytes hold numbers of glyphs and no letters."""
    import typst

    source = "#set document(date: none)\n" + f"#raw({json.dumps(text)})"
    return bytes(typst.compile(source.encode(), format="pdf", ignore_system_fonts=True))


def pdf(**change: object) -> bytes:
    """A PDF that says nothing on its pages, but has particulars or an attachment."""
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    if "metadata" in change:
        writer.add_metadata({"/Keywords": str(change["metadata"])})
    if "attached" in change:
        writer.add_attachment("old.zip", nested_zip("a.py", str(change["attached"]).encode()))
    into = io.BytesIO()
    writer.write(into)
    return into.getvalue()


def locked(data: bytes) -> bytes:
    """A zip whose only entry claims to be encrypted."""
    changed = bytearray(data)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[changed.index(sign) + offset] |= 1
    return bytes(changed)


def notebook(**cell: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": ["x = 1"], **cell}], "metadata": {}}, indent=1)


def stub_filled() -> str:
    return MODEL.replace("    # canary: 00000000000000a1\n", "")


GOLD_LINES = GOLD.splitlines()

PLANTS = {
    # the solution itself
    "solution line in a README": ("README.md", "# Shapes\n\n    " + SOLUTION, "shingle-8"),
    "solution line in a basic graded test": (
        "src/harness/tests_basic/test_area.py",
        "import random\n" + SOLUTION,
        "shingle-8",
    ),
    "solution line over two lines": ("src/grader.py", SOLUTION.replace(", ", ",\n    "), "shingle-8"),
    "solution commented out": ("src/grader.py", "".join(f"# {each}\n" for each in SOLUTION.split(" ", 2)), "shingle-8"),
    "solution in a docstring": ("src/grader.py", f'"""Such as\n\n    {SOLUTION}"""\n', "shingle-8"),
    "solution in HTML with coloured words": (
        "page.html",
        "<pre>" + SOLUTION.replace("random", "<b>random</b>").replace("3", "<i>3</i>") + "</pre>\n",
        "shingle-8",
    ),
    "solution in HTML entities": ("page.html", "<p>" + SOLUTION.replace("=", "&#61;") + "</p>", "shingle-8"),
    "short solution": ("src/run.sh", "echo max(least, first * 0.97 ** step)\n", "shingle-8"),
    "solution in a data file": ("src/data/notes.txt", SOLUTION, "shingle-8"),
    "solution in UTF-16": ("src/data/notes.txt", SOLUTION.encode("utf-16"), "shingle-8"),
    "solution with other names": ("src/grader.py", RENAMED, "shingle-16"),
    "block left in place": ("src/model.py", stub_filled(), "shingle-8"),
    "solution gzipped": ("src/data/notes.gz", gzip.compress(SOLUTION.encode()), "shingle-8"),
    "solution in base64": ("src/data/notes.txt", base64.b64encode(SOLUTION.encode()), "shingle-8"),
    "solution in base64 over several lines": ("src/notes.md", base64.encodebytes(SOLUTION.encode() * 3), "shingle-8"),
    "solution in hexadecimal": ("src/notes.md", SOLUTION.encode().hex(), "shingle-8"),
    "solution in a zip in the zip": ("src/data/old.zip", nested_zip("a.py", SOLUTION.encode()), "shingle-8"),
    "solution three zips deep": (
        "old.zip",
        nested_zip("b.zip", nested_zip("c.zip", nested_zip("a.py", SOLUTION.encode()))),
        "shingle-8",
    ),
    "solution in a notebook's output": ("src/demo.ipynb", notebook(outputs=[{"text": [SOLUTION]}]), "shingle-8"),
    "solution in a notebook's metadata": ("src/demo.ipynb", notebook(metadata={"note": SOLUTION}), "shingle-8"),
    "solution in an attachment of a notebook": (
        "src/demo.ipynb",
        notebook(attachments={"a.txt": {"text/plain": base64.b64encode(SOLUTION.encode() * 2).decode()}}),
        "shingle-8",
    ),
    "solution in a picture's text": ("figure.png", png(b"tEXt", b"Comment\0" + SOLUTION.encode()), "shingle-8"),
    "solution in a picture's packed text": (
        "figure.png",
        png(b"zTXt", b"Comment\0\0" + zlib.compress(SOLUTION.encode())),
        "shingle-8",
    ),
    "solution in a PDF's packed stream": (
        "handout.pdf",
        b"%PDF-1.7\n1 0 obj\n<<>>\nstream\n" + zlib.compress(SOLUTION.encode()) + b"\nendstream\n",
        "shingle-8",
    ),
    "solution in a picture's packed international text": (
        "figure.png",
        png(b"iTXt", b"Comment\0\1\0en\0Remark\0" + zlib.compress(SOLUTION.encode())),
        "shingle-8",
    ),
    "solution in a photograph's comment": ("photo.jpg", jpeg(b"\xfe", SOLUTION.encode()), "shingle-8"),
    "solution in a photograph's EXIF remark": (
        "photo.jpg",
        jpeg(b"\xe1", b"Exif\0\0II*\0UNICODE\0" + SOLUTION.encode("utf-16-le")),
        "shingle-8",
    ),
    "solution on a page with subset fonts": ("handout.pdf", typeset(SOLUTION), "shingle-8"),
    "solution in a PDF's particulars": ("handout.pdf", pdf(metadata=SOLUTION), "shingle-8"),
    "solution in a zip attached to a PDF": ("handout.pdf", pdf(attached=SOLUTION), "shingle-8"),
    "solution in bzip2": ("src/data/notes.bz2", bz2.compress(SOLUTION.encode()), "shingle-8"),
    "solution in xz": ("src/data/notes.xz", lzma.compress(SOLUTION.encode()), "shingle-8"),
    "canary on a page with subset fonts": ("handout.pdf", typeset(f"See {CANARY}."), "canary"),
    "answer on a page with subset fonts": ("handout.pdf", typeset(f"{PEOPLE[7]} comes from {TOWNS[7]}."), "answers"),
    # what stands around it
    "canary in a comment": ("src/grader.py", f"# {CANARY}\n", "canary"),
    "canary in capitals": ("README.md", "00000000000000A1\n", "canary"),
    "canary of another block": ("README.md", "00000000000000a2\n", "canary"),
    "canary in a file's name": (f"src/{CANARY}.txt", "x\n", "canary"),
    "canary in an entry's comment": ("a.zip", nested_zip("a", b"a", entry_comment=CANARY.encode()), "canary"),
    "canary in PDF bytes": ("handout.pdf", b"%PDF-1.7\n% " + CANARY.encode(), "canary"),
    "name of a variable": ("README.md", "Let rounded_product be their product.\n", "name"),
    "name of a variable in code": ("src/grader.py", "rounded_product = 1\n", "name"),
    "long name of one word": ("src/harness/tests_basic/test_area.py", "corners = []\n", "name"),
    "comment of a solution": ("README.md", COMMENT, "prose-6"),
    "comment of a solution, wrapped": ("README.md", textwrap.fill(COMMENT, 20), "prose-6"),
    "comment of a solution in capitals": ("src/grader.py", f'"""{COMMENT.upper()}"""\n', "prose-6"),
    "written answer": ("src/notes.md", "Note that " + ANSWER, "prose-6"),
    "marker that is none": ("src/grader.py", "### START_CODE_HERE\nx = 1\n", "marker"),
    "marker in prose": ("README.md", "Write between ### START_CODE_HERE ### and the end.\n", "marker"),
    "marker of another language": ("src/notes.md", "### END_CODE_HERE ###\n", "marker"),
    # hidden graded tests
    "hidden graded test": ("src/harness/tests_basic/test_more.py", HIDDEN, "hidden"),
    "hidden graded test commented out": ("src/grader.py", textwrap.indent(HIDDEN, "# "), "hidden"),
    "hidden graded test under another name": (
        "src/harness/tests_basic/test_more.py",
        HIDDEN.replace("test_area_of_wide_rectangles", "test_more").replace("1e-9", "1e-6"),
        "hidden",
    ),
    "hidden graded test's name": ("README.md", "See test_area_of_wide_rectangles.\n", "hidden"),
    # answers and key
    "gold file": ("src/data/birth_test.tsv", GOLD, "answers"),
    "gold file under another name": ("src/data/birth_old.txt", GOLD, "answers"),
    "one answer": ("src/data/birth_dev.tsv", GOLD_LINES[7] + "\n", "answers"),
    "one answer in another form": ("README.md", f"For example, {PEOPLE[7]} ({TOWNS[7]}) is hard.\n", "answers"),
    "answers as CSV": ("src/data/x.csv", "".join(f"{n},{place}\n" for n, place in enumerate(TOWNS)), "answers"),
    "answers alone": ("src/data/x.txt", "\n".join(TOWNS[10:20]), "answers"),
    "answers as JSON": ("src/data/x.json", json.dumps(TOWNS), "answers"),
    "answers gzipped": ("src/data/x.gz", gzip.compress(GOLD.encode()), "answers"),
    "answers in base64": ("src/data/x.txt", base64.encodebytes(GOLD.encode()), "answers"),
    "key": ("src/release.json", json.dumps({"key": KEY.decode()}), "key"),
    "secret behind the seeds": ("src/harness/seeds.secret", SEEDS, "key"),
    "key in capitals": ("src/release.json", KEY.upper(), "key"),
    "key as raw bytes": ("figure.png", bytes.fromhex(KEY.decode()), "key"),
    "key in hexadecimal": ("README.md", KEY.hex(), "key"),
    "key in base64": ("README.md", base64.b64encode(b"key=" + KEY), "key"),
    "key in urlsafe base64": ("README.md", base64.urlsafe_b64encode(bytes.fromhex(KEY.decode()) + b"??"), "key"),
}


@pytest.mark.parametrize("name", PLANTS)
def test_planted_leak_is_found_by_its_rule(found, name):
    path, content, rule = PLANTS[name]
    findings = found([(path, content)])
    assert any(
        f"(rule {rule})" in finding and (path in finding or "names and comments" in finding) for finding in findings
    )


def test_subset_fonts_hide_their_words_from_whoever_reads_the_bytes_alone():
    """Or the tests above would prove nothing."""
    made = typeset(SOLUTION)
    assert b"random.randint" not in made
    assert b"random.randint" not in b"".join(artefacts._pdf_streams(made))


def test_enough_leaks_are_planted():
    assert len(PLANTS) >= 40


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("src/old.zip", locked(nested_zip("a.py", SOLUTION.encode(), compressed=False))),
        ("src/old.zip", nested_zip("a.py", SOLUTION.encode() * 50).replace(b"\x08\x00", b"\x63\x00")),
        ("src/notes.gz", gzip.compress(SOLUTION.encode() * 50)[:-20]),
        ("src/notes.bz2", bz2.compress(SOLUTION.encode())[:-4]),
        ("src/notes.xz", lzma.compress(SOLUTION.encode())[:-4]),
        ("handout.pdf", typeset(SOLUTION)[:200]),
    ],
    ids=["locked zip", "unknown compression", "gzip cut off", "bzip2 cut off", "xz cut off", "PDF cut off"],
)
def test_what_cannot_be_opened_is_not_released(found, path, content):
    findings = found([(path, content)])
    assert [each for each in findings if f"{path}" in each and "cannot be opened: nobody knows" in each]


def test_what_lies_too_deep_is_not_released(found):
    data = SOLUTION.encode()
    for _ in range(12):
        data = nested_zip("inner.zip", data)
    assert any("cannot be opened: nobody knows what it holds" in each for each in found([("old.zip", data)]))


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("src/extra.py", b"x = 1\n", "LEAK student.zip!/src/extra.py: not on the release list"),
        ("src/a.pyc", b"\0", "LEAK student.zip!/src/a.pyc: a .pyc file is never released"),
        ("src/__pycache__/a", b"\0", "LEAK student.zip!/src/__pycache__/a: a a file is never released"),
        (".git/config", b"x", "LEAK student.zip!/.git/config: a config file is never released"),
        ("src/a.params", b"x", "LEAK student.zip!/src/a.params: a .params file is never released"),
        ("src/a.predictions", b"x", "LEAK student.zip!/src/a.predictions: a .predictions file is never released"),
    ],
)
def test_file_that_is_never_released_is_found(found, path, content, complaint):
    assert complaint in found([(path, content)])


@pytest.mark.parametrize("run", [{"outputs": [{"text": "x"}]}, {"execution_count": 3}, {"attachments": {"a": {}}}])
def test_notebook_that_was_run_is_found(found, run):
    complaint = "LEAK student.zip!/src/demo.ipynb: a notebook with outputs, counts or attachments of a run"
    assert complaint in found([("src/demo.ipynb", notebook(**run))])


def test_comment_of_the_zip_is_read(found):
    assert found(comment=f"made from {CANARY}".encode()) == [
        (
            "LEAK student.zip (names and comments):1 holds the canary of block reference_solution/src/model.py:8-14"
            " (rule canary)"
        )
    ]


def test_finding_names_line_length_and_block(found):
    readme = "# Shapes\n\nHint:\n\n    " + SOLUTION
    assert found([("README.md", readme)]) == [
        "LEAK student.zip!/README.md:5 repeats 17 tokens of block reference_solution/src/model.py:8-14 (rule shingle-8)"
    ]


def test_excused_names_and_passages_are_no_findings(found):
    planted = [("README.md", "Let rounded_product be\n\n    " + SOLUTION)]
    names = (Excuse("rounded_product", "the handout speaks of it"),)
    passages = (Excuse(SOLUTION, "shown in the lecture"),)
    assert found(planted) != []
    assert found(planted, names=names) != []
    assert found(planted, passages=passages) != []
    assert found(planted, names=names, passages=passages) == []


def test_messages_never_show_the_key_or_an_answer(found):
    findings = found([("README.md", KEY), ("src/notes.md", GOLD)])
    assert len(findings) == 2
    assert all(KEY.decode() not in finding and "ville" not in finding for finding in findings)


def test_autograder_may_hold_solution_and_answers_but_not_the_key(secrets):
    files = {"data/birth_test.tsv": GOLD.encode(), "reference_solution/model.py": MODEL.encode()}
    autograder = Artefact("autograder.zip", zipped(files), frozenset(files), for_students=False)
    assert check([autograder], secrets) == []
    with_key = {**files, "data/term.key": KEY}
    leaking = Artefact("autograder.zip", zipped(with_key), frozenset(files), for_students=False)
    assert [str(leak) for leak in check([leaking], secrets)] == [
        "LEAK autograder.zip!/data/term.key: not on the release list",
        "LEAK autograder.zip!/data/term.key:1 holds the secret key of this term (rule key)",
    ]


def test_places_that_everyone_is_told_are_no_answers(found):
    """Dev people born in the places of test people, and the test people's names, are public."""
    dev = "".join(f"Where was Other {name} born?\t{TOWNS[3]}\n" for name in "XYZ" * 9)
    assert found([("src/data/birth_dev.tsv", dev)]) == []
