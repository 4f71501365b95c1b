"""One upload graded in a fresh container, and all that was seen of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.container import layout
from tests.container.engine import Engine, Machine, Task, empty
from tests.container.layout import Secrets
from tests.container.uploads import Upload

STAND_IN = ("/usr/bin/python3", "/stand_in.py")


@dataclass(frozen=True)
class Trial:
    """`results` is results.json as bytes; `seen` the stand-in's findings; `stdout` what staff would see of the run."""

    upload: str
    machine: Machine
    results: bytes
    seen: dict[str, Any]
    stdout: str

    @property
    def parsed(self) -> dict[str, Any]:
        """results.json; ValueError where it is not strict JSON."""
        return dict(json.loads(self.results, parse_constant=_refuse))

    @property
    def score(self) -> float:
        """What the platform would show: `score`, or else the sum over the tests."""
        parsed = self.parsed
        return float(parsed["score"] if "score" in parsed else sum(test["score"] for test in parsed["tests"]))


@dataclass
class Laboratory:
    """An engine and an image; grades each upload once per kind of machine and remembers it."""

    engine: Engine
    image: str
    secrets: Secrets
    state: Path
    trials: dict[tuple[str, Machine], Trial] = field(default_factory=dict)

    def grade(self, upload: Upload, machine: Machine) -> Trial:
        """The trial of `upload` on `machine`, now or from before."""
        key = (upload.name, machine)
        if key not in self.trials:
            folder = upload.make(empty(self.state / "upload"))
            self.trials[key] = self.run(upload.name, folder, machine, upload.command)
        return self.trials[key]

    def run(self, name: str, folder: Path, machine: Machine, command: tuple[str, ...]) -> Trial:
        """Run `command` in the place of run_autograder, as the platform would, on the upload in `folder`."""
        files, out = self.state / "run.tar", empty(self.state / "out") / "autograder"
        layout.run_files(folder, self.secrets, files)
        task = Task(files, (*STAND_IN, *command), {layout.TOKEN_VARIABLE: self.secrets.token})
        printed = self.engine.run(self.image, task, machine, out)
        findings = out / "stand_in.json"
        if not findings.exists():
            raise AssertionError(f"the container ended before it reported: {printed[-4000:]}")
        results = out / "results" / "results.json"
        return Trial(
            upload=name,
            machine=machine,
            results=results.read_bytes() if results.is_file() else b"",
            seen=json.loads(findings.read_text(encoding="utf-8")),
            stdout=(out / "stdout").read_text(encoding="utf-8", errors="replace"),
        )

    def table(self) -> list[str]:
        """What each grade earned and took, one line each."""
        lines = [f"{'upload':<26}{'landlock':<10}{'limits':<16}{'score':>6}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}"]
        for trial in self.trials.values():
            machine, seen = trial.machine, trial.seen
            limits = f"{machine.memory_mib or '-'} MiB, {machine.cpus or '-'}"
            score = f"{trial.score:g}" if trial.results else "none"
            lines.append(
                f"{trial.upload:<26}{'there' if machine.landlock else 'hidden':<10}{limits:<16}"
                f"{score:>6}{seen['wall_seconds']:>8}{seen['cpu_seconds']:>8}{seen['peak_mib']:>10}"
            )
        return lines


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
