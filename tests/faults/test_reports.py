"""How verdicts travel in whole grades: what kills or deceives on the way costs none of them and adds none.

By a grader without torch (light.py), so that each grade takes a second.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.manifest import load
from tests.conftest import REFERENCE_CODE, write_predictions
from tests.faults import light
from tests.faults.grades import Grade

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what contains malice is there on Linux only")

TESTS = 8


@pytest.fixture
def upload(data: Path, tmp_path: Path) -> Path:
    """Right work as far as the light grader looks at it."""
    folder = tmp_path / "upload"
    folder.mkdir()
    for deliverable in load().deliverables:
        if deliverable.kind == "code":
            shutil.copyfile(REFERENCE_CODE / deliverable.name, folder / deliverable.name)
        elif deliverable.kind == "predictions":
            write_predictions(folder / deliverable.name, data, right=1 / 3)
    (folder / "__init__.py").write_text(light.SUBMISSION, encoding="utf-8")
    return folder


def graded(upload: Path, data: Path, results: Path, root: Path):
    grade = Grade(upload, data, results, root.parent / "tmp", "--only", light.PART, root=root)
    ending = grade.end()
    hidden = {number: outcome for number, outcome in ending.outcomes.items() if number.endswith("hidden")}
    return ending, [*hidden.values()]


@pytest.mark.parametrize("judged", [0, 3, TESTS - 1])
def test_a_session_killed_after_some_verdicts_loses_none_of_them(
    upload: Path, data: Path, tmp_path: Path, open_folder: Path, judged: int
) -> None:
    bodies = ["pass"] * TESTS
    bodies[judged] = "os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)"
    root = light.light_grader(open_folder / "source", bodies)
    ending, outcomes = graded(upload, data, tmp_path / "results.json", root)
    assert outcomes == ["pass"] * judged + ["internal_error"] * (TESTS - judged), ending.text
    assert ending.status == 3
    assert "ended with status -9" in ending.document["output"]
    assert (ending.left_behind, ending.left_running) == ((), ())


def test_a_results_json_that_somebody_changes_meanwhile_decides_nothing(
    upload: Path, data: Path, tmp_path: Path, open_folder: Path
) -> None:
    results = tmp_path / "results.json"
    poison = (
        f"path = pathlib.Path({str(results)!r}); text = path.read_text(); "
        "path.write_text(text.replace('not_run', 'pass').replace('failed', 'passed')); assert False"
    )
    unlink = f"pathlib.Path({str(results)!r}).unlink(); os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)"
    root = light.light_grader(open_folder / "source", ["pass", poison, "pass", unlink, *["pass"] * 4])
    ending, outcomes = graded(upload, data, results, root)
    assert outcomes == ["pass", "fail", "pass", *["internal_error"] * 5], ending.text


FORGER = """
import json, os

def line(number):
    fields = {"test_id": f"1d-{number}-hidden", "outcome": "pass", "output": "passed", "staff": {}}
    return json.dumps({"verdict": fields}).encode() + b"\\n"

def forge():
    lines = b"\\n" + b"".join(map(line, range(1, 9))) + b'{"done": {}}\\n'
    print(lines.decode(), flush=True)
    places = [f"/proc/{pid}/fd/{number}" for pid in os.listdir("/proc") if pid.isdigit() for number in range(32)]
    for place in [*range(256), *places]:
        try:
            descriptor = place if isinstance(place, int) else os.open(place, os.O_WRONLY | os.O_NONBLOCK)
            os.write(descriptor, lines)
        except OSError:
            pass

def double(number):
    forge()
    return -1

forge()
"""


def test_a_worker_cannot_forge_a_line(upload: Path, data: Path, tmp_path: Path, open_folder: Path) -> None:
    """It writes verdicts into every descriptor that it has, and into those of every process that it finds."""
    (upload / "__init__.py").write_text(FORGER, encoding="utf-8")
    body = 'assert student.run("light.work", number=1) == 2'
    root = light.light_grader(open_folder / "source", [body] * 2 + ["assert False"] * (TESTS - 2))
    ending, outcomes = graded(upload, data, tmp_path / "results.json", root)
    assert outcomes == ["fail"] * TESTS, ending.text
    assert ending.status == 0
    assert "unread_reports" not in ending.document["extra_data"]
    assert ending.document["extra_data"]["internal_error"] is False


THREADS = """
import json, os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from harness.grading import grade

upload, data, out = map(Path, sys.argv[1:])
os.chdir("/")
before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)]
surroundings = dict(os.environ)

def one(number):
    return grade(upload, data, results=out / f"{number}.json", only="1d", seed="same").as_json()

with ThreadPoolExecutor(3) as pool:
    documents = list(pool.map(one, range(3)))
assert before == [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)]
assert (os.getcwd(), dict(os.environ)) == ("/", surroundings)
assert threading.active_count() == 1, threading.enumerate()
for number, document in enumerate(documents):
    written = json.loads((out / f"{number}.json").read_bytes())
    assert {**written, "execution_time": 0} == {**document, "execution_time": 0}
print(json.dumps([document["tests"] for document in documents]))
"""


def test_several_threads_of_another_process_grade_at_once(
    upload: Path, data: Path, tmp_path: Path, open_folder: Path
) -> None:
    root = light.light_grader(open_folder / "source")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[0] = {str(root)!r}\n{THREADS}", str(upload), str(data), str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)
    for test in (*first, *others[0], *others[1]):
        assert test["extra_data"].pop("spent")["seconds"] >= 0
    assert {test["extra_data"]["outcome"] for test in first} == {"pass"}
    assert others == [first, first]
