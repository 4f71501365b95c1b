"""Grades that go wrong: started as a command, broken at a moment, and looked at afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.assignment import ROOT

VICTIMS = ("worker", "zygote", "session", "supervisor")
OUTCOMES = {"pass", "fail", "internal_error", "not_run"}
#: How long a grade of a few graded tests may take before it counts as hanging, on a machine that others use as well.
PATIENCE_SECONDS = 900.0


class Hangs(AssertionError):
    """A grade does not end. The message says what each of its processes waits for."""


@dataclass(frozen=True)
class Ending:
    """How a grade ended, and what it left."""

    status: int
    text: str
    results: Path
    left_running: tuple[str, ...]
    left_behind: tuple[str, ...]
    """What lies in the grade's folder for temporary files."""

    @property
    def document(self) -> dict[str, Any]:
        """results.json; AssertionError where it is no strict JSON."""
        return strict(self.results)

    @property
    def outcomes(self) -> dict[str, str]:
        """Graded test -> outcome."""
        return {test["number"]: test["extra_data"]["outcome"] for test in self.document["tests"]}


class Grade:
    """A running `python -m harness grade`, in a process group and a temporary folder of its own."""

    def __init__(
        self, upload: Path, data: Path, results: Path, temporary: Path, *extra: str, root: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.results = results
        self.temporary = temporary
        temporary.mkdir(mode=0o755, exist_ok=True)
        temporary.chmod(0o755)
        self._log = temporary.with_name(f"{temporary.name}.log")
        command = [
            sys.executable,
            "-m",
            "harness",
            "grade",
            str(upload),
            "--data",
            str(data),
            "--results",
            str(results),
            *extra,
        ]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
            )  # fmt: skip
        self.seen: set[int] = set()

    def family(self) -> dict[str, int]:
        """The processes of this grade that are there now, by the names in VICTIMS."""
        found = {"supervisor": self.process.pid}
        for name, parent in (("session", "supervisor"), ("zygote", "session"), ("worker", "zygote")):
            children = _children(found[parent])
            if name == "zygote":  # beside it, a session has forks of itself that judge
                children = [pid for pid in children if "boot.py" in _command(pid)]
            if not children:
                break
            found[name] = children[-1]
            self.seen.update(children)
        return found

    def kill(self, victim: str, number: int = signal.SIGKILL, patience: float = 60.0) -> bool:
        """Signal one of the family as soon as it is there; False when the grade ended before."""
        deadline = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < deadline:
            found = self.family()
            if victim in found:
                with suppress(ProcessLookupError):
                    os.kill(found[victim], number)
                    return True
            time.sleep(0.002)
        return False

    def until(self, saved: int) -> None:
        """Wait until results.json holds the verdicts on so many graded tests, or the grade is over."""
        while self.process.poll() is None:
            with suppress(OSError, ValueError, KeyError):
                tests = json.loads(self.results.read_bytes())["tests"]
                if sum(test["extra_data"]["outcome"] != "not_run" for test in tests) >= saved:
                    return
            time.sleep(0.005)

    def end(self, patience: float = PATIENCE_SECONDS) -> Ending:
        """Wait for the end of everything, then look; Hangs where there is no end."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            waiting = [_state(pid) for pid in (self.process.pid, *_mentioning(str(self.temporary)))]
            raise Hangs("\n".join([f"no end after {patience:g} s", *waiting])) from None
        finally:
            self.process.kill()
        left = self._wait_for_the_others()
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return Ending(status, text, self.results, left, tuple(sorted(path.name for path in self.temporary.iterdir())))

    def _wait_for_the_others(self) -> tuple[str, ...]:
        """Names of processes of ours that are still there after a while."""
        deadline = time.monotonic() + 120
        while (
            left := [f"{pid} {_name(pid)}" for pid in _mentioning(str(self.temporary))]
        ) and time.monotonic() < deadline:
            time.sleep(0.02)
        return tuple(left)


def _children(parent: int) -> list[int]:
    with suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()]
    return []


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    return ""


def _state(pid: int) -> str:
    """What a process and its threads are at, for whoever looks for the reason of a hang."""
    lines = [f"{pid} {_name(pid)}, children {_children(pid)}"]
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        found = []
        for name in ("wchan", "syscall", "stat"):
            with suppress(OSError):
                found.append(f"{name} {(thread / name).read_text(encoding='utf-8', errors='replace').strip()}")
        lines.append(f"  {thread.name}: {'; '.join(found)}")
    return "\n".join(lines)


def _mentioning(folder: str) -> list[int]:
    """Living processes with `folder` in their command line, as working directory or as stderr: session, zygote, workers."""
    others = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()]
    return [int(entry.name) for entry in others if any(folder in text for text in _traits(entry))]


def _traits(process: Path) -> Iterator[str]:
    yield _command(int(process.name))
    for link in ("cwd", "fd/2"):
        with suppress(OSError):
            yield str((process / link).readlink())


def strict(path: Path) -> dict[str, Any]:
    """A document of strict JSON; AssertionError for anything else."""

    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(path.read_bytes().decode("utf-8"), parse_constant=refuse)
    assert isinstance(document, dict)
    return document


def assert_sound(ending: Ending, graded_tests: Mapping[str, float], interrupted: bool) -> None:
    """The promises that hold however a grade ends.

    Args:
        graded tests: graded test -> points of those that were to be judged.
        interrupted: whether the supervisor was killed, which alone may leave graded tests as not run.
    """
    document, outcomes = ending.document, ending.outcomes
    assert list(outcomes) == list(graded_tests)
    assert {test["number"]: test["max_score"] for test in document["tests"]} == graded_tests
    assert set(outcomes.values()) <= OUTCOMES
    assert document["score"] == sum(graded_tests[number] for number, outcome in outcomes.items() if outcome == "pass")
    unjudged = [number for number, outcome in outcomes.items() if outcome in ("internal_error", "not_run")]
    for test in document["tests"]:
        assert test["output"].strip(), test
        if test["number"] in unjudged:
            assert test["score"] == 0
    if "not_run" in outcomes.values():
        assert interrupted, document
    assert document["extra_data"]["internal_error"] is bool(unjudged) or interrupted
    if unjudged:
        assert "internal error of the grader" in document["output"], document["output"]
    assert ending.left_running == ()


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    """A file system of that size, mounted at `folder`; needs the rights to mount. OSError without them."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=755", "holdout-small-disk", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, how: str) -> None:
    """`ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


def copied_grader(folder: Path) -> Path:
    """The grader as it is released, in `folder`, to be broken there: harness, reference and manifest."""
    leave_out = shutil.ignore_patterns("__pycache__", "release", "classroom")
    shutil.copytree(ROOT / "harness", folder / "harness", ignore=leave_out)
    shutil.copytree(
        ROOT / "reference_solution" / "src" / "submission", folder / "reference_solution" / "src" / "submission"
    )
    shutil.copyfile(ROOT / "assignment.toml", folder / "assignment.toml")
    return folder
