"""Parts that are switched off singly: nothing of them is graded, counted, handed out, asked for or taught."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness.assignment import ROOT, Assignment
from harness.errors import ReleaseRefusedError, SettingsError
from harness.grading import catalogue
from harness.manifest import load
from harness.release import lists as release_list
from harness.release import package, template
from harness.release.handouts import handouts, staff
from harness.release.strip import strip_tree

MANIFEST = (ROOT / "assignment.toml").read_text(encoding="utf-8")
PERCEIVER = {"perceiver.pretrain.params", "perceiver.finetune.params",
             "perceiver.pretrain.dev.predictions", "perceiver.pretrain.test.predictions"}  # fmt: skip
SCRATCH = {"vanilla.model.params", "vanilla.nopretrain.dev.predictions", "vanilla.nopretrain.test.predictions"}


def off(folder: Path, *parts: str) -> Assignment:
    """The shipped assignment with these parts switched off."""
    text = MANIFEST
    for part in parts:
        assert f'{{ id = "{part}",' in text
        text = text.replace(f'{{ id = "{part}",', f'{{ id = "{part}", enabled = false,')
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    return load(folder / "assignment.toml")


#: Parts to switch off, the files that go with them, and the points that stay: all, and extra credit.
CASES = [
    (["1g"], PERCEIVER, (50, 10)),
    (["3c", "3e"], set(), (64, 7)),
    (["1d"], SCRATCH, (58, 10)),
    (["1f", "1g"], PERCEIVER | {"vanilla.pretrain.params", "vanilla.finetune.params",
                                "vanilla.pretrain.dev.predictions", "vanilla.pretrain.test.predictions"}, (30, 10)),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "files", "points"), CASES)
def test_graded_tests_points_and_files_follow(tmp_path, parts, files, points):
    assignment, whole = off(tmp_path, *parts), load()
    graded = catalogue.collect(assignment)
    catalogue.check_points(graded, assignment)
    assert {each.part for each in graded} == {part.id for part in whole.parts} - {*parts}
    assert (assignment.points, assignment.extra_points) == points
    assert set(whole.uploads_by_name) - set(assignment.uploads_by_name) == files
    assert assignment.off == frozenset(parts) | whole.off
    assert not {*parts} & {part for each in assignment.uploads for part in each.written_in}
    assert set(catalogue.thresholds(assignment)) <= {each.id for each in graded}


def test_file_that_only_such_a_part_writes_is_given_then(tmp_path):
    assert "model.py" not in load().given
    assert "model.py" in off(tmp_path, "1g").given


@pytest.mark.parametrize(("parts", "files", "points"), CASES)
def test_template_does_not_ask_for_them(tmp_path, parts, files, points):
    assignment = off(tmp_path, *parts)
    tree = template.make(ROOT, release_list.load(assignment))
    text = {path: data.decode(errors="replace") for path, data in tree.files.items()}
    assert not [path for path, each in text.items() if re.search(r"ONLY_IN", each)]
    for path, each in text.items():
        assert not [part for part in parts if f"[part {part}" in each], path
        assert not [part for part in parts if re.search(rf"^\| {part} ", each, re.MULTILINE)], path
        assert not [name for name in files if re.search(rf"(?<![\w.]){re.escape(name)}", _prose(path, each))], path
    written = [part for part in parts if part != "1d"]  # which is commands alone
    assert [part for part in parts if f'"part {part} is not in this term' in "".join(text.values())] == written
    whole = template.make(ROOT, release_list.load(load()))
    assert len(tree.blocks) == len(whole.blocks)  # secrets of a part that is off stay secrets


def _prose(path: str, text: str) -> str:
    """A page; of run.sh what it says of its commands, of Python nothing."""
    return "" if path.endswith(".py") else text.partition("run() {")[0] if path.endswith("run.sh") else text


def test_written_part_asks_the_other_questions(tmp_path):
    tree = template.make(ROOT, release_list.load(off(tmp_path, "3c", "3e")))
    tex = tree.files["written/submission.tex"].decode()
    assert re.findall(r"\\begin\{answer\}\{(.+)\}", tex) == ["3a", "3b", "3d i", "3d ii"]
    assert "The covariances" in tex or "covariances $\\Sigma_i$" in tex  # 3d needs what is said before 3c
    assert "\\section*{Practice}" not in tex


def test_commands_still_run(tmp_path):
    for parts in ([], ["1g"], ["1d"], ["1f", "1g"]):
        tree = template.make(ROOT, release_list.load(off(tmp_path, *parts)))
        script = tmp_path / "run.sh"
        script.write_bytes(tree.files["src/run.sh"])
        said = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=True).stdout
        named = set(re.findall(r"^  (\w+)", said, re.MULTILINE))
        assert {each.command for each in load().uploads if each.command} - named == {
            each.command for each in load().uploads if each.command and set(each.written_in) <= {*parts}
        }


def test_graded_tests_of_a_part_that_is_off_are_in_no_zip(tmp_path):
    listed = release_list.load(off(tmp_path, "1g"))
    grader = package.autograder_files(ROOT, listed)
    student = package.student_files(ROOT, listed, {})
    assert not [path for path in (*grader, *student) if "test_part_g" in path]
    assert "harness/tests_hidden/test_part_f.py" in grader


@pytest.mark.parametrize(("parts", "gone", "kept"), [
    (["1g"], ["1g", "DownProjectBlock", "rebuild the first", "perceiver_pretrain"], ["1f Pretraining", "(6)"]),
    (["3c", "3e"], ["3c One head", "noisy_query", "projection_from_sum"], ["two_queries", "is drawn from", "3d Two heads"]),
    (["1d"], ["1d Predictions", "vanilla_eval_dev_without_pretrain"], ["1c Finetuning"]),
])  # fmt: skip
def test_handouts_leave_them_out(tmp_path, parts, gone, kept):
    assignment = off(tmp_path, *parts)
    graded = catalogue.collect(assignment)
    context = handouts.context_of(graded, assignment)
    text = re.sub(r"\s+", " ", handouts._filled(handouts.SOURCES, handouts.TEMPLATE, {
        **context, "release": "r", "example": ""}, format="html"))  # fmt: skip
    for each in gone:
        assert each.lower() not in text.lower(), each
    for each in kept:
        assert each.replace("is drawn from", "be drawn from") in text, each
    made = staff.handout(context, graded, assignment, handouts.SOURCES, staff.REFERENCE, handouts.DRAFT)
    page = made["staff.html"].decode()
    assert not [part for part in parts if part.startswith("3") and f"{part} i" in page]
    assert made["staff.pdf"].startswith(b"%PDF")
    assert handouts.handout(context, handouts.SOURCES, handouts.DRAFT)["assignment.pdf"].startswith(b"%PDF")


# What cannot be.


@pytest.mark.parametrize(("parts", "told"), [
    (["1e"], "part 1f needs 1e, and that is off: switch 1f off as well (enabled = false), or the other on"),
    (["1f"], "part 1g needs 1f, and that is off"),
    (["1c"], "part 1d needs 1c, and that is off"),
    (["3a", "3b", "3c", "3d", "3e"], "all its parts are off: set enabled = false for the problem"),
])  # fmt: skip
def test_part_that_others_need_is_refused_with_its_line(tmp_path, parts, told):
    with pytest.raises(SettingsError) as refused:
        off(tmp_path, *parts)
    place, _, said = str(refused.value).partition(": ")
    assert said.startswith(told)
    needy = re.search(r"part (\d\w) needs", told)
    start = f'{{ id = "{needy[1]}"' if needy else "[problems.attention]"
    line = MANIFEST[: MANIFEST.index(start)].count("\n") + 1
    assert place.endswith(f"assignment.toml:{line + (0 if needy else 3)}")


def test_file_that_is_made_from_one_of_such_a_part_is_refused(tmp_path):
    text = MANIFEST.replace('made_from = "perceiver.pretrain.params"', 'made_from = "vanilla.model.params"')
    (tmp_path / "assignment.toml").write_text(text.replace('{ id = "1d",', '{ id = "1d", enabled = false,'), "utf-8")
    with pytest.raises(SettingsError, match=r"assignment\.toml:\d+: deliverable 'perceiver\.finetune\.params' is made "
                       r"from vanilla\.model\.params, which part 1d makes, and that is off: switch 1g off"):  # fmt: skip
        load(tmp_path / "assignment.toml")


# The markers.


@pytest.mark.parametrize(("text", "told"), [
    ("### ONLY_IN 1g ###\na\n", "a.md:1: ONLY_IN without END_ONLY_IN"),
    ("a\n### END_ONLY_IN ###\n", "a.md:2: END_ONLY_IN without ONLY_IN"),
    ("### ONLY_IN 1g ###\n### ONLY_IN 1d ###\n### END_ONLY_IN ###\n", "a.md:2: ONLY_IN inside the one that starts at line 1"),
    ("### ONLY_IN 9z ###\n### END_ONLY_IN ###\n", "a.md:1: ONLY_IN 9z: assignment.toml has no such part"),
    ("<!-- ### ONLY IN 1g ### -->\n", "a.md:1: looks like ONLY_IN but is not"),
    ("### ONLY_IN 1G ###\n### END_ONLY_IN ###\n", "a.md:1: looks like ONLY_IN but is not"),
])  # fmt: skip
def test_markers_that_are_wrong_are_named_with_their_line(text, told):
    with pytest.raises(ReleaseRefusedError, match=re.escape(told)):
        strip_tree({"a.md": text.encode()}, parts={"1g": True, "1d": True})


def test_a_block_of_two_parts_is_asked_for_while_one_of_them_is_on():
    block = "    # [part 4a, 4c] Add.\n    ### START_CODE_HERE ###\n    # canary: 0123456789abcdef\n    return a + b\n    ### END_CODE_HERE ###\n"
    text = f"def add(a, b):\n{block}".encode()
    for on in ({"4a": True, "4c": False}, {"4a": False, "4c": True}, {"4a": True, "4c": True}):
        kept = strip_tree({"a.py": text}, parts=on).files["a.py"].decode()
        assert "[part 4a, 4c] Add." in kept
        assert "term" not in kept
    gone = strip_tree({"a.py": text}, parts={"4a": False, "4c": False}).files["a.py"].decode()
    assert "not in this term" in gone
    assert "Add." not in gone


def test_lines_stay_where_one_of_the_parts_is_on():
    text = b"0\n<!-- ### ONLY_IN 1d, 1g ### -->\n1\n<!-- ### END_ONLY_IN ### -->\n# ### ONLY_IN 3 ###\n2\n# ### END_ONLY_IN ###\n3"
    parts = {"1d": False, "1g": True, "3a": False}
    assert strip_tree({"a.md": text}, parts=parts).files["a.md"] == b"0\n1\n3"
    assert strip_tree({"a.md": text}, parts={**parts, "1g": False, "3a": True}).files["a.md"] == b"0\n2\n3"
    assert strip_tree({"a.md": text}).files["a.md"] == b"0\n1\n2\n3"


def test_every_place_to_write_in_code_goes_with_its_part():
    """Also in problems that are off as shipped: the comment that names the part stands right above the block."""
    whole = load()
    parts = dict.fromkeys(whole.off | {part.id for part in whole.parts}, False)
    for path in sorted((ROOT / "reference_solution" / "src").rglob("*.py")):
        made = strip_tree({path.name: path.read_bytes()}, parts=parts).files[path.name].decode()
        assert "START_CODE_HERE" not in made, path


def cells(*sources: str | list[str]) -> bytes:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": each} for each in sources]}).encode()


@pytest.mark.parametrize(("parts", "left"), [
    ({"1d": True, "1g": True}, ["all", "1\n2", "d", "d\ng"]),
    ({"1d": True, "1g": False}, ["all", "1\n2", "d", "d"]),
    ({"1d": False, "1g": True}, ["all", "1\n2", "g"]),
])  # fmt: skip
def test_cells_of_a_notebook_go_with_their_parts(parts, left):
    d, g, end = "<!-- ### ONLY_IN 1d ### -->\n", "# ### ONLY_IN 1g ###\n", "### END_ONLY_IN ###"
    data = cells("all", ["1\n", "2"], f"{d}d\n{end}", [d, "d\n", f"{end}\n", g, "g\n", end])
    made = json.loads(strip_tree({"a.ipynb": data}, parts=parts).files["a.ipynb"])
    assert ["".join(cell["source"]) for cell in made["cells"]] == left


def test_markers_that_are_wrong_in_a_notebook_are_named_with_their_cell():
    for text, told in (
        ("a\n### ONLY_IN 1g ###", "a.ipynb, cell 2:2: ONLY_IN without END_ONLY_IN"),
        ("### END_ONLY_IN ###", "a.ipynb, cell 2:1: END_ONLY_IN without ONLY_IN"),
        (
            "# ### ONLY_IN 9z ###\n### END_ONLY_IN ###",
            "a.ipynb, cell 2:1: ONLY_IN 9z: assignment.toml has no such part",
        ),
    ):
        with pytest.raises(ReleaseRefusedError, match=re.escape(told)):
            strip_tree({"a.ipynb": cells("x", text)}, parts={"1g": True})
