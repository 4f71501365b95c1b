"""Values to bytes and back: a JSON header and raw buffers. No pickle, no code, in either direction.

JSON numbers, strings, booleans, null and arrays stand for themselves; an object has exactly one member; its key tells:

    {"t": [...]}            tuple
    {"d": [[key, value]…]}  dict
    {"f": "nan"}            a float that JSON has no word for: nan, inf, -inf
    {"s": n}                a string of n UTF-8 bytes in the body
    {"a": [dtype, shape]}   an array in the body, C order

Buffers lie in the body in the order of their nodes, each at a multiple of 16 bytes.

`decode` promises: whatever the bytes, a Value or CodecError, and memory in proportion to the caps. It does not promise
that values are finite, or of the type and shape that anybody hoped for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

import numpy as np

from harness.sandbox.values import DTYPES, Caps, CodecError, Value

ALIGNMENT = 16
SHORT_STRING = 64
DEFAULT = Caps()
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_SCALARS = (str, bool, int, float, type(None))

#: Turns an object that the codec does not know into one that it does, or returns None.
Convert = Callable[[object], object]


def encode(value: object, caps: Caps = DEFAULT, convert: Convert | None = None) -> tuple[bytes, list[bytes]]:
    """The header and the buffers of `value`.

    Raises:
        CodecError: it holds something that may not cross, or more than the caps allow.
    """
    encoder = _Encoder(caps, convert)
    node = encoder.node(value, 0)
    header = json.dumps(node, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(header) > caps.header_bytes:
        raise CodecError(f"{len(header)} bytes of numbers and short strings; at most {caps.header_bytes} may cross")
    return header, encoder.buffers


class _Encoder:
    """Walks a value. Exact types first: a subclass may lie about everything but its base class's own slots."""

    def __init__(self, caps: Caps, convert: Convert | None) -> None:
        self._caps = caps
        self._convert = convert
        self._containers = 0
        self._body = 0
        self.buffers: list[bytes] = []

    def node(self, value: object, depth: int) -> Any:
        if depth > self._caps.depth:
            raise CodecError(f"nested more than {self._caps.depth} deep")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, str):
            return self._string(str.__str__(value))
        if issubclass(kind, np.generic):
            return self._array_or_scalar(np.asarray(value), depth)
        if issubclass(kind, int):
            return self._integer(int.__int__(value))  # type: ignore[arg-type]
        if issubclass(kind, float):
            return self._real(float.__float__(value))  # type: ignore[arg-type]
        return self._container(value, kind, depth)

    def _container(self, value: Any, kind: type, depth: int) -> Any:
        self._count()
        if issubclass(kind, list):
            return self._items(list.__getitem__(value, slice(None)), depth)
        if issubclass(kind, tuple):
            return {"t": self._items(tuple.__getitem__(value, slice(None)), depth)}
        if issubclass(kind, dict):
            return {"d": [[self._key(key), self.node(item, depth + 1)] for key, item in dict.items(value)]}
        if issubclass(kind, np.ndarray):
            return self._array(np.asarray(value))
        converted = self._convert(value) if self._convert else None
        if converted is None:
            raise CodecError(
                f"a {type.__getattribute__(kind, '__name__')} cannot cross: send numbers, strings or arrays"
            )
        return self.node(converted, depth)

    def _items(self, items: Sequence[Any], depth: int) -> list[Any]:
        """The nodes of a sequence; those of plain numbers and texts are the items themselves, found out all at once."""
        if depth < self._caps.depth and self._stand_for_themselves(items):
            return list(items)
        return [self.node(item, depth + 1) for item in items]

    def _stand_for_themselves(self, items: Collection[Any]) -> bool:
        kinds = set(map(type, items))
        if kinds == {int}:
            bound = 10**self._caps.digits
            return bool(-bound < min(items) and max(items) < bound)
        if kinds == {str}:
            return max(map(len, items)) <= SHORT_STRING and _is_plain("".join(items))
        return _are_finite(items) if kinds == {float} else kinds == {bool}

    def _key(self, key: object) -> Any:
        if type(key) not in _SCALARS:
            raise CodecError("a dict's keys must be strings, numbers, booleans or None")
        return self.node(key, 0)

    def _count(self) -> None:
        self._containers += 1
        if self._containers > self._caps.containers:
            raise CodecError(f"more than {self._caps.containers} lists, dicts and arrays: send one array instead")

    def _integer(self, value: int) -> int:
        if abs(value) >= 10**self._caps.digits:
            raise CodecError(f"an int of more than {self._caps.digits} digits")
        return value

    @staticmethod
    def _real(value: float) -> Any:
        return value if math.isfinite(value) else {"f": str(value)}

    def _string(self, text: str) -> Any:
        # Brackets go to the body so that a decoder can count containers before it parses.
        if len(text) <= SHORT_STRING and _is_plain(text):
            return text
        self._count()
        try:
            return {"s": self._buffer(text.encode("utf-8"))}
        except UnicodeEncodeError as problem:
            raise CodecError("a string with lone surrogates") from problem

    def _array_or_scalar(self, array: np.ndarray[Any, Any], depth: int) -> Any:
        if array.dtype.kind in "biuf":
            return self.node(array.item(), depth)
        raise CodecError(f"a numpy scalar of type {array.dtype} cannot cross")

    def _array(self, array: np.ndarray[Any, Any]) -> Any:
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.str not in DTYPES:
            raise CodecError(f"an array of {array.dtype} cannot cross: use booleans, integers or floats")
        if array.nbytes > self._caps.body_bytes:
            raise CodecError(f"an array of {array.nbytes} bytes; at most {self._caps.body_bytes} may cross")
        self._buffer(array.tobytes(order="C"))
        return {"a": [array.dtype.str, list(array.shape)]}

    def _buffer(self, data: bytes) -> int:
        padding = -len(data) % ALIGNMENT
        self._body += len(data) + padding
        if self._body > self._caps.body_bytes:
            raise CodecError(f"more than {self._caps.body_bytes} bytes of arrays and strings")
        self.buffers += [data, bytes(padding)]
        return len(data)


