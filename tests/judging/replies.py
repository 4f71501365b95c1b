"""Replies that have the form which a probe declares, and are as bad as that form allows; replays of them.

    python -m tests.judging.replies [--rounds 200] [--only PATTERN]

A graded test is judged on the reference once, and every reply is kept. Then it is judged again and again, with some reply,
or a part of one, replaced. Prints what was no Failure, and what took long.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import inspect
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from harness.grading import catalogue
from harness.grading.catalogue import GradedTest
from harness.grading.feedback import Failure
from harness.grading.seeds import generator
from harness.grading.student import LARGEST_REPLY, Probe, name_of
from harness.manifest import load
from harness.probes import schemas
from harness.probes.schemas.forms import (
    Array,
    Either,
    Flag,
    Form,
    List,
    Nothing,
    Number,
    Record,
    Row,
    Span,
    Table,
    Text,
    Whole,
)
from harness.problems.birthplaces.questions import Gold

MODES = ("least", "most", "random")

#: Number of the reply, its form and the honest reply -> what to give instead.
Instead = Callable[[int, Form, Any], Any]


# --- values of a form -------------------------------------------------------------------------------------------------


@dataclass
class Maker:
    """Makes values of a form: the smallest, the largest, or any."""

    rng: np.random.Generator
    mode: str
    room: int = LARGEST_REPLY
    """Bytes that arrays and texts may still take: the sandbox lets no more through."""

    def make(self, form: Form) -> Any:
        """A value of this form, but for its rules."""
        match form:
            case Nothing():
                return None
            case Flag():
                return bool(self.rng.integers(2))
            case Whole():
                return self._pick(form.least, form.most)
            case Number():
                return self._number(form)
            case Text():
                return self._text(form)
            case Array():
                return self._array(form)
            case List():
                count = self._count(form.length)
                return [self.make(form.each) for _ in range(count)] if count < 1000 else [self.make(form.each)] * count
            case Row():
                return [self.make(each) for each in form.entries]
            case Record():
                return {name: self.make(each) for name, each in form.fields.items()}
            case Table():
                return {
                    self._name(form.names, place): self.make(form.each) for place in range(self._count(form.length))
                }
            case Either():
                return self.make(form.forms[int(self.rng.integers(len(form.forms)))])
        raise TypeError(form)

    def _pick(self, least: int, most: int) -> int:
        if self.mode == "least":
            return least
        if self.mode == "most":
            return most
        return int(self.rng.choice([least, most, min(least + 1, most), int(self.rng.integers(least, most + 1))]))

    def _count(self, size: int | Span) -> int:
        return self._pick(size.least, size.most) if isinstance(size, Span) else size

    def _number(self, form: Number) -> float:
        least, most = max(form.least, -1e308), min(form.most, 1e308)
        odd = [] if form.finite else [math.nan, math.inf, -math.inf]
        return float(self.rng.choice([least, most, min(max(0.0, least), most), *odd]))

    def _text(self, form: Text) -> str:
        length = min(self._pick(form.shortest, form.longest), self.room // 4)
        self.room -= 4 * length
        return "".join(self.rng.choice(list("a\u0000{}%\n\t\u2047\u25a1ñ\U0001f600"), min(length, 50))).ljust(
            length, "x"
        )

    def _name(self, form: Text, place: int) -> str:
        return f"{place}{self._text(form)}"[: form.longest]

    def _array(self, form: Array) -> np.ndarray:
        shape = self._shape(form)
        dtypes = {"f": ("f8", "f4", "f2"), "i": ("i8", "i1"), "u": ("u8", "u1"), "b": ("?",)}
        dtype = np.dtype(str(self.rng.choice(dtypes[str(self.rng.choice(list(form.kinds)))])))
        while math.prod(shape) * dtype.itemsize > self.room:
            place = int(np.argmax(shape))
            shape[place] //= 2
        self.room -= math.prod(shape) * dtype.itemsize
        return self._filled(form, np.zeros(shape, dtype))

    def _shape(self, form: Array) -> list[int]:
        if form.shape is not None:
            return [self._count(size) for size in form.shape]
        dimensions, elements = self._count(form.dimensions), self._count(form.elements)
        if not dimensions:
            return []
        shape = [1] * dimensions
        shape[int(self.rng.integers(dimensions))] = elements
        return shape

    def _filled(self, form: Array, array: np.ndarray) -> np.ndarray:
        kind = array.dtype.kind
        if kind == "b":
            return array
        limits = np.finfo(array.dtype) if kind == "f" else np.iinfo(array.dtype)
        least = float(limits.min) if form.least is None else max(form.least, float(limits.min))
        most = float(limits.max) if form.most is None else min(form.most, float(limits.max))
        odd = [math.nan, math.inf, -math.inf] if kind == "f" and not form.finite else []
        choices = [least, most, min(max(0.0, least), most), min(max(1.0, least), most), *odd, "noise"]
        bounds = {"least": least, "most": most}
        chosen: Any = bounds[self.mode] if self.mode in bounds else choices[int(self.rng.integers(len(choices)))]
        if isinstance(chosen, str):
            array[...] = np.clip(self.rng.standard_normal(array.shape), least, most)
        elif kind == "f":
            array[...] = chosen
        else:
            array[...] = (
                int(limits.min) if chosen <= limits.min else int(limits.max) if chosen >= limits.max else int(chosen)
            )
        return array


def made(form: Form, rng: np.random.Generator, mode: str) -> Any:
    """A value of this form as bad as it allows, rules included; None where none was found."""
    for _ in range(20):
        value = Maker(rng, mode).make(form)
        if form.complaint(value, "") is None:
            return value
    return None


def changed(form: Form, value: Any, rng: np.random.Generator) -> Any:
    """An honest value with some parts of it replaced, of the same form."""
    for _ in range(50):
        other = copy.deepcopy(value)
        for _ in range(int(rng.integers(1, 4))):
            other = _replaced(form, other, rng)
        if form.complaint(other, "") is None:
            return other
    return value


def _replaced(form: Form, value: Any, rng: np.random.Generator) -> Any:
    """With one part, at any depth, replaced."""
    if isinstance(form, Either):
        form = next(each for each in form.forms if each.complaint(value, "") is None or each is form.forms[-1])
    parts = list(_parts(form, value))
    if not parts or rng.random() < 0.15:
        return (
            _bent(value, rng)
            if isinstance(value, np.ndarray) and rng.random() < 0.6
            else Maker(rng, "random").make(form)
        )
    key, part, inner = parts[int(rng.integers(len(parts)))]
    inside: Any = list(value) if isinstance(value, (list, tuple)) else dict(value)
    inside[key] = _replaced(inner, part, rng)
    return inside


def _bent(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The array with another of its numbers, scaled, turned round, or all alike."""
    other = value.copy()
    if other.size:
        how = int(rng.integers(5))
        if how == 0:
            other.reshape(-1)[int(rng.integers(other.size))] = 1
        elif how == 1:
            with np.errstate(all="ignore"):
                other = (other * 1.01).astype(value.dtype)
        elif how == 2:
            other = np.flip(other).copy()
        elif how == 3:
            other[...] = other.reshape(-1)[0]
        elif value.dtype.kind == "f":
            other.reshape(-1)[0] = np.nan
    return other


def _parts(form: Form, value: Any) -> Iterator[tuple[Any, Any, Form]]:
    """(key, part, its form)."""
    match form:
        case Record():
            yield from ((name, value[name], each) for name, each in form.fields.items())
        case Table():
            yield from ((name, part, form.each) for name, part in value.items())
        case List():
            yield from ((place, part, form.each) for place, part in enumerate(value))
        case Row():
            yield from ((place, part, each) for place, (part, each) in enumerate(zip(value, form.entries, strict=True)))


# --- replays ----------------------------------------------------------------------------------------------------------


@dataclass
class Tape:
    """Stands for a Student or a Reference: keeps every reply, and in a replay gives what `instead` makes of it."""

    ask: Any
    hidden: bool = True
    kept: dict[int, Any] = field(default_factory=dict)
    instead: Instead | None = None
    count: int = 0

    @property
    def submission(self) -> Any:
        """What graded tests look at of it: an upload in which all files are present."""
        return self.ask.submission

    def run(self, probe: Probe, **arguments: Any) -> Any:
        """The reply to the next question."""
        return self._reply(probe, arguments, self.ask.run)

    def run_apart(self, probe: Probe, **arguments: Any) -> Any:
        """The same for a file that stands on its own."""
        return self._reply(probe, arguments, self.ask.run_apart)

    def read(self, probe: Probe, **arguments: Any) -> Any:
        """The same for what looks at files."""
        return self._reply(probe, arguments, self.ask.read)

    def file(self, name: str) -> Path:
        """The file itself."""
        return Path(self.ask.file(name))

    def _reply(self, probe: Probe, arguments: Mapping[str, Any], ask: Any) -> Any:
        number, self.count = self.count, self.count + 1
        if number not in self.kept:
            self.kept[number] = ask(probe, **arguments)
        if self.instead is None:
            return copy.deepcopy(self.kept[number])
        form = schemas.form_of(name_of(probe), arguments)
        value = self.instead(number, form, self.kept[number])
        assert form.complaint(value, "") is None
        return value


