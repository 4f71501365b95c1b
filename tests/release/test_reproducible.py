"""One commit and one key give one release, to the byte: whoever builds it, wherever, whenever, and with which Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.assignment import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDERS = ("harness", "handouts", "reference_solution", "student_template")
FILES = ("assignment.toml", "pyproject.toml", "constraints.txt", "setup.sh", "run_autograder")
SUPPORTED = (10, 11, 12, 13)

#: Prints the SHA-256 of every artefact, and of every file in each zip, which tells where a difference comes from.
BUILD = """
import hashlib, io, json, sys
from pathlib import Path
root = Path(sys.argv[1])
sys.path.insert(0, str(root))
from rich.console import Console
from harness.release import inputs, release
request = release.Request(root, key_file=root / "term.key")
made = release.assemble(request, inputs.check(request), Console(file=io.StringIO()))
files = dict(made.artefacts)
for name, entries in made.entries.items():
    files.update({f"{name}!/{path}": data for path, data in entries.items()})
print(json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()}))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkout that all builds are copies of."""
    root = tmp_path_factory.mktemp("source") / "holdout"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    (root / "term.key").write_text("8c1f0e6f5b4a49d2a7c3905d2e61b7f4\n")
    return root


def copied(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "build")))


def built(root: Path, python: str = sys.executable, **environment: str) -> dict[str, str]:
    """The release of the checkout at `root`, as SHA-256 by path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG", "TZ"))}
    done = subprocess.run(
        [python, "-c", BUILD, str(root)],
        cwd=root.parent,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made: dict[str, str] = json.loads(done.stdout)
    assert {"student.zip", "autograder.zip", "manifest.json", "handouts/assignment.pdf", "staff/staff.html"} <= set(
        made
    )
    return made


def differing(one: Mapping[str, str], two: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*one, *two} if one.get(name) != two.get(name))


@pytest.fixture(scope="module")
def plain(source: Path) -> dict[str, str]:
    return built(source)


@pytest.fixture
def cautious() -> Iterator[None]:
    """Files of one's own only, while the test runs."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_folder_time_zone_locale_umask_hash_seed_and_file_times_change_nothing(tmp_path, source, plain, cautious):
    root = copied(source, tmp_path / "an other f\N{LATIN SMALL LETTER O WITH DIAERESIS}lder" / "with spaces")
    for path in root.rglob("*"):
        os.utime(path, (1e9, 1e9))
        if path.is_file():
            path.chmod(0o600)
    other = built(root, PYTHONHASHSEED="4711", TZ="Asia/Kathmandu", LC_ALL="C", COLUMNS="40", SOURCE_DATE_EPOCH="1")
    assert differing(plain, other) == []


def other_pythons() -> Iterator[str]:
    """Interpreters of other supported versions: the one that HOLDOUT_OTHER_PYTHON names, or those that PATH knows."""
    named = os.environ.get("HOLDOUT_OTHER_PYTHON")
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in reversed(SUPPORTED):
        if minor != sys.version_info.minor:
            yield from filter(None, [named, shutil.which(f"python3.{minor}")])
            yield from (str(path) for path in sorted(versions.glob(f"3.{minor}.*/bin/python")))


def runs(python: str) -> bool:
    told = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=False
    )
    return told.returncode == 0 and told.stdout.strip() in {f"(3, {minor})" for minor in SUPPORTED}


def needed() -> list[str]:
    """What a release needs of other packages, torch aside: nothing is trained or graded here."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    names = [each for group in ("students", "staff") for each in groups[group] if isinstance(each, str)]
    return [name for name in names if not name.startswith("torch")]


@pytest.mark.slow
def test_other_python_makes_the_same_release(tmp_path, source, plain):
    """In a virtual environment of its own, with the versions that constraints.txt pins for it."""
    python = next((each for each in other_pythons() if runs(each)), None)
    if python is None:
        pytest.skip("no other Python from 3.10 to 3.13 here; HOLDOUT_OTHER_PYTHON can name one")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    inside = str(tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    install = [inside, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), *needed()]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the packages for {python} cannot be installed here: {done.stderr.strip()[-300:]}")
    assert differing(plain, built(copied(source, tmp_path / "holdout"), inside)) == []
