"""Attacking uploads: whatever they try, they earn what the honest code in them deserves, see nothing, and leave nothing."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.grading import catalogue
from harness.grading.supervisor import scratch_folder
from harness.intake.staging import UploadError, discard, stage
from harness.manifest import load
from harness.sandbox import landlock, scratch
from tests.faults.grades import Grade, assert_sound, copied_grader
from tests.hostile.uploads import ATTACKS, Attack, attacks, build, find
from tests.hostile.ward import Verdict, Ward, lines_of_hidden_graded_tests, ward
from tests.sandbox.support import USER, environment, python_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what contains malice is there on Linux only")

ALL = attacks()
LOOK_AND_REACH = (
    "read_files@import",
    "list_neighbours",
    "read_environment@import",
    "read_processes@import",
    "find_the_reference",
    "edit_files@import",
    "change_modes@import",
)


#: Each keeps the grader at its files for long, and so do others that are not in here; tests of provenance have the same.
SLOW = (
    "napping_provenance",
    "silent_provenance",
    "odd_provenance",
    "answers_beside_a_model",
    "no_training",
    "vanilla_as_perceiver",
)


def is_slow(attack: Attack) -> bool:
    """Whether it is for the night: the one of SLOW, and the second of two that differ in the moment alone."""
    name, _, moment = attack.name.partition("@")
    return name in SLOW or (moment == "call" and f"{name}@import" in {each.name for each in ALL})


@pytest.fixture(scope="module")
def cell(data: Path, tmp_path_factory: pytest.TempPathFactory):
    with scratch_folder() as folder, ward(folder, data) as made:
        yield made


@pytest.mark.parametrize(
    "attack",
    [pytest.param(each, marks=pytest.mark.slow if is_slow(each) else ()) for each in ALL],
    ids=lambda attack: attack.name,
)
def test_an_attack_gains_nothing_and_leaves_nothing(
    attack: Attack, cell: Ward, honest_upload: Path, tmp_path: Path
) -> None:
    withstand(attack, cell, honest_upload, tmp_path)


@pytest.fixture(scope="module")
def cell_without_landlock(data: Path):
    """Gradescope's kernel may lack Landlock: there, owners, modes and names must do. Its grader is closed, as there."""
    if os.geteuid() != 0:
        pytest.skip("without root, Landlock is what keeps files closed")
    with scratch_folder() as folder, ward(folder, data, without=("landlock",)) as made:
        copied_grader(folder / "source").chmod(0o700)
        yield made


@pytest.mark.parametrize("name", LOOK_AND_REACH)
def test_files_stay_closed_without_landlock(
    name: str, cell_without_landlock: Ward, honest_upload: Path, tmp_path: Path
) -> None:
    root = cell_without_landlock.home.parent / "source"
    withstand(find(name), cell_without_landlock, honest_upload, tmp_path, ROOT=str(root))


