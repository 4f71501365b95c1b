"""The leak rules for solutions: each knows what it must not find, and says where a text holds it.

Promises: pure, and built once for a whole release. A rule sees one reading at a time (a file as it is, or text dug out
of it) and yields what it finds there, the first or longest finding of each secret only.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Protocol

from harness.release.leaks import words
from harness.release.leaks.artefacts import Piece
from harness.release.leaks.words import Hit, Known, Shingle, Tokens, same
from harness.release.strip.blocks import Block, near_miss, style_of
from harness.release.strip.languages import Unparsed, bound_anywhere, parse

EXACT_RUN, ANONYMOUS_RUN, PROSE_RUN = 8, 16, 6
SHORTEST_BLOCK = 6  # tokens; fewer say nothing
LEAST_NAME = 6

#: Suffixes of files that hold code; other files hold prose.
_CODE = frozenset({".py", ".sh", ".toml", ".yml", ".ipynb"})
_DOCSTRING = re.compile(r"\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''")


@dataclass(frozen=True)
class Excuse:
    """A leak finding that is none, with the reason why."""

    text: str
    reason: str


@dataclass(frozen=True, order=True)
class Leak:
    """Something in an artefact that must not be there; line 0 stands for the file as such."""

    place: str
    line: int
    message: str
    rule: str

    def __str__(self) -> str:
        if not self.line:
            return f"LEAK {self.place}: {self.message}"
        return f"LEAK {self.place}:{self.line} {self.message} (rule {self.rule})"


class Reading:
    """One piece with its text and tokens, which several rules ask for."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.text = piece.text()

    @cached_property
    def code(self) -> tuple[Tokens, ...]:
        """See `words.code_views`."""
        return words.code_views(self.text)

    @cached_property
    def words(self) -> Tokens:
        """See `words.words`."""
        return words.words(self.text)

    def leak(self, line: int, message: str, rule: str) -> Leak:
        """A finding in this text."""
        how = f" ({self.piece.made_of})" if self.piece.made_of else ""
        return Leak(f"{self.piece.place}{how}", line, message, rule)

    def line_of(self, offset: int) -> int:
        """The line of a character, counted from 1."""
        return self.text.count("\n", 0, offset) + 1


class Rule(Protocol):
    """One thing to look for."""

    def look(self, reading: Reading) -> Iterator[Leak]:
        """What `reading` holds of it."""
        ...


class Markers:
    """A marker that is none would have shipped what stands below it."""

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        piece = reading.piece
        if piece.suffix == ".ipynb" and not piece.made_of:
            return  # its lines are JSON; its cells come as a reading of their own
        style = style_of(piece.path)
        for number, line in enumerate(reading.text.split("\n"), start=1):
            if near_miss(line) and (style is None or style.edge(line) is None):
                yield reading.leak(number, f"looks like a marker but is not one: '{line.strip()[:120]}'", "marker")