def _is_plain(text: str) -> bool:
    return "[" not in text and "{" not in text and text.isascii()


def _are_finite(numbers: Collection[float]) -> bool:
    return all(map(math.isfinite, numbers))


def decode(header: bytes | bytearray, body: bytes | bytearray, caps: Caps = DEFAULT) -> Value:
    """The value that `header` and `body` hold. Its arrays are views of `body`, writable where it is a bytearray.

    Raises:
        CodecError: not a well-formed message, or more than the caps allow.
    """
    try:
        node = _parse(header, caps)
        decoder = _Decoder(body, caps)
        value = decoder.value(node, 0)
        decoder.finish()
    except CodecError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as problem:
        raise CodecError(f"malformed message ({type(problem).__name__})") from problem
    return value


class _Tagged(tuple[str, Any]):
    """An object of the header: its one key and its value."""

    __slots__ = ()


def _parse(header: bytes | bytearray, caps: Caps) -> Any:
    if len(header) > caps.header_bytes or len(header) == 0:
        raise CodecError(f"a header of {len(header)} bytes")
    if header.count(b"[") + header.count(b"{") > 4 * caps.containers:
        raise CodecError("too many containers")
    # A function of ours for each number would take most of the time.
    suspicious = re.search(rb"[0-9]{%d}" % (caps.digits + 1), header) is not None
    return json.loads(
        bytes(header).decode("ascii"),
        object_pairs_hook=_one_member,
        parse_int=(lambda text: _integer(text, caps.digits)) if suspicious else None,
        parse_constant=_refuse,
    )


def _one_member(pairs: Sequence[tuple[str, Any]]) -> _Tagged:
    if len(pairs) != 1:
        raise CodecError("an object of other than one member")
    return _Tagged(pairs[0])


def _integer(text: str, digits: int) -> int:
    if len(text) > digits + 1:
        raise CodecError(f"an int of {len(text)} digits")
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise CodecError(f"{text} is not JSON")


