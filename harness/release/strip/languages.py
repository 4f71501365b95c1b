"""What a language asks of a solution block and of its stub: LaTeX next to nothing, Python whole statements.

Promises: pure; nothing is run. A further language is a class here, and a line in `STYLES` of `blocks`.

In Python a block holds whole sibling statements of one suite, or part of an expression and then its stub.
Statements are compared by their first and last lines of code, not by the extent of what surrounds them: the END comment
after a function's last statement lies outside that function's extent.
"""

from __future__ import annotations

import ast
import io
import textwrap
import tokenize
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from harness.release.strip.blocks import Block

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
#: What binds names in a scope of its own.
_OWN_SCOPE = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


@dataclass(frozen=True)
class Unparsed:
    """Why a text is not of its language; `line` counts from 1."""

    line: int
    message: str


class Language(Protocol):
    """A text of one language, asked about its blocks."""

    def comment_lines(self) -> Collection[int] | None:
        """Numbers of the lines that hold a comment and nothing else; None where the language cannot tell."""

    def check(self, block: Block) -> str | None:
        """Why `block` may not be cut out, if so."""

    def default_stub(self, block: Block) -> str:
        """What stands in a block that brings no stub lines of its own."""


def read(name: str, text: str) -> Language | Unparsed:
    """`text` as the language that its file's suffix says, or where and why it is not of it."""
    return _read_python(text) if PurePosixPath(name).suffix == ".py" else Plain()


class Plain:
    """Text that is not parsed, such as LaTeX: a block leaves one empty line behind."""

    def comment_lines(self) -> None:
        """See Language."""

    def check(self, block: Block) -> str | None:
        """See Language."""
        return None if any(line.strip() for line in block.body) else "block holds nothing"

    def default_stub(self, block: Block) -> str:  # noqa: ARG002 (Python asks the block)
        """See Language."""
        return ""


def _read_python(text: str) -> Python | Unparsed:
    tree = parse(text)
    if isinstance(tree, Unparsed):
        return tree
    try:
        source = Python(text, tree)
    except (tokenize.TokenError, SyntaxError) as problem:
        return Unparsed(1, f"not valid Python: {problem}")
    return source.tab() or source


def parse(text: str) -> ast.Module | Unparsed:
    """The syntax tree, or where and why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is the author's business
            return ast.parse(text)
    except SyntaxError as problem:
        return Unparsed(problem.lineno or 1, f"not valid Python: {problem.msg}")
    except (RecursionError, MemoryError):
        return Unparsed(1, "not valid Python: nested too deeply")
    except ValueError as problem:  # what Python up to 3.11 says of a NUL byte
        return Unparsed(1, f"not valid Python: {problem}")


class Python:
    """A Python text that parses, with its tree and tokens.

    Raises:
        tokenize.TokenError, SyntaxError: the text parses, but `tokenize` does not read it.
    """

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.tree = tree
        self.lines = text.split("\n")
        self.tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))

    def comment_lines(self) -> frozenset[int]:
        """See Language."""
        return frozenset(
            token.start[0]
            for token in self.tokens
            if token.type == tokenize.COMMENT and not self.lines[token.start[0] - 1][: token.start[1]].strip()
        )

    def tab(self) -> Unparsed | None:
        """The first line of code that is indented with a tab."""
        for token in self.tokens:
            if token.type == tokenize.INDENT and "\t" in token.string:
                return Unparsed(token.start[0], "tab in an indent; use spaces")
        return None

    def check(self, block: Block) -> str | None:
        """See Language."""
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
        """See Language."""
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
    return frozenset() if isinstance(tree, Unparsed) else bound_here(tree.body)


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


# Which names code binds: what must exist at import, and for the leak check, whose names tell.


def scopes(tree: ast.AST) -> Iterator[Scope]:
    """All functions and classes, outer before inner."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, Scope):
            yield child
        yield from scopes(child)


def bound_here(statements: Iterable[ast.AST]) -> frozenset[str]:
    """Names that these statements bind in their own scope; bodies of functions and classes bind elsewhere."""
    return frozenset(name for statement in statements for name in _bound(statement, deep=False))


def bound_anywhere(statements: Iterable[ast.AST]) -> frozenset[str]:
    """All names bound in these statements at any depth, with arguments and attributes (`self.name = ...`)."""
    return frozenset(name for statement in statements for name in _bound(statement, deep=True))


def _bound(node: ast.AST, *, deep: bool) -> Iterator[str]:
    yield from _own(node, deep=deep)
    if deep or not isinstance(node, _OWN_SCOPE):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child, deep=deep)


def _own(node: ast.AST, *, deep: bool) -> Iterator[str]:
    """The names that `node` itself binds."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and deep:
        yield node.attr
    elif isinstance(node, Scope):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[0]
    elif isinstance(node, ast.arg) and deep:
        yield node.arg
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
