"""What the strip makes of correct references: Python, LaTeX, and files that hold no blocks."""

import json
import textwrap

import pytest

from harness.release.strip import strip, strip_tree

START, END = "### START_CODE_HERE ###", "### END_CODE_HERE ###"
CANARY = "# canary: 0123456789abcdef"


def stripped(name: str, text: str) -> str:
    result = strip(name, text.encode())
    assert result.findings == ()
    return result.data.decode()


def block(body: str, indent: str = "") -> str:
    return textwrap.indent(f"{START}\n{CANARY}\n{body}\n{END}\n", indent)


def test_block_in_a_function_raises_in_the_template():
    text = "def area(width, height):\n" + block("return width * height", "    ")
    assert stripped("model.py", text) == (
        f'def area(width, height):\n    {START}\n    raise NotImplementedError("area is not written yet")\n    {END}\n'
    )


def test_block_in_a_method_names_the_class():
    text = "class Shape:\n    async def area(self):\n" + block("return 1", "        ") + "\n    sides = 4\n"
    assert 'raise NotImplementedError("Shape.area is not written yet")' in stripped("model.py", text)


@pytest.mark.parametrize(
    ("head", "indent"), [("", ""), ("class Shape:\n    sides = 4\n", "    "), ("def f():\n    class A:\n", " " * 8)]
)
def test_block_outside_functions_passes_in_the_template(head, indent):
    text = head + block("sides_of_a_square = 4", indent)
    assert stripped("model.py", text) == f"{head}{indent}{START}\n{indent}pass\n{indent}{END}\n"


def test_block_at_the_end_of_a_function_may_be_followed_by_code_further_out():
    text = "def one():\n    x = 1\n" + block("return x", "    ") + "\n\ndef two():\n    return 2\n"
    assert stripped("model.py", text).endswith(f"    {END}\n\n\ndef two():\n    return 2\n")


def test_stub_lines_become_code_and_keep_their_indent():
    body = "#| def area(width, height):\n#|     return None\ndef area(width, height):\n    return width * height"
    expected = f"{START}\ndef area(width, height):\n    return None\n{END}\n\nprint(area(1, 2))\n"
    assert stripped("model.py", block(body) + "\nprint(area(1, 2))\n") == expected


def test_block_inside_an_expression_with_a_stub_is_accepted():
    text = "def sizes():\n    return [\n        1,\n" + block("#| None,\n2,\n3,", " " * 8) + "    ]\n"
    assert f"        1,\n        {START}\n        None,\n        {END}\n    ]\n" in stripped("model.py", text)


def test_decorated_function_is_a_whole_statement():
    text = "import functools\n\n" + block("@functools.cache\ndef f():\n    return 1")
    assert stripped("model.py", text) == f"import functools\n\n{START}\npass\n{END}\n"


def test_name_bound_in_a_module_block_and_outside_of_it_needs_no_stub():
    text = "RATE = None\n" + block("RATE = 6e-4") + "\n\ndef rate():\n    return RATE\n"
    assert f"{START}\npass\n{END}" in stripped("model.py", text)


def test_marker_text_in_public_strings_is_refused_but_other_hashes_are_not():
    text = 'HELP = """\n### STARTING ###\n# canary bird\n"""\n'
    assert stripped("model.py", text) == text


@pytest.mark.parametrize("head", ["try:\n    x = 1\nexcept ValueError:\n", "match 1:\n    case 1:\n    "])
def test_block_in_a_handler_or_a_case_is_accepted(head):
    indent = " " * (8 if head.startswith("match") else 4)
    head = head.removesuffix("    ") if head.startswith("match") else head
    assert f"{indent}pass" in stripped("model.py", head + block("print(2)", indent))


def test_tex_block_leaves_an_empty_line():
    text = f"\\section{{a}}\n% {START}\n% canary: 0123456789abcdef\nIt is $1$.\n% {END}\n"
    assert stripped("answers.tex", text) == f"\\section{{a}}\n% {START}\n\n% {END}\n"


def test_tex_stub_lines_become_text():
    text = f"% {START}\n%| Write here.\n% canary: 0123456789abcdef\nIt is $1$.\n% {END}\n"
    assert stripped("answers.tex", text) == f"% {START}\nWrite here.\n% {END}\n"


def test_text_and_binary_files_pass_untouched():
    assert stripped("requirements.txt", "torch\n") == "torch\n"
    assert strip("figure.png", b"\x89PNG\r\n\0").data == b"\x89PNG\r\n\0"


def notebook(*cells: dict[str, object]) -> str:
    return json.dumps({"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4}, indent=1)


def test_notebook_forgets_its_run_and_keeps_what_it_says():
    text = notebook(
        {"cell_type": "markdown", "attachments": {"a.png": {}}, "metadata": {}, "source": ["# Demo\n", "Text"]},
        {
            "cell_type": "code",
            "execution_count": 7,
            "metadata": {"tags": ["x"]},
            "outputs": [{"text": ["42"]}],
            "source": ["%matplotlib inline\n", "answer = 'ü'"],
        },
    )
    made = json.loads(stripped("demo.ipynb", text))
    assert made["metadata"] == {"kernelspec": {"name": "python3"}}
    assert made["cells"] == [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Demo\n", "Text"]},
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {"tags": ["x"]},
            "outputs": [],
            "source": ["%matplotlib inline\n", "answer = 'ü'"],
        },
    ]


@pytest.mark.parametrize("place", ["source", "metadata"])
def test_marker_in_a_notebook_is_refused_wherever_it_stands(place):
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "source": "x = 1",
        place: {"note": "BEGIN CODE HERE"},
    }
    (finding,) = strip("demo.ipynb", notebook(cell).encode()).findings
    assert str(finding).startswith("demo.ipynb:")
    assert "only .py and .tex files hold solution blocks" in str(finding)


def test_template_is_left_as_it_is():
    text = "def area(width, height):\n" + block("return width * height", "    ")
    once = strip("model.py", text.encode()).data
    again = strip("model.py", once, is_template=True)
    assert (again.data, again.findings) == (once, ())


def test_tree_keeps_every_file_and_all_blocks():
    files = {"a.py": block("x = 1").encode(), "b.txt": b"b\n"}
    tree = strip_tree(files, shown_as="reference/")
    assert tree.files == {"a.py": f"{START}\npass\n{END}\n".encode(), "b.txt": b"b\n"}
    assert [(found.where, found.canary) for found in tree.blocks] == [("reference/a.py:1-4", "0123456789abcdef")]
