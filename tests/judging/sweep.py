"""An automatic sweep: every small change to the reference's solution blocks must be caught, or be harmless for a reason.

    python -m tests.judging.sweep [--only PATTERN] [--jobs N] [--list]

Changes constants, operators, arguments, slices and keywords, drops statements and calls, one at a time. A change that no
graded test catches must be listed in harmless.toml with the reason why it is right work or cannot be seen. Exits 1 where one is
not, or where the share of caught changes among the others falls below 95%.
"""

from __future__ import annotations

import argparse
import ast
import copy
import multiprocessing
import re
import signal
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.judging.cases import CODE, Case, blocks, parse, reference
from tests.judging.direct import failures, preload

HARMLESS = Path(__file__).with_name("harmless.toml")
LEAST_SCORE = 0.95

#: Seconds that one change may take; a right one takes two.
LONGEST = 120

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}


@dataclass(frozen=True)
class Change:
    """One change to one block. `name` reads `block: the line as it is now`, with a number where two read the same."""

    name: str
    file: str
    block: str
    text: str  #: the whole file afterwards

    def case(self) -> Case:
        """The change as a mutant."""
        return Case(
            name=self.name,
            about="",
            fails=frozenset(),
            may_fail=frozenset(),
            real=False,
            sources={self.file: self.text},
            touched=frozenset({self.block}),
        )


def changes() -> Iterator[Change]:
    """All changes to all blocks, in order."""
    for file in CODE:
        for block, (begin, end) in blocks(reference(file)).items():
            seen: dict[str, int] = {}
            for label, text in _of_block(reference(file), begin, end):
                name = f"{block}: {label}"
                seen[name] = seen.get(name, 0) + 1
                yield Change(name if seen[name] == 1 else f"{name} ({seen[name]})", file, block, text)


def _of_block(text: str, begin: int, end: int) -> Iterator[tuple[str, str]]:
    """(label, whole text) for each change to the lines from `begin` to `end`."""
    done = {text}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.expr, ast.stmt, ast.Slice)):
            span = _span(text, node)
            if begin <= span[0] and span[1] <= end:
                for new in _alternatives(node):
                    label, code = new if isinstance(new, tuple) else (None, new)
                    after = text[: span[0]] + _fit(text, span[0], code) + text[span[1] :]
                    if after in done:
                        continue
                    done.add(after)
                    if code == "pass":
                        label = "without " + " ".join(text[slice(*span)].split())
                    yield label or after.splitlines()[text.count("\n", 0, span[0])].strip(), after


def _span(text: str, node: ast.expr | ast.stmt | ast.Slice) -> tuple[int, int]:
    lines = text.splitlines(keepends=True)

    def at(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    return at(node.lineno, node.col_offset), at(node.end_lineno or 0, node.end_col_offset or 0)


def _fit(text: str, at: int, new: str) -> str:
    column = at - (text.rfind("\n", 0, at) + 1)
    return textwrap.indent(new, " " * column).lstrip()


def _alternatives(node: ast.AST) -> Iterator[str | tuple[str, str]]:
    """Other things that could stand in this place, some with a label."""
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
        yield "pass"
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        other = copy.deepcopy(node)
        other.op = _OPERATORS[type(node.op)]()
        yield ast.unparse(other)
        yield ast.unparse(node.left)
        yield ast.unparse(node.right)
    elif isinstance(node, ast.UnaryOp):
        yield ast.unparse(node.operand)
    elif isinstance(node, ast.Slice):
        yield from (
            part for part in (":", _slice(node.lower, None), _slice(None, node.upper)) if part != ast.unparse(node)
        )
    elif isinstance(node, ast.Call):
        yield from _calls(node)


def _slice(lower: ast.expr | None, upper: ast.expr | None) -> str:
    return f"{ast.unparse(lower) if lower else ''}:{ast.unparse(upper) if upper else ''}"


def _constants(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield repr(not value)
    elif isinstance(value, (int, float)):
        yield repr(value + 1)
        yield repr(value - 1)


def _calls(node: ast.Call) -> Iterator[str | tuple[str, str]]:
    """The call without itself, with two arguments exchanged, without one of its keywords."""
    if node.args:
        yield ast.unparse(node.args[0])
    if len(node.args) >= 2:
        other = copy.deepcopy(node)
        other.args[0], other.args[1] = other.args[1], other.args[0]
        yield ast.unparse(other)
    for place in range(len(node.keywords)):
        other = copy.deepcopy(node)
        lost = other.keywords.pop(place)
        yield f"{ast.unparse(node.func)} without {lost.arg}", ast.unparse(other)


def caught(change: Change) -> bool:
    """Whether any graded test that the change can reach fails. A change that is no Python or never ends is caught, of course."""
    try:
        compile(change.text, change.file, "exec")
    except SyntaxError:
        return True
    case = change.case()
    signal.alarm(LONGEST)
    try:
        return any(failures(case, [graded_test], ["first"]) for graded_test in sorted(case.reached, key=_price))
    except _TookTooLong:
        return True
    finally:
        signal.alarm(0)


class _TookTooLong(BaseException):
    """A change made an endless loop."""


def _stop(*_: object) -> None:
    raise _TookTooLong


def _price(graded_test: str) -> tuple[int, str]:
    """Cheap graded tests first: most changes fail several."""
    dear = ("1f-5-hidden", "1c-3-hidden", "1e-2-hidden")
    return (dear.index(graded_test) + 1 if graded_test in dear else 0, graded_test)


def _start() -> None:
    signal.signal(signal.SIGALRM, _stop)
    preload()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", metavar="PATTERN")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="only name the changes")
    arguments = parser.parse_args()
    chosen = [change for change in changes() if re.search(arguments.only, change.name)]
    if arguments.list:
        print("\n".join(change.name for change in chosen), f"{len(chosen)} changes", sep="\n")
        return 0
    harmless: dict[str, str] = parse(HARMLESS)["reasons"] if HARMLESS.exists() else {}
    survivors = []
    with multiprocessing.get_context("spawn").Pool(arguments.jobs, initializer=_start) as pool:
        for change, killed in zip(chosen, pool.imap(caught, chosen), strict=True):
            if not killed:
                survivors.append(change.name)
                print("survives:", change.name, "" if change.name in harmless else "  <- not listed", flush=True)
    open_ones = [name for name in survivors if name not in harmless]
    idle = [name for name in harmless if name not in survivors and re.search(arguments.only, name)]
    judged = len(chosen) - (len(survivors) - len(open_ones))
    score = 1 - len(open_ones) / max(1, judged)
    print(
        f"{len(chosen)} changes, {len(survivors)} survive, {len(open_ones)} of them without a reason: score {score:.1%}"
    )
    print(*(f"listed, but caught or gone: {name}" for name in idle), sep="\n", end="\n" if idle else "")
    return 1 if score < LEAST_SCORE or idle else 0


if __name__ == "__main__":
    sys.exit(main())