class Canaries:
    """The random token that stands in each block."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = {block.canary: block for block in blocks if block.canary}
        self._any = re.compile("|".join(self._blocks) or r"(?!)", re.IGNORECASE)

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        for match in self._any.finditer(reading.text):
            block = self._blocks[match[0].lower()]
            yield reading.leak(reading.line_of(match.start()), f"holds the canary of block {block.where}", "canary")


class Names:
    """Names that only solution blocks bind: they tell how a solution goes."""

    def __init__(self, blocks: Iterable[Block], public: Mapping[str, bytes], excused: Iterable[Excuse]) -> None:
        known = {token for data in public.values() for token in Tokens(data.decode(errors="replace")).values}
        known |= {excuse.text for excuse in excused}
        self._owners = {name: block for block in blocks for name in bound_names(block) if name not in known}
        listed = "|".join(re.escape(name) for name in sorted(self._owners))
        self._any = re.compile(rf"\b(?:{listed})\b" if listed else r"(?!)")

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        seen = set()
        for match in self._any.finditer(reading.text):
            if match[0] not in seen:
                seen.add(match[0])
                message = f"has the name '{match[0]}', which only block {self._owners[match[0]].where} binds"
                yield reading.leak(reading.line_of(match.start()), message, "name")


class Code:
    """Runs of a block's tokens: 8 as they are; where none is found, 16 with the names changed.

    A block that is shorter than that altogether is looked for as a whole.
    """

    def __init__(self, blocks: Sequence[Block], public: Mapping[str, bytes], excused: Sequence[Excuse]) -> None:
        self._exact = [_Runs(blocks, public, excused, EXACT_RUN, same)]
        for length in range(SHORTEST_BLOCK, EXACT_RUN):
            short = [block for block in blocks if len(words.code_views(code_of(block))[0].values) == length]
            if short:
                self._exact.append(_Runs(short, public, excused, length, same))
        self._renamed = _Runs(blocks, public, excused, ANONYMOUS_RUN, words.anonymised)

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        shown = set()
        for hit in (hit for runs in self._exact for hit in runs.hits(reading)):
            shown.add(hit.owner)
            yield reading.leak(hit.line, f"repeats {hit.length} tokens of block {hit.owner}", "shingle-8")
        for hit in self._renamed.hits(reading):
            if hit.owner not in shown:
                message = f"repeats {hit.length} tokens of block {hit.owner} under other names"
                yield reading.leak(hit.line, message, "shingle-16")


class _Runs:
    """Runs of `length` tokens that stand in a block and, compared by `key`, nowhere in public code."""

    def __init__(
        self,
        blocks: Sequence[Block],
        public: Mapping[str, bytes],
        excused: Sequence[Excuse],
        length: int,
        key: Callable[[Shingle], Shingle],
    ) -> None:
        texts = [*(public_code(public)), *(each.text for each in excused)]
        harmless = {key(run) for text in texts for run in words.code_views(text)[0].runs(length)}
        owners: dict[Shingle, str] = {}
        shapes: set[Shingle] = set()
        for block in blocks:
            tokens = words.code_views(code_of(block))[0]
            for at, run in enumerate(tokens.runs(length)):
                if telling(run) and key(run) not in harmless:
                    owners.setdefault(key(run), block.where)
                    shapes.add(tuple(tokens.shape[at : at + length]))
        self._known = Known(length, owners, key, None if key is same else shapes)

    def hits(self, reading: Reading) -> Iterable[Hit]:
        """The longest hit of each block."""
        return longest(hit for view in reading.code for hit in self._known.hits(view))


class Prose:
    """Runs of words from comments, strings and written answers in blocks."""

    def __init__(self, blocks: Iterable[Block], public: Mapping[str, bytes], excused: Iterable[Excuse]) -> None:
        texts = [*(data.decode(errors="replace") for data in public.values()), *(each.text for each in excused)]
        harmless = {run for text in texts for run in words.words(text).runs(PROSE_RUN)}
        owners: dict[Shingle, str] = {}
        for block in blocks:
            for run in words.words(prose_of(block)).runs(PROSE_RUN):
                if run not in harmless:
                    owners.setdefault(run, block.where)
        self._known = Known(PROSE_RUN, owners)

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        for hit in longest(self._known.hits(reading.words)):
            yield reading.leak(hit.line, f"repeats {hit.length} words of block {hit.owner}", "prose-6")


def bound_names(block: Block) -> Collection[str]:
    """The telling names that a code block binds: long ones, and those of several words."""
    tree = parse(_as_module(block)) if _suffix(block) == ".py" else Unparsed(1, "prose")
    found = [] if isinstance(tree, Unparsed) else list(bound_anywhere(ast.iter_child_nodes(tree.body[0])))
    return [name for name in found if len(name) >= LEAST_NAME or "_" in name.strip("_")]


def public_code(public: Mapping[str, bytes]) -> Iterator[str]:
    """The code of the template: without comments and docstrings, where a solution may have been left by mistake."""
    for path, data in public.items():
        if PurePosixPath(path).suffix in _CODE:
            yield _DOCSTRING.sub("", data.decode(errors="replace"))


def code_of(block: Block) -> str:
    """The code in a block; nothing where it holds prose."""
    return "\n".join(block.body) if _suffix(block) in _CODE else ""


def prose_of(block: Block) -> str:
    """What people read in a block: all of it where it holds prose, else comments and strings."""
    text = "\n".join(line for line in block.body if block.canary is None or block.canary not in line)
    if _suffix(block) not in _CODE:
        return text
    said = re.findall(r"#[^\n]*|\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|\"[^\"\n]*\"|'[^'\n]*'", text)
    return "\n".join(said)


def longest(hits: Iterable[Hit]) -> Iterable[Hit]:
    """The longest hit of each owner."""
    best: dict[str, Hit] = {}
    for hit in hits:
        if hit.owner not in best or hit.length > best[hit.owner].length:
            best[hit.owner] = hit
    return best.values()


def telling(run: Shingle) -> bool:
    """Whether a run says anything: punctuation and one name repeated stand everywhere."""
    return len({token for token in run if len(token) > 1 and token[0].isidentifier()} - {"self"}) >= 2


def _suffix(block: Block) -> str:
    return PurePosixPath(block.file).suffix


def _as_module(block: Block) -> str:
    """A block's statements on their own: dedented, in a function so that `return` is allowed."""
    return "async def block():\n" + textwrap.indent(textwrap.dedent("\n".join(block.body)), " ")
