"""The uploads that are graded in the container: honest ones, and small attacks laid over them, each in a folder.

An attack over the template can earn nothing, whatever it does. One over the reference earns at most what the reference
does; how much is left of that is the attacker's own loss.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.assignment import ROOT, load
from tests.container.engine import empty
from tests.hostile import uploads as hostile

REFERENCE = ROOT / "build" / "reference_upload"
TEMPLATE = ROOT / "student_template" / "src" / "submission"
ATTACKS = Path(__file__).with_name("hostile")


@dataclass(frozen=True)
class Upload:
    """An upload by name: the folder it starts from, and what is changed in a copy of it."""

    name: str
    base: Path | None
    change: Callable[[Path], None] = lambda folder: None
    must_pass: frozenset[str] = frozenset()  # claims that the attack does not reach

    @property
    def over_template(self) -> bool:
        """Whether nothing in it deserves a point."""
        return self.base != REFERENCE

    def make(self, folder: Path) -> Path:
        """Write the upload into `folder`, which exists and is empty; returns it."""
        if self.base is not None:
            for deliverable in load().uploads:
                if (self.base / deliverable.name).is_file():
                    shutil.copyfile(self.base / deliverable.name, folder / deliverable.name)
        self.change(folder)
        return folder


def code(name: str, base: Path) -> Upload:
    """The attack hostile/NAME.py, run when the package is imported, after the honest part of __init__.py."""

    def append(folder: Path) -> None:
        with (folder / "__init__.py").open("a", encoding="utf-8") as package:
            package.write("\n\n" + (ATTACKS / f"{name}.py").read_text(encoding="utf-8"))

    return Upload(name, base, append)


def corpus(name: str) -> Upload:
    """An attack of tests/hostile, by its name there."""
    attack = hostile.find(name)

    def lay_over(folder: Path) -> None:
        made = hostile.build(name, folder, honest=REFERENCE, template=TEMPLATE)
        if made != folder:  # a zip: the platform puts it into the folder as it is
            kept = made.read_bytes()
            empty(folder)
            (folder / made.name).write_bytes(kept)

    base = REFERENCE if attack.base == "honest" else TEMPLATE
    return Upload(name, base, lay_over, frozenset(attack.must_pass))


HONEST = {
    "reference": Upload("reference", REFERENCE),
    "template": Upload("template", TEMPLATE),
    "empty": Upload("empty", None),
}

#: The first two would go on until the whole run's deadline, since every claim meets them; call_home stands for the third.
LEFT_OUT = {"ignore_signals@import", "fill_scratch@import", "knock_on_sockets@import"}

HOSTILE = (
    *(code(name, TEMPLATE) for name in ("forge_results", "read_secrets")),
    *(code(name, REFERENCE) for name in ("stay_behind", "call_home", "flood_output", "never_return")),
    *(corpus(name) for name in hostile.FOR_CONTAINERS if name not in LEFT_OUT),
    *(corpus(name) for name in ("kill_others@import", "patch_libraries@import")),
)
