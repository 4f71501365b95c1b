"""Where attacks are let loose: one sandbox, planted secrets, and eyes on everything that an attack must not touch.

Only the grader's own parts are used: an upload is staged and judged as `python -m harness grade` does it, in this process,
so that a hundred attacks do not start a hundred zygotes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.grading import catalogue, session
from harness.grading.results import NoteKind, Outcome, Results
from harness.grading.supervisor import GradeRequest
from harness.intake.staging import UploadError, discard, stage
from harness.manifest import load
from harness.sandbox import Isolation, Sandbox
from tests.hostile.uploads import Attack

#: Where a process might hope that somebody reads what it leaves.
PLAUSIBLE = (
    "/",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run",
    "/run/lock",
    "/root",
    "/home",
    "/autograder",
    "/autograder/results",
)
HIDDEN_SOURCES = ROOT / "harness" / "tests_hidden"
SECRET_VARIABLE = "HOLDOUT_TEST_TOKEN"


def secret() -> str:
    """Something that only the grader knows, in the form that attacks search for."""
    return f"hush-{secrets.token_hex(8)}"


def some_tests(names: tuple[str, ...]) -> tuple[catalogue.GradedTest, ...]:
    """The graded tests that these IDs or parts name, of the whole catalogue and in its order."""
    everything = catalogue.collect(load())
    chosen = {graded_test.id for name in names for graded_test in catalogue.select(everything, name)}
    return tuple(graded_test for graded_test in everything if graded_test.id in chosen)


@dataclass
class Verdict:
    """What came of one attack."""

    document: dict[str, Any]
    events: list[str]
    invalid: list[str]
    """What a reader of results.json saw that was no valid document, at any moment."""
    changed: list[str]
    """Files of ours that are not as they were, and files that should not be."""
    left: list[str]
    """Processes that are still there."""
    seconds: float

    @property
    def outcomes(self) -> dict[str, str]:
        """Graded test -> outcome."""
        return {test["number"]: test["extra_data"]["outcome"] for test in self.document["tests"]}

    @property
    def passed(self) -> set[str]:
        """The graded tests that passed."""
        return {number for number, outcome in self.outcomes.items() if outcome == Outcome.PASS.value}

    def text(self, kind: str | None = None) -> str:
        """All that a student sees; of hidden graded tests only, if asked for."""
        tests = [test for test in self.document["tests"] if kind is None or test["number"].endswith(kind)]
        return "\n".join([*(test["output"] for test in tests), "" if kind else self.document["output"]])


@dataclass
class Ward:
    """One sandbox for many attacks. `home` is passable and not listable for workers, as a grade's scratch folder is."""

    home: Path
    data: Path
    metadata: Path
    sandbox: Sandbox
    secrets: tuple[str, ...]
    events: list[str] = field(default_factory=list)

    @property
    def landlock(self) -> bool:
        """Whether paths are closed by Landlock, and not only by owners and modes."""
        return bool(self.sandbox.report().layers.get("landlock"))

    def grade(self, attack: Attack, upload: Path, places: dict[str, str]) -> Verdict:
        """Judge `upload` by the graded tests of `attack`, and look at everything before, meanwhile and afterwards."""
        results = Path(places["RESULTS"])
        staging = self.home / f"upload-{secrets.token_hex(16)}"
        request = GradeRequest(
            upload=str(upload), data=str(self.data), scratch=str(self.home), graded_tests=some_tests(attack.graded_tests),
            with_reference=True, seed=None, gradescope=False,
        )  # fmt: skip
        kept = Results.of(request.graded_tests, listener=lambda _: kept.write(results), release="test")
        kept.write(results)
        self.events.clear()
        before, started = self.belongings(results.parent), time.monotonic()
        with watched(results) as invalid:
            _judge(request, kept, self.sandbox, upload, staging, attack)
        return Verdict(
            document=strict(results.read_bytes()),
            events=[*self.events],
            invalid=invalid,
            changed=[*differences(before, self.belongings(results.parent)), *self.traces(places["MARK"])],
            left=self.processes(),
            seconds=time.monotonic() - started,
        )

    def belongings(self, results: Path) -> dict[str, str]:
        """What only we may change, with its content's hash: data, metadata, and which files lie beside the results."""
        found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.data.iterdir())}
        found |= {str(path): "there" for path in sorted(results.iterdir())}
        found |= {
            str(path): oct(path.stat().st_mode) for path in (self.data, self.home, results, ROOT, ROOT / "harness")
        }
        found[str(self.metadata)] = self.metadata.read_text(encoding="utf-8")
        return found

    def traces(self, mark: str) -> list[str]:
        """Files that carry the attack's mark, or belong to one of our workers, wherever a worker might have written."""
        found, ids = [], self.identities()
        places = (
            *PLAUSIBLE,
            *(str(path) for path in (ROOT, ROOT / "harness", self.data, self.home, self.home.parent, Path.cwd())),
        )
        for place in dict.fromkeys(places):
            with contextlib.suppress(OSError), os.scandir(place) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        if mark in entry.name or entry.stat(follow_symlinks=False).st_uid in ids:
                            found.append(entry.path)
        return found

    def identities(self) -> set[int]:
        """The user IDs that this sandbox's workers may have had; none where workers keep ours."""
        from harness.sandbox.identities import BLOCK, LOWEST

        owned = getattr(getattr(self.sandbox, "_backend", None), "_identities", None)
        blocks = [int(held.getsockname().rpartition(b"-")[2]) for held in owned._reservations] if owned else []
        return {LOWEST + block * BLOCK + number for block in blocks for number in range(BLOCK)}

    def processes(self) -> list[str]:
        """Processes of our workers' user IDs, and children of the zygote."""
        ids, parents, found = self.identities(), set(map(str, self.sandbox.foreign())), []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, KeyError, ValueError):
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    lines = (entry / "status").read_text(encoding="utf-8", errors="replace").splitlines()
                    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
                    if int(status["Uid"].split()[0]) in ids or status["PPid"] in parents:
                        found.append(f"{entry.name} {status['Name']} {status['State']}")
        return found


