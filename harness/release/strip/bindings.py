"""Which names Python code binds: for the strip (what must exist at import) and the leak check (whose names tell).

Promises: pure; walks a tree, never runs it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_OWN_SCOPE = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


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