@pytest.mark.slow
@pytest.mark.usefixtures("honest_upload")  # made by us: an ordinary user may not write where it is kept
def test_what_owners_and_modes_would_stop_is_stopped_for_an_ordinary_user_too(tmp_path: Path) -> None:
    """There every file of the grader's is a file of the worker's user: the same attacks, run by such a user."""
    if os.geteuid() != 0 or landlock.abi() < 6:
        pytest.skip("needs root, to become another user, and Landlock")
    with scratch_folder() as folder:
        home = folder / "home"
        home.mkdir()
        os.chown(home, USER, USER)
        identity: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": [], "cwd": "/"}
        wanted = " or ".join(("climb", *(name.partition("@")[0] for name in LOOK_AND_REACH)))
        chosen = [f"{__file__}::test_an_attack_gains_nothing_and_leaves_nothing", "-k", wanted]
        done = subprocess.run(
            [python_for(identity), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", *chosen],
            env={**environment(), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, check=False, **identity,
        )  # fmt: skip
        wiped = scratch.wipe(home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    assert wiped


def withstand(attack: Attack, cell: Ward, honest_upload: Path, tmp_path: Path, **elsewhere: str) -> None:
    if attack.needs_root and os.geteuid() != 0:
        pytest.skip("only root can make these files")
    places = {**places_of(cell, tmp_path), **elsewhere}
    upload = build(attack.name, tmp_path / "upload", honest=honest_upload, places=places)
    verdict = cell.grade(attack, upload, places)
    earns_what_it_deserves(attack, verdict)
    shows_nothing(attack, verdict, cell)
    assert verdict.invalid == []
    beside = "something else filled the disk"  # tests beside this one write, too; that of a worker's is told otherwise
    assert [event for event in verdict.events if not event.startswith(beside)] == []
    assert verdict.changed == []
    assert verdict.left == []
    assert verdict.seconds < 300  # a dozen seconds on an idle machine


def places_of(cell: Ward, results: Path) -> dict[str, str]:
    """What an attacker is told."""
    return {
        "DATA": str(cell.data), "RESULTS": str(results / "results.json"), "METADATA": str(cell.metadata), "ROOT": str(ROOT),
        "MARK": f"was-here-{secrets.token_hex(8)}",
    }  # fmt: skip


def earns_what_it_deserves(attack: Attack, verdict: Verdict) -> None:
    assert set(verdict.outcomes.values()) <= {"pass", "fail"}, verdict.document
    assert verdict.passed <= attack.may_pass, verdict.text()
    assert verdict.passed >= attack.must_pass, verdict.text()
    points = {graded_test.id: graded_test.points for graded_test in catalogue.collect(load())}
    assert verdict.document["score"] == sum(points[number] for number in verdict.passed)


def shows_nothing(attack: Attack, verdict: Verdict, cell: Ward) -> None:
    """No secret anywhere, not even for staff; no word of an attacker's in a hidden graded test."""
    everything = str(verdict.document)
    assert "BREACH" not in everything, everything
    for secret in (*cell.secrets, *lines_of_hidden_graded_tests()):
        assert secret not in everything
    for word in attack.hides:
        assert word not in verdict.text("-hidden")
    shown = verdict.text()
    assert all(letter.isprintable() or letter in "\n\t\u2028\ufffd" for letter in shown)
    assert len(shown) < 100_000


def test_there_are_enough_of_them() -> None:
    assert len({attack.folder for attack in ALL}) >= 60
    assert len({attack.name for attack in ALL}) == len(ALL)
    assert {path.name for path in ATTACKS.glob("[!.]*/")} == {attack.folder.name for attack in ALL}


def test_all_of_them_are_built_with_the_standard_library_alone(honest_upload: Path, tmp_path: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("this Python has no TOML in its standard library")
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import uploads\n"
        "for name in uploads.FOR_CONTAINERS:\n"
        "    made = uploads.build(name, pathlib.Path(sys.argv[3], name), honest=pathlib.Path(sys.argv[2]))\n"
        "    assert made.is_file() or any(made.iterdir()), name\n"
        "print(len(uploads.FOR_CONTAINERS))\n"
    )
    arguments = [str(ATTACKS.parent), str(honest_upload), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 12


@pytest.mark.parametrize(
    "name", ["forge_results@import", "spray_descriptors@import", "fork@call", "late_threads@import", "zip_slip"]
)
def test_the_whole_command_holds_as_well(name: str, cell: Ward, honest_upload: Path, tmp_path: Path) -> None:
    attack = find(name)
    places = places_of(cell, tmp_path)
    upload = build(name, tmp_path / "upload", honest=honest_upload, places=places)
    before = cell.belongings(tmp_path)
    temporary = cell.home.parent / f"whole-{secrets.token_hex(8)}"
    grade = Grade(
        upload,
        cell.data,
        tmp_path / "results.json",
        temporary,
        "--only",
        "1e",
        environment={"HOLDOUT_TOKEN": cell.secrets[2]},
    )
    ending = grade.end()
    points = {graded_test.id: graded_test.points for graded_test in catalogue.select(catalogue.collect(load()), "1e")}
    assert ending.status == 0, ending.text
    assert_sound(ending, points, interrupted=False)
    assert ending.document["score"] <= (0 if attack.base == "template" else sum(points.values()))
    for secret in (*cell.secrets, "BREACH"):
        assert secret not in str(ending.document) + ending.text
    assert ending.left_behind == ()
    assert cell.traces(places["MARK"]) == []
    (tmp_path / "results.json").unlink()
    assert cell.belongings(tmp_path) == before


def test_a_file_that_changes_while_it_is_staged_is_never_followed(
    cell: Ward, honest_upload: Path, tmp_path: Path
) -> None:
    upload = tmp_path / "upload"
    shutil.copytree(honest_upload, upload)
    target = upload / "vanilla.nopretrain.test.predictions"
    honest = target.read_bytes()
    flipping = threading.Thread(
        target=_flip, args=(target, honest, cell.data / "birth_test.tsv", stop := threading.Event())
    )
    flipping.start()
    try:
        for number in range(60):
            into = tmp_path / f"staged-{number}"
            try:
                staged = stage(upload, into, load().uploads)
            except UploadError:
                continue
            copy = staged.present.get(target.name)
            assert copy is None or copy.read_bytes() == honest
            assert copy is not None or target.name in staged.missing
            discard(into)
    finally:
        stop.set()
        flipping.join()


def _flip(target: Path, honest: bytes, secret: Path, stop: threading.Event) -> None:
    """Put a link, a pipe, a folder and the honest file in one place, over and over."""
    other = target.with_name("other")
    while not stop.is_set():
        for make in (
            lambda: other.symlink_to(secret),
            lambda: os.mkfifo(other),
            other.mkdir,
            lambda: other.write_bytes(honest),
        ):
            make()
            if target.is_dir() and not target.is_symlink():
                target.rmdir()
            else:
                target.unlink(missing_ok=True)
            other.rename(target)


def test_workers_share_no_writable_memory_with_the_zygote(cell: Ward) -> None:
    """What a fork shares, one worker could change for all that come after it."""
    (zygote,) = cell.sandbox.foreign()
    try:
        maps = Path(f"/proc/{zygote}/maps").read_text(encoding="utf-8").splitlines()
    except PermissionError:
        pytest.skip("the zygote is closed to this process: root without CAP_SYS_PTRACE, as in a container")
    assert [line for line in maps if line.split()[1] == "rw-s"] == []