def asks_student(graded_test: GradedTest) -> bool:
    """Whether it asks anything of a worker."""
    source = inspect.getsource(function_of(graded_test))
    return "student" in source and "judge(" not in source


def function_of(graded_test: GradedTest) -> Callable[..., None]:
    """The graded test itself."""
    found: Callable[..., None] = getattr(importlib.import_module(graded_test.module), graded_test.function)
    return found


def replay(graded_test: GradedTest, student: Tape, reference: Tape, seed: str, data: Path) -> None:
    """Judge once, with this dataset: raises what the graded test raises."""
    student.count = reference.count = 0
    fixtures = {
        "student": student, "reference": reference, "rng": generator(seed, graded_test.id),
        "unseen": generator(seed, graded_test.id, "unseen"), "assignment": load(), "for_staff": {},
        "after_due_date": False, "gold": Gold(data),
    }  # fmt: skip
    function = function_of(graded_test)
    function(**{name: fixtures[name] for name in inspect.signature(function).parameters})


def rounds(student: Tape, count: int, seed: int = 0) -> Iterator[Instead]:
    """What to give instead of honest replies: first whole replies, then honest ones with parts replaced."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        yield (
            _whole(rng, MODES[number])
            if number < len(MODES)
            else _in_part(rng, int(rng.integers(len(student.kept) or 1)))
        )


def _whole(rng: np.random.Generator, mode: str) -> Instead:
    def instead(_: int, form: Form, value: Any) -> Any:
        found = made(form, rng, mode)
        return copy.deepcopy(value) if found is None else found

    return instead


def _in_part(rng: np.random.Generator, at: int) -> Instead:
    def instead(place: int, form: Form, value: Any) -> Any:
        return changed(form, value, rng) if place == at else copy.deepcopy(value)

    return instead


class Files:
    """Looks at uploaded files as probe `files.state_dicts` does, for names that are all there."""

    def __init__(self, package: Any, folder: Path) -> None:
        self._run, self._folder = package, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    @property
    def submission(self) -> Any:
        """An upload in which everything is present."""
        present = {each.name: self._folder / each.name for each in load().uploads}
        return SimpleNamespace(present=present, complaints=())

    def file(self, name: str) -> Path:
        """Where it lies."""
        return self._folder / name

    def run_apart(self, probe: Probe, **arguments: Any) -> Any:
        """What the probe gives that imports from the folder by itself."""
        return self.read(probe, **arguments)

    def read(self, probe: Probe, **arguments: Any) -> Any:
        """What the probe says of the files."""
        topic, _, function = name_of(probe).partition(".")
        return getattr(importlib.import_module(f"harness.probes.{topic}"), function)(self._folder, **arguments)


def honest(folder: Path) -> tuple[Tape, Tape]:
    """A student whose code is the reference and whose files lie in `folder`, and the reference."""
    from tests.judging.cases import REFERENCE
    from tests.judging.direct import Direct, load_package, preload

    preload()
    package = load_package(REFERENCE)
    return Tape(Files(Direct(package, 1), folder)), Tape(Direct(package, 1))


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", default="")
    parser.add_argument("--upload", type=Path, default=Path("build/reference_upload"))
    parser.add_argument("--data", type=Path, default=Path("build/dataset"), help="that the upload was made with")
    arguments = parser.parse_args()
    wrong = 0
    for graded_test in (each for each in catalogue.collect(load()) if arguments.only in each.id and asks_student(each)):
        student, reference = honest(arguments.upload)
        replay(graded_test, student, reference, "fuzz", arguments.data)
        passed, longest = 0, 0.0
        for number, instead in enumerate(rounds(student, arguments.rounds)):
            student.instead, begun = instead, time.process_time()
            try:
                replay(graded_test, student, reference, "fuzz", arguments.data)
                passed += 1
            except Failure:
                pass
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is what is looked for
                wrong += 1
                trace = problem.__traceback__
                while trace is not None and trace.tb_next is not None:
                    trace = trace.tb_next
                where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
                print(f"{graded_test.id} round {number}: {type(problem).__name__}: {problem} at {where}", flush=True)
            longest = max(longest, time.process_time() - begun)
        print(f"{graded_test.id:<12} {passed:>4} of {arguments.rounds} passed, longest {longest:.2f} s", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
