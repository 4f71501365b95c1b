"""The whole hostile corpus in one container: tests/hostile, run there by pytest beside the released grader.

One zygote serves all attacks, as at the desk, so that a hundred and fifty of them take minutes. What each of them may earn,
see and leave is judged by tests/hostile itself, inside; here it is only packed, started and read.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from harness.assignment import ROOT
from tests.container import layout, uploads
from tests.container.engine import Machine, Task, empty
from tests.container.trials import Laboratory

#: Where it lies inside: closed to everybody but root, as a grader's own things are.
HOME = "root/corpus"
REPORT = "corpus.xml"
SECONDS = 7200
_SHIPPED = (
    "tests/hostile/*.py",
    "tests/hostile/attacks/**/*",
    "tests/faults/grades.py",
    "tests/sandbox/support.py",
)
#: First whether isolation is as it must be for grading, then the attacks.
_COMMAND = f"""
cd /autograder/source && /opt/holdout/bin/python -m harness doctor || exit 1
chmod 700 /{HOME} && cd /{HOME} && PYTHONPATH=/autograder/source /opt/holdout/bin/python -m pytest \
    -q -W error -m "not slow" -p no:cacheprovider --import-mode=importlib --rootdir=/{HOME} --junitxml=/autograder/{REPORT} \
    tests/hostile/test_hostile.py -k "$1"
true
"""


def run(laboratory: Laboratory, machine: Machine, expression: str = "") -> tuple[dict[str, str], str]:
    """Run what `expression` names, or all, on `machine`.

    Returns:
        `passed`, `skipped` or what went wrong, by test; and what was printed.
    """
    files, out = laboratory.state / "run.tar", empty(laboratory.state / "out") / "autograder"
    layout.run_files(empty(laboratory.state / "upload"), laboratory.secrets, files)
    with tarfile.open(files, "a") as tar:
        for name, content in contents():
            entry = tarfile.TarInfo(f"{HOME}/{name}")
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    command = ("bash", "-c", _COMMAND, "corpus", expression)
    task = Task(files, command, {layout.TOKEN_VARIABLE: laboratory.secrets.token}, seconds=SECONDS)
    printed = laboratory.engine.run(laboratory.image, task, machine, out)
    report = out / REPORT
    return (outcomes(report.read_bytes()) if report.is_file() else {}), printed


def contents() -> Iterator[tuple[str, bytes]]:
    """What is needed beside the grader, by path below HOME."""
    files = modules()
    files |= {
        path.relative_to(ROOT): path for folder in (uploads.TEMPLATE, uploads.REFERENCE) for path in folder.iterdir()
    }
    for name, path in sorted(files.items()):
        if path.is_file() and "__pycache__" not in name.parts:
            yield name.as_posix(), path.read_bytes()


def modules() -> dict[Path, Path]:
    """The tests that go in, with what they import and read: path below HOME -> path here."""
    files = {path.relative_to(ROOT): path for pattern in _SHIPPED for path in ROOT.glob(pattern)}
    return files | {Path("tests/hostile/conftest.py"): Path(__file__).with_name("corpus_fixtures.py")}


def outcomes(report: bytes) -> dict[str, str]:
    """From pytest's report in JUnit's form."""
    found = {}
    for case in ET.fromstring(report).iter("testcase"):
        problems = [child for child in case if child.tag in ("failure", "error", "skipped")]
        said = [f"{child.get('message', '')}\n{child.text}" for child in problems if child.tag != "skipped"]
        found[str(case.get("name"))] = "\n".join(said) if said else ("skipped" if problems else "passed")
    return found