class _Decoder:
    """Turns parsed nodes into values, taking buffers from the body in order."""

    def __init__(self, body: bytes | bytearray, caps: Caps) -> None:
        if len(body) > caps.body_bytes:
            raise CodecError(f"a body of {len(body)} bytes")
        self._body = memoryview(body)
        self._position = 0
        self._caps = caps
        self._containers = 0

    def value(self, node: Any, depth: int) -> Value:
        if depth > self._caps.depth:
            raise CodecError(f"nested more than {self._caps.depth} deep")
        if type(node) in _SCALARS:
            return self._scalar(node)
        self._containers += 1
        if self._containers > self._caps.containers:
            raise CodecError("too many containers")
        if type(node) is list:
            return self._items(node, depth)
        return self._tagged(node, depth)

    def _items(self, nodes: list[Any], depth: int) -> list[Any]:
        """The values of a sequence; see the encoder's."""
        if depth < self._caps.depth and self._stand_for_themselves(nodes):
            return nodes
        return [self.value(node, depth + 1) for node in nodes]

    @staticmethod
    def _stand_for_themselves(nodes: list[Any]) -> bool:
        kinds = set(map(type, nodes))
        if kinds == {str}:
            return "".join(nodes).isascii()
        return _are_finite(nodes) if kinds == {float} else kinds in ({int}, {bool})

    @staticmethod
    def _scalar(node: Any) -> Value:
        if type(node) is str and not node.isascii():
            raise CodecError("a short string that is not ASCII")  # an escaped lone surrogate, for one
        if type(node) is float and not math.isfinite(node):
            raise CodecError("a number beyond a float's range")
        return node  # type: ignore[no-any-return]

    def _tagged(self, node: _Tagged, depth: int) -> Value:
        key, content = node
        if key == "t" and type(content) is list:
            return tuple(self._items(content, depth))
        if key == "d" and type(content) is list:
            return self._dict(content, depth)
        if key == "f" and type(content) is str and content in _NON_FINITE:
            return _NON_FINITE[content]
        if key == "s" and type(content) is int:
            return str(self._take(content), "utf-8")
        if key == "a" and type(content) is list and len(content) == 2:
            return self._array(*content)
        raise CodecError("an unknown kind of node")

    def _dict(self, pairs: list[Any], depth: int) -> Value:
        result: dict[Any, Value] = {}
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise CodecError("a dict's item that is no pair")
            key = self.value(pair[0], depth + 1)
            if type(key) not in _SCALARS:
                raise CodecError("a dict's key that is no scalar")
            result[key] = self.value(pair[1], depth + 1)
        if len(result) != len(pairs):
            raise CodecError("a dict with the same key twice")
        return result

    def _array(self, dtype: Any, shape: Any) -> Value:
        if type(dtype) is not str or dtype not in DTYPES:
            raise CodecError("an array of a type that may not cross")
        if type(shape) is not list or len(shape) > self._caps.dimensions:
            raise CodecError("an array without a proper shape")
        if any(type(size) is not int or not 0 <= size < 1 << 31 for size in shape):
            raise CodecError("an array without a proper shape")
        if math.prod(size for size in shape if size) >= 1 << 40:
            raise CodecError("an array without a proper shape")
        data = self._take(math.prod(shape) * DTYPES[dtype].itemsize)
        array = np.frombuffer(data, dtype=DTYPES[dtype]).reshape(shape)
        if dtype == "|b1" and array.size and array.view(np.uint8).max() > 1:
            raise CodecError("a boolean that is neither true nor false")
        return array

    def _take(self, size: int) -> memoryview:
        end = self._position + size
        if size < 0 or end > len(self._body):
            raise CodecError("a body shorter than its header says")
        data = self._body[self._position : end]
        self._position = min(end + -size % ALIGNMENT, len(self._body))
        return data

    def finish(self) -> None:
        """Raises CodecError unless the whole body was used."""
        if self._position != len(self._body):
            raise CodecError("a body longer than its header says")
