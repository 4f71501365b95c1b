"""What a solution block may be in Python: whole sibling statements of one suite, or part of an expression with a stub.

Promises: pure. `check` says why a block is refused, `default_stub` what stands in its place.

Statements are compared by their first and last lines of code, not by the extent of what surrounds them: the END comment
after a function's last statement lies outside that function's extent.
"""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.release.strip.bindings import bound_here, scopes
from harness.release.strip.blocks import Block

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class Fault:
    """Why a text is refused; `line` counts from 1."""

    line: int
    message: str


def parse(text: str) -> ast.Module | Fault:
    """The syntax tree, or where and why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is the author's business
            return ast.parse(text)
    except SyntaxError as problem:
        return Fault(problem.lineno or 1, f"not valid Python: {problem.msg}")
    except (RecursionError, MemoryError):
        return Fault(1, "not valid Python: nested too deeply")
    except ValueError as problem:  # what Python up to 3.11 says of a NUL byte
        return Fault(1, f"not valid Python: {problem}")


class Source:
    """A Python text that parses, with its tree and tokens, asked about its blocks.

    Raises:
        tokenize.TokenError, SyntaxError: the text parses, but `tokenize` does not read it.
    """

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.tree = tree
        self.lines = text.split("\n")
        self.tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))

    def comment_lines(self) -> frozenset[int]:
        """Numbers of the lines that hold a comment and nothing else."""
        return frozenset(
            token.start[0]
            for token in self.tokens
            if token.type == tokenize.COMMENT and not self.lines[token.start[0] - 1][: token.start[1]].strip()
        )

    def tab(self) -> Fault | None:
        """The first line of code that is indented with a tab."""
        for token in self.tokens:
            if token.type == tokenize.INDENT and "\t" in token.string:
                return Fault(token.start[0], "tab in an indent; use spaces")
        return None

    def check(self, block: Block) -> str | None:
        """Why `block` may not be cut out, if so."""
        code = self._code(block)
        if not code:
            return "block holds no code"
        place = _place(self.tree, self.tree.body, block)
        if isinstance(place, str):
            return place
        if place.inside:
            return _whole(block, place, code) or self._needed(block, place)
        return None if block.stub else "block is inside an expression; give its stub on '#| ' lines"

    def default_stub(self, block: Block) -> str:
        """What stands in a block that brings no stub lines of its own, with its indent."""
        around = [scope for scope in scopes(self.tree) if _first(scope) < block.start <= _last(scope)]
        if not around or isinstance(around[-1], ast.ClassDef):
            return f"{block.indent}pass"
        name = ".".join(scope.name for scope in around)
        return f'{block.indent}raise NotImplementedError("{name} is not written yet")'

    def _code(self, block: Block) -> list[tokenize.TokenInfo]:
        return [
            token for token in self.tokens if block.start < token.start[0] < block.end and token.type not in _LAYOUT
        ]

    def _needed(self, block: Block, place: _Place) -> str | None:
        """A module's names that public code uses must exist at import: `pass` will not do for them."""
        if place.owner is not self.tree:
            return None
        public = [statement for statement in self.tree.body if statement not in place.inside]
        missing = bound_here(place.inside) - bound_here(public) - _stub_names(block)
        used = [node for statement in public for node in ast.walk(statement) if isinstance(node, ast.Name)]
        for node in used:
            if node.id in missing:
                return f"block binds '{node.id}', which line {node.lineno} uses; give its stub on '#| ' lines"
        return None


@dataclass(frozen=True)
class _Place:
    """Where a block lies: in a suite of `owner`, holding `inside`; nothing inside means within an expression."""

    owner: ast.AST
    inside: tuple[ast.stmt, ...]


def _place(owner: ast.AST, suite: Sequence[ast.stmt], block: Block) -> _Place | str:
    """Go down to the suite whose statements the block holds, or stop at the statement that it cuts."""
    touched = [statement for statement in suite if _last(statement) > block.start and _first(statement) < block.end]
    inside = tuple(each for each in touched if _first(each) > block.start and _last(each) < block.end)
    around = [statement for statement in touched if statement not in inside]
    if not around:
        return _Place(owner, inside)
    outer = around[0]
    if inside or len(around) > 1 or _first(outer) > block.start:
        return _cut(_first(outer))
    suites = [each for each in _suites(outer) if _touches(each, block)]
    if len(suites) > 1 or (not suites and _last(outer) < block.end):
        return _cut(_first(outer))
    return _place(outer, suites[0], block) if suites else _Place(outer, ())


def _whole(block: Block, place: _Place, code: Sequence[tokenize.TokenInfo]) -> str | None:
    """The block's code must begin and end where its statements do, at the marker's column."""
    first, last = place.inside[0], place.inside[-1]
    if code[0].start != (_first(first), first.col_offset) or code[0].string == "elif":
        return _cut(code[0].start[0])
    if code[-1].end[0] != _last(last):
        return _cut(code[-1].start[0])
    if first.col_offset != len(block.indent):
        columns = f"at column {first.col_offset}, its marker at column {len(block.indent)}"
        return f"the block's first statement is {columns}"
    return None


def _cut(line: int) -> str:
    return f"block cuts the statement at line {line}"


def _stub_names(block: Block) -> frozenset[str]:
    tree = parse(textwrap.dedent("\n".join(block.stub)))
    return frozenset() if isinstance(tree, Fault) else bound_here(tree.body)


def _touches(suite: Sequence[ast.stmt], block: Block) -> bool:
    return any(_last(statement) > block.start and _first(statement) < block.end for statement in suite)


def _suites(statement: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    """Every list of statements directly below: bodies, else branches, handlers, cases."""
    for _, value in ast.iter_fields(statement):
        if isinstance(value, list) and value:
            if isinstance(value[0], ast.stmt):
                yield value
            elif isinstance(value[0], ast.ExceptHandler | ast.match_case):
                for part in value:
                    yield from _suites(part)


def _first(statement: ast.stmt) -> int:
    """First line of code; a decorator counts."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _last(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno
