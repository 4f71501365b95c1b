"""The self-check refuses a release whose scores are not what they must be. The graders here are stand-ins of a few lines."""

import json
import textwrap
from dataclasses import dataclass, field

import pytest

from harness.errors import InternalError, ReleaseRefusedError
from harness.intake.zips import zipped
from harness.manifest import load
from harness.release.selfcheck import check

#: Writes the results for the upload's kind: the reference's comes as the zip that COLLECT made, the template's does not.
GRADER = """
import json, sys
from pathlib import Path
from harness.answers import ANSWERS
def main(upload, results):
    kind = "reference" if Path(upload).suffix == ".zip" else "template"
    Path(results).write_text(ANSWERS["text"] or json.dumps(ANSWERS[kind]))
    sys.exit(ANSWERS["exit"])
"""
MAIN = "import sys\nfrom harness.grader import main\nassert sys.argv[1] == 'grade'\nmain(sys.argv[2], sys.argv[4])\n"
GRADING = """
import json
from harness.answers import ANSWERS
def grade(submission, data, results, kinds):
    assert kinds == ("basic",) and (submission / "model.py").is_file()
    results.write_text(json.dumps(ANSWERS["basic"]))
"""

COLLECT = """
import json, shutil, sys
from pathlib import Path
assert (sys.argv[1], sys.argv[3]) == ("--out", "--findings")
shutil.make_archive(sys.argv[2].removesuffix(".zip"), "zip", "submission")
Path(sys.argv[4]).write_text(json.dumps({finds!r}))
print({says!r})
sys.exit({exit})
"""


def results(points, possible, fault=False):
    tests = [
        {
            "number": f"{part}-0-hidden",
            "score": points.get(part, 0),
            "max_score": most,
            "status": "passed" if points.get(part) == most else "failed",
            "output": "Not\nright.",
        }
        for part, most in possible.items()
    ]
    return {"tests": tests, "extra_data": {"internal_error": fault}}


ALL = {part.id: part.points for part in load().parts}


@dataclass
class Release:
    """What the stand-ins answer; right unless a test changes it."""

    reference: dict = field(default_factory=lambda: results(ALL, ALL))
    template: dict = field(default_factory=lambda: results({}, ALL))
    basic: dict = field(default_factory=lambda: results({"1e": 5}, {"1e": 5}))
    exit: int = 0
    students_exit: int = 0
    collect_exit: int = 0
    collect_says: str = "Complete and fresh"
    collect_finds: list = field(default_factory=list)
    text: str = ""
    model: str = ""

    def zips(self) -> tuple[bytes, bytes]:
        names = ("reference", "template", "basic", "exit", "text")
        answers = {name: getattr(self, name) for name in names}
        harness = {
            "harness/__init__.py": "",
            "harness/__main__.py": MAIN,
            "harness/grader.py": GRADER,
            "harness/grading.py": GRADING,
            **{f"reference_solution/src/submission/{each.name}": "" for each in load().optional},
            "harness/answers.py": f"import json\nANSWERS = json.loads({json.dumps(answers)!r})\n",
        }
        student = {f"holdout-assignment/src/{path}": text for path, text in harness.items()}
        student["holdout-assignment/src/grader.py"] = (
            f"import sys\nprint('hello' if {self.students_exit} else 'seed 0')\nsys.exit({self.students_exit})\n"
        )
        student["holdout-assignment/src/collect_submission.py"] = COLLECT.format(
            exit=self.collect_exit, says=self.collect_says, finds=self.collect_finds
        )
        for each in load().uploads:
            student[f"holdout-assignment/src/submission/{each.name}"] = ""
        student["holdout-assignment/src/submission/model.py"] = self.model
        return pack(student), pack(harness)


def pack(files: dict[str, str]) -> bytes:
    return zipped({path: textwrap.dedent(text).encode() for path, text in files.items()})


@pytest.fixture
def upload(tmp_path):
    folder = tmp_path / "upload"
    folder.mkdir()
    for deliverable in load().deliverables:
        (folder / deliverable.name).write_text("x\n")
    return folder


