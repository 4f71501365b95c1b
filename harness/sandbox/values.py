"""What may cross between grader and worker: plain values and arrays, within caps that hold before memory is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

#: None, numbers, strings, lists, tuples, dicts with plain keys, and arrays. Tensors arrive as arrays.
Value = Union[  # noqa: UP007 - strings and | do not mix before Python 3.14
    None, bool, int, float, str, Sequence["Value"], Mapping[Any, "Value"], NDArray[Any]
]

#: Array element types that cross, in the names of numpy's array protocol: booleans, integers and floats, little-endian.
DTYPES = {
    name: np.dtype(name)
    for name in ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8")
}


class CodecError(Exception):
    """Something is no Value, is larger than its cap, or is no well-formed message."""


@dataclass(frozen=True)
class Caps:
    """What one message may hold."""

    header_bytes: int = 2 << 20
    """JSON text: numbers, short strings and the shape of it all."""
    body_bytes: int = 1 << 26
    """Arrays and long strings."""
    containers: int = 100_000
    """Lists, tuples, dicts, arrays and long strings."""
    depth: int = 32
    digits: int = 40
    """Decimal digits of an int."""
    dimensions: int = 16
