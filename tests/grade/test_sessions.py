"""Many grades by one session server: each is the grade that it would be alone, whoever was graded before."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.errors import InternalError
from harness.grading import grade, session_server
from harness.grading.results import Results
from harness.grading.supervisor import scratch_folder
from tests.hostile.uploads import ATTACKS, PLACES, attacks, build

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")

CODE = ROOT / "reference_solution" / "src" / "submission"
PART = "1c"
#: Attacks on what a later upload could meet: the process that forks, its memory, its modules, its files, its children.
REACH = (
    "patch_libraries@import", "patch_the_probes@import", "import_hooks@import", "shadowing_modules", "edit_files@import",
    "kill_others@import", "fork@import", "close_descriptors@import", "spray_descriptors@import", "links_in_scratch@import",
    "change_modes@import", "leave_notes@import", "hoard_memory@import", "crash@import", "ignore_signals@import",
    "odd_settings@import",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with session_server() as made:
        yield made


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def honest(home: Path) -> Path:
    """Right code, and nothing trained."""
    return Path(shutil.copytree(CODE, home / "honest", ignore=shutil.ignore_patterns("mingpt-demo", "__pycache__")))


@pytest.fixture(scope="module")
def alone(honest: Path, data: Path) -> str:
    """What the honest upload gets by itself."""
    return told(grade(honest, data, only=PART, seed="0"))


def told(results: Results) -> str:
    """All of a results.json that does not differ from one grade to the next."""
    document = results.as_json()
    document.pop("execution_time")
    for test in document["tests"]:
        test["extra_data"].pop("spent", None)
    return json.dumps(document, sort_keys=True)


def test_a_grade_by_a_server_is_the_grade_alone(server, honest: Path, alone: str, data: Path) -> None:
    assert '"outcome": "pass"' in alone
    for _ in range(2):
        assert told(grade(honest, data, only=PART, seed="0", server=server)) == alone


def test_the_order_of_uploads_changes_nothing(server, honest: Path, alone: str, data: Path, home: Path) -> None:
    broken = home / "broken"
    shutil.copytree(honest, broken)
    (broken / "helper.py").write_text("raise ValueError('not yet')\n", encoding="utf-8")
    first = told(grade(broken, data, only=PART, seed="0", server=server))
    assert told(grade(honest, data, only=PART, seed="0", server=server)) == alone
    assert told(grade(broken, data, only=PART, seed="0", server=server)) == first
    assert '"outcome": "fail"' in first


@pytest.mark.parametrize("name", REACH)
def test_an_honest_upload_after_an_attacker_is_graded_as_alone(
    name: str, server, honest: Path, alone: str, data: Path, home: Path
) -> None:
    after(name, honest, server, honest, alone, data, home)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({each.name for each in attacks()} - set(REACH)))
def test_an_honest_upload_after_any_attacker_is_graded_as_alone(
    name: str, server, honest_upload: Path, honest: Path, alone: str, data: Path, home: Path
) -> None:
    after(name, honest_upload, server, honest, alone, data, home)


def after(name: str, base: Path, server: Any, honest: Path, alone: str, data: Path, home: Path) -> None:
    """`base`: what the attack is laid over. Some change or look at files that only a trained upload has."""
    attack = next(each for each in attacks() if each.name == name)
    if attack.needs_root and os.geteuid() != 0:
        pytest.skip("only root can make these files")
    upload = build(name, home / "attacks" / name, honest=base, places={**PLACES, "DATA": str(data)})
    only = attack.graded_tests[0]
    grade(upload, data, only=only, server=server, stop=after_seconds(20))
    assert told(grade(honest, data, only=PART, seed="0", server=server)) == alone


def after_seconds(seconds: float) -> Any:
    """Says to stop once so much time has passed: an attack that only takes its time need not have all of it."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def test_the_names_of_attacks_are_those_of_the_corpus() -> None:
    assert set(REACH) <= {each.name for each in attacks()}
    assert ATTACKS.is_dir()


def test_a_grade_that_was_stopped_leaves_a_server_for_the_next(server, honest: Path, alone: str, data: Path) -> None:
    stopped = grade(honest, data, only=PART, seed="0", server=server, stop=after_seconds(0))
    assert stopped.internal_errors
    assert told(grade(honest, data, only=PART, seed="0", server=server)) == alone


def test_a_session_that_is_killed_costs_its_own_grade_alone(server, honest: Path, alone: str, data: Path) -> None:
    killer = threading.Thread(target=_kill_the_session_of, args=(server.process._process.pid,))
    killer.start()
    killed = grade(honest, data, only=PART, seed="0", server=server)
    killer.join()
    assert killed.internal_errors
    assert told(grade(honest, data, only=PART, seed="0", server=server)) == alone


def _kill_the_session_of(server: int) -> None:
    """Kill the session as soon as it is there; the process that zygotes are forked from is older."""
    before = children_of(server)
    while not (new := children_of(server) - before):
        time.sleep(0.01)
    time.sleep(0.2)
    for pid in new:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()}


def test_a_server_that_is_gone_is_an_internal_error(honest: Path, data: Path) -> None:
    with session_server() as server:
        os.kill(server.process._process.pid, signal.SIGKILL)
        server.process._process.wait()
        with pytest.raises(InternalError, match="no session can be had"):
            grade(honest, data, only=PART, server=server)


def test_nothing_of_a_server_outlives_its_user() -> None:
    code = "import os, time\nfrom harness.grading import session_server\nwith session_server() as server:\n    print(server.process._process.pid, flush=True)\n    time.sleep(600)\n"
    user = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    server = int(user.stdout.readline())
    started = {server, *children_of(server)}
    assert len(started) == 2
    user.kill()
    user.wait()
    user.stdout.close()
    deadline = time.monotonic() + 30
    while (left := {pid for pid in started if lives(pid)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == set()


def lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


def test_what_sessions_are_forked_from_knows_no_answer_and_no_library_of_students(data: Path) -> None:
    """Neither opens a file of the term's data, and the one that holds the graded tests has no torch."""
    with session_server() as server:
        maps = Path(f"/proc/{server.process._process.pid}/maps").read_text(encoding="utf-8")
        assert "libtorch" not in maps
        (zygotes,) = children_of(server.process._process.pid)
        opened = {
            str(entry.readlink())
            for pid in (server.process._process.pid, zygotes)
            for entry in Path(f"/proc/{pid}/fd").iterdir()
        }
    assert not [place for place in opened if str(data) in place]