def checked(release, upload):
    template = {f"src/submission/{each.name}": b"x\n" for each in load().uploads if each.kind == "code"}
    student, autograder = release.zips()
    return check(student, autograder, upload, template, load(), lambda _: None)


@pytest.fixture
def run(upload):
    return lambda release: checked(release, upload)


@pytest.fixture
def run_without():
    return lambda release: checked(release, None)


def test_right_scores_pass_and_are_told_part_by_part(run):
    reference, template, basic = run(Release())
    assert (reference.total, template.total, basic.total) == (sum(ALL.values()), 0, 5)
    assert reference.points == ALL


def refusal(run, **changed) -> str:
    with pytest.raises(ReleaseRefusedError) as problem:
        run(Release(**changed))
    return str(problem.value)


def test_reference_below_full_points_is_refused_by_graded_test(run):
    said = refusal(run, reference=results({**ALL, "1f": 15}, ALL))
    assert "the reference earns 15 of 20 points in part 1f" in said
    assert "reference: 1f-0-hidden earns 15 of 20: Not right." in said


def test_reference_without_a_part_is_refused(run):
    fewer = {part: points for part, points in ALL.items() if part != "1g"}
    assert "the reference earns 0 of 14 points in part 1g" in refusal(run, reference=results(fewer, fewer))


def test_template_above_zero_is_refused_by_part(run):
    assert "the template earns 1 points in part 1d" in refusal(run, template=results({"1d": 1}, ALL))


@pytest.mark.parametrize("who", ["reference", "template"])
def test_fault_of_the_harness_is_refused(run, who):
    right = {"reference": ALL, "template": {}}[who]
    said = refusal(run, **{who: results(right, ALL, fault=True)})
    assert f"the {who}'s grade reports an internal error of the harness" in said


def test_failing_basic_graded_test_in_the_students_folder_is_refused(run):
    said = refusal(run, basic=results({"1e": 3}, {"1e": 5}))
    assert "from student.zip the reference earns 3 of 5 points of the basic graded tests" in said


def test_student_zip_without_basic_graded_tests_is_refused(run):
    assert "student.zip holds no basic graded test" in refusal(run, basic=results({}, {}))


def test_template_that_does_not_import_is_refused(run):
    said = refusal(run, model="print(UNKNOWN)\n")
    assert "the template does not import: submission.model: NameError: name 'UNKNOWN' is not defined" in said


def test_grade_that_ends_badly_is_a_fault(run):
    with pytest.raises(InternalError, match="ended with 7"):
        run(Release(exit=7))


@pytest.mark.parametrize("status", [1, 3])
def test_students_grader_that_does_not_start_is_a_fault(run, status):
    with pytest.raises(InternalError, match=rf"grader\.py ended with {status}: hello"):
        run(Release(students_exit=status))


def test_grade_without_readable_results_is_a_fault(run):
    with pytest.raises(InternalError, match="the grade of the reference left no readable results"):
        run(Release(text="{"))


def test_upload_that_the_students_command_finds_fault_with_is_refused(run):
    said = refusal(run, collect_exit=1, collect_finds=["model.params: older than model.py"])
    assert said.splitlines()[1:] == ["model.params: older than model.py"]


def test_what_the_students_command_prints_decides_nothing(run):
    run(Release(collect_says="stale:\n  model.params: older than model.py"))


def test_what_the_template_prints_when_it_is_imported_decides_nothing(run):
    run(Release(model="print('the template does not import: submission.model')\n"))


def test_students_command_that_breaks_is_a_fault(run):
    with pytest.raises(InternalError, match=r"collect_submission\.py ended with 2: no disk"):
        run(Release(collect_exit=2, collect_says="no disk"))


def test_without_the_references_upload_the_template_is_judged_alone(run_without):
    (template,) = run_without(Release())
    assert (template.who, template.total) == ("template", 0)
    with pytest.raises(ReleaseRefusedError, match="the template earns 1 points"):
        run_without(Release(template=results({"1d": 1}, ALL)))
