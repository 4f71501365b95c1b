"""Attacking uploads, built from the folders in attacks/ with the standard library alone.

    build("leave@import", Path("/tmp/upload"))

An attack is a folder with an expect.toml and any of

    attack.py     a function `attack()`, added to __init__.py together with what calls it at a moment of expect.toml:
                  `import` (at once), `call` (whenever an example is drawn or a model runs), `exit` (atexit, and a thread
                  that outlives the probe), or `never`, where the file does all of it by itself
    files/        laid over the upload as they are
    generator     a function of generators.py, for what git cannot store: links, pipes, devices, bombs

and lies over a base: `honest` (the reference's upload), `template` (earns nothing whatever it does) or `empty`. Words
between @ signs are replaced by paths that a real attacker would have to guess: here the attacker is told.

Every bomb is small enough to do no harm outside of a sandbox.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ATTACKS = HERE / "attacks"
BASES = {
    "honest": ROOT / "build" / "reference_upload",
    "template": ROOT / "student_template" / "src" / "submission",
    "empty": None,
}

#: Where things lie on Gradescope. MARK is part of the name of everything that an attack leaves anywhere.
PLACES: Mapping[str, str] = {
    "DATA": "/autograder/source/data",
    "RESULTS": "/autograder/results/results.json",
    "METADATA": "/autograder/submission_metadata.json",
    "ROOT": "/autograder/source",
    "MARK": "holdout-was-here",
}

#: One of each kind, for tests in which every grade costs a container.
FOR_CONTAINERS = (
    "leave@import", "forge_results@exit", "read_files@import", "read_processes@call", "spray_descriptors@call",
    "forge_a_pass@import", "ignore_signals@import", "fork@call", "hoard_memory@call", "fill_scratch@import", "raw_calls@import",
    "knock_on_sockets@import", "late_threads", "linked_files", "special_files", "shadowing_modules", "monstrous_params",
    "zip_slip",
)  # fmt: skip

_ON_CALL = """
def _first(original):
    def call(*arguments, **more):
        attack()
        return original(*arguments, **more)
    return call
CharCorruptionDataset.__getitem__ = _first(CharCorruptionDataset.__getitem__)
GPT.forward = _first(GPT.forward)
GPT.__init__ = _first(GPT.__init__)
"""
_AT_EXIT = """
def _late():
    import time
    for pause in (0, 0.01, 0.05, 0.2, 1):
        time.sleep(pause)
        attack()
import atexit, threading
atexit.register(attack)
threading.Thread(target=_late).start()
"""
TRIGGERS = {"import": "attack()\n", "call": _ON_CALL, "exit": _AT_EXIT, "never": ""}


@dataclass(frozen=True)
class Attack:
    """One attack at one moment, and what may come of it."""

    folder: Path
    moment: str
    says: str
    base: str
    graded_tests: tuple[str, ...]
    """The graded tests worth running against it, by ID or by part."""
    may_pass: frozenset[str]
    """Those that the honest code in it deserves. Its points are never more than theirs."""
    must_pass: frozenset[str]
    """Those that the attack must not keep from passing."""
    seconds: int
    """What a graded test may take, so that endless ones end soon."""
    run_seconds: int
    """What all of them together may take."""
    needs_root: bool
    generator: str | None
    hides: tuple[str, ...]
    """What hidden graded tests must not say, beside what no graded test may ever say."""

    @property
    def name(self) -> str:
        """`folder`, or `folder@moment` where code runs."""
        return f"{self.folder.name}@{self.moment}" if self.moment in ("import", "call", "exit") else self.folder.name


def read(folder: Path) -> tuple[Attack, ...]:
    """The attacks of a folder, one per moment. A table named like a moment replaces values for that moment."""
    with (folder / "expect.toml").open("rb") as stream:
        raw = tomllib.load(stream)
    moments = raw.pop("moments", ["never"])
    special = {moment: raw.pop(moment, {}) for moment in TRIGGERS}
    return tuple(_attack(folder, moment, {**raw, **special[moment]}) for moment in moments)


def _attack(folder: Path, moment: str, raw: dict[str, Any]) -> Attack:
    graded_tests = tuple(raw.pop("graded_tests"))
    must = frozenset(raw.pop("must_pass", ()))
    may = frozenset(graded_tests if raw.get("may_pass") == "all" else raw.get("may_pass", ())) | must
    raw.pop("may_pass", None)
    attack = Attack(
        folder=folder,
        moment=moment,
        says=raw.pop("says"),
        base=raw.pop("base"),
        graded_tests=graded_tests,
        may_pass=may,
        must_pass=must,
        seconds=raw.pop("seconds", 30),
        run_seconds=raw.pop("run_seconds", 420),
        needs_root=raw.pop("needs_root", False),
        generator=raw.pop("generator", None),
        hides=tuple(raw.pop("hides", ())),
    )
    covered = all(graded_test in graded_tests or graded_test.partition("-")[0] in graded_tests for graded_test in may)
    if raw or not covered or attack.base not in BASES:
        raise ValueError(f"{folder / 'expect.toml'}: {sorted(raw) or 'may_pass, must_pass or base'} cannot be right")
    return attack


def attacks() -> tuple[Attack, ...]:
    """All of them, in the order of their names."""
    folders = sorted(path.parent for path in ATTACKS.glob("*/expect.toml"))
    return tuple(attack for folder in folders for attack in read(folder))


def find(name: str) -> Attack:
    """The attack `folder` or `folder@moment`."""
    folder, _, moment = name.partition("@")
    return next(attack for attack in read(ATTACKS / folder) if moment in ("", attack.moment))


def build(
    name: str,
    into: Path,
    *,
    honest: Path | None = None,
    template: Path | None = None,
    places: Mapping[str, str] = PLACES,
) -> Path:
    """Write the upload `name` into the folder `into`, made when absent; returns what to upload, a zip or `into` itself.

    Args:
        name: `folder` or `folder@moment`.
        into: the upload's folder.
        honest, template: what to lay the attack over, instead of the repository's own (`make reference` makes the first).
        places: what the words between @ signs stand for.
    """
    attack = find(name)
    base = {"honest": honest, "template": template}.get(attack.base) or BASES[attack.base]
    into.mkdir(parents=True, exist_ok=True)
    if base is not None:
        _copy(base, into)
    if (attack.folder / "files").is_dir():
        _lay_over(attack.folder / "files", into, places)
    if (attack.folder / "attack.py").is_file():
        source = _filled((attack.folder / "attack.py").read_text(encoding="utf-8"), places)
        with (into / "__init__.py").open("a", encoding="utf-8") as package:
            package.write(f"\n\n{source}\n{TRIGGERS[attack.moment]}")
    if attack.generator is None:
        return into
    return getattr(_generators(), attack.generator)(into, places) or into


def _copy(base: Path, into: Path) -> None:
    for path in base.iterdir():
        if path.is_file():
            shutil.copyfile(path, into / path.name)


def _lay_over(files: Path, into: Path, places: Mapping[str, str]) -> None:
    for path in sorted(files.rglob("*")):
        target = into / path.relative_to(files)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_text(_filled(path.read_text(encoding="utf-8"), places), encoding="utf-8")


def _filled(text: str, places: Mapping[str, str]) -> str:
    for word, path in places.items():
        text = text.replace(f"@{word}@", path)
    return text


def _generators() -> ModuleType:
    name = "hostile_generators"
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, HERE / "generators.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
    return sys.modules[name]
