"""How fast an expression in L, l and m grows: read as arithmetic, evaluated exactly, and compared up to a constant.

Promises: text from students is parsed and walked, never run; only whole numbers, L, l, m and + - * / ** get through;
exponents and numbers are capped, so that any text is judged at once. Students have this module.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

#: Values of the variables by name.
Point = dict[str, Fraction]

NAMES = ("L", "l", "m")
LONGEST_TEXT = 200
LARGEST_EXPONENT = 8
LARGEST_NUMBER = 1 << 13  # bits
DEEPEST = 120

#: Two expressions grow alike if their ratio stays between 1/SLACK and SLACK over all points.
SLACK = 20

_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class ComplexityError(ValueError):
    """Why a text is no expression as it should be: one sentence for its author."""


@dataclass(frozen=True)
class Complexity:
    """An expression that was read."""

    text: str
    tree: ast.expr

    def at(self, point: Point) -> Fraction:
        """Its value; ComplexityError where it divides by zero or grows past every reason."""
        return _value(self.tree, point)


def read(text: str) -> Complexity:
    """The expression in `text`, which may stand in O(...).

    Raises:
        ComplexityError: it is too long, is no arithmetic, or has other names, calls or operators.
    """
    if len(text) > LONGEST_TEXT:
        raise ComplexityError(f"{len(text)} characters long; {LONGEST_TEXT} are plenty")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise ComplexityError(f"no arithmetic expression: {text!r}") from problem
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "O" and len(tree.args) == 1:
        tree = tree.args[0]
    _check(tree, DEEPEST)
    return Complexity(text, tree)


def points() -> Iterator[Point]:
    """Where growth is compared: L = 3 t^i, m = t^k and l = t^(j+k) with t = 10^6, so that m <= l and L >= 3."""
    t = Fraction(10**6)
    for i, j, k in product(range(3), repeat=3):
        yield {"L": 3 * t**i, "m": t**k, "l": t ** (j + k)}


def alike(one: Complexity, other: Complexity) -> bool:
    """Whether both grow in the same way: both are positive, and their ratio stays within constant factors."""
    try:
        values = [(one.at(point), other.at(point)) for point in points()]
    except ComplexityError:
        return False
    return all(x > 0 and y > 0 and Fraction(1, SLACK) <= x / y <= SLACK for x, y in values)


def _check(node: ast.expr, depth: int) -> None:
    """ComplexityError at the first thing that is not allowed."""
    if depth == 0:
        raise ComplexityError("nested too deeply")
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            if value.bit_length() > LARGEST_NUMBER:
                raise ComplexityError("holds a number that is too large")
        case ast.Name(id=name):
            if name not in NAMES:
                raise ComplexityError(f"has the name '{name}'; use L, l and m alone (the width d counts as a constant)")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand, depth - 1)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as exponent)):
            if not 0 <= exponent <= LARGEST_EXPONENT:
                raise ComplexityError(f"has the exponent {exponent}; exponents run from 0 to {LARGEST_EXPONENT}")
            _check(left, depth - 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left, depth - 1)
            _check(right, depth - 1)
        case _:
            raise ComplexityError(f"'{ast.unparse(node)}' is not allowed; use L, l, m, whole numbers, + - * / and **")


def _value(node: ast.expr, point: Point) -> Fraction:
    match node:
        case ast.Constant(value=int() as value):
            result = Fraction(value)
        case ast.Name(id=name):
            result = point[name]
        case ast.UnaryOp(op=op, operand=operand):
            result = _value(operand, point) * (-1 if isinstance(op, ast.USub) else 1)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as exponent)):
            result = _value(left, point) ** exponent
        case ast.BinOp(left=left, op=op, right=right):
            divisor = _value(right, point)
            if isinstance(op, ast.Div) and divisor == 0:
                raise ComplexityError("divides by zero")
            result = _BINARY[type(op)](_value(left, point), divisor)
        case _:
            raise ComplexityError("is no arithmetic")
    if max(result.numerator.bit_length(), result.denominator.bit_length()) > LARGEST_NUMBER:
        raise ComplexityError("grows past every reason")
    return result