@contextlib.contextmanager
def ward(folder: Path, data: Path, without: tuple[str, ...] = ()) -> Iterator[Ward]:
    """A ward in `folder`, with a copy of `data` in which secrets are planted; `without` some layers of isolation."""
    folder.chmod(0o711)
    planted = [secret(), secret(), secret()]
    own = folder / "data"
    shutil.copytree(data, own)
    _plant(own / "birth_test.tsv", planted[0])
    own.chmod(0o700)
    metadata = folder / "submission_metadata.json"
    metadata.write_text(json.dumps({"users": [{"email": f"{planted[1]}@example.org"}]}), encoding="utf-8")
    metadata.chmod(0o600)
    home = folder / "home"
    home.mkdir()
    home.chmod(0o711)
    events: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET_VARIABLE, planted[2])
        with Sandbox(home, isolation=Isolation.BEST_EFFORT, on_event=events.append, without=without) as sandbox:
            sandbox.report()
            yield Ward(home, own, metadata, sandbox, tuple(planted), events)


def _plant(gold: Path, token: str) -> None:
    """Make the second answer a secret: no honest file holds it."""
    lines = gold.read_text(encoding="utf-8").splitlines()
    lines[1] = f"{lines[1].partition(chr(9))[0]}\t{token}"
    gold.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _judge(
    request: GradeRequest, results: Results, sandbox: Sandbox, upload: Path, staging: Path, attack: Attack
) -> None:
    """As `harness.grading.session.run`, with a sandbox that is there already."""
    assignment = load()
    limits = replace(
        assignment.limits, test_seconds=attack.seconds, cpu_seconds=attack.seconds, run_seconds=attack.run_seconds
    )
    try:
        submission = stage(upload, staging, assignment.uploads)
        session.note_upload(results, submission)
        session.run_graded_tests(request, replace(assignment, limits=limits), results, submission, sandbox)
    except UploadError as problem:
        results.add_note(NoteKind.UPLOAD, str(problem))
        results.close_open(Outcome.FAIL, f"Nothing to judge: {problem}")
    finally:
        for tree in (staging, *Path(request.scratch).glob("reference-*")):
            with contextlib.suppress(OSError):
                discard(tree)
    results.finish("never judged.")


@contextlib.contextmanager
def watched(results: Path) -> Iterator[list[str]]:
    """Reads results.json again and again meanwhile; yields what was wrong with it."""
    wrong: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            try:
                strict(results.read_bytes())
            except (OSError, ValueError) as problem:
                wrong.append(str(problem))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()


def strict(data: bytes) -> dict[str, Any]:
    """The document, if it is strict JSON in UTF-8 without anything that Gradescope stumbles over; ValueError if not."""

    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is not JSON")

    text = data.decode("utf-8")
    document = json.loads(text, parse_constant=refuse)
    if "\\u0000" in text or "\0" in text:
        raise ValueError("a NUL")
    if not isinstance(document, dict) or not isinstance(document["score"], (int, float)):
        raise TypeError("no document")
    return document


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names whose values are not the same in both."""
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]


def lines_of_hidden_graded_tests() -> list[str]:
    """Long lines of the hidden graded tests' code, none of which a student may ever see."""
    lines = [
        line.strip()
        for path in sorted(HIDDEN_SOURCES.glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [line for line in lines if len(line) > 50 and "(" in line]
