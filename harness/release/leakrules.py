"""The leak rules: each knows what it must not find, and says where a text holds it.

Promises: pure, and built once for a whole release. A rule sees one reading at a time (a file as it is, or text dug out
of it) and yields what it finds there, the first or longest finding of each secret only.
"""

from __future__ import annotations

import ast
import base64
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Protocol

from harness.release import words
from harness.release.artefacts import Piece
from harness.release.bindings import bound_anywhere
from harness.release.blocks import Block
from harness.release.lists import Excuse
from harness.release.markers import HASH, MARKUP, near_miss, style_of
from harness.release.python_rules import Fault, parse
from harness.release.words import Hit, Shingle, Tokens

EXACT_RUN, ANONYMOUS_RUN, PROSE_RUN = 8, 16, 6
HIDDEN_RUN = 40  # claims of one part share idioms; that many tokens in a row are a copy
HIDDEN_SHARE = 0.6  # of a hidden claim's runs of 8 tokens
GOLD_RUN = 8  # right answers in a row, one to a line
LEAST_NAME = 6

#: Suffixes of blocks that hold code; blocks of other files hold prose.
_CODE = frozenset({".py", ".sh", ".toml", ".yml", ".ipynb"})


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
    def code(self) -> tuple[Tokens, Tokens]:
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
        styles = (HASH, MARKUP) if piece.suffix == ".ipynb" else (style_of(piece.path),)
        for number, line in enumerate(reading.text.split("\n"), start=1):
            if near_miss(line) and not any(style and style.edge(line) for style in styles):
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


class Runs:
    """Runs of tokens that stand in a block and not in public code: `length` of them, exact or with names numbered."""

    def __init__(
        self, blocks: Iterable[Block], public: Mapping[str, bytes], excused: Iterable[Excuse], rule: str
    ) -> None:
        self._anonymous = rule == "shingle-16"
        self._rule = rule
        self._length = ANONYMOUS_RUN if self._anonymous else EXACT_RUN
        self._key: Callable[[Shingle], Shingle] = words.anonymised if self._anonymous else _same
        harmless = {
            self._key(run)
            for text in (*(data.decode(errors="replace") for data in public.values()), *(each.text for each in excused))
            for view in words.code_views(text)
            for run in view.runs(self._length)
        }
        self._owners: dict[Shingle, str] = {}
        for block in blocks:
            for run in words.code_views(code_of(block))[0].runs(self._length):
                if self._key(run) not in harmless and _telling(run):
                    self._owners.setdefault(self._key(run), block.where)
        self._shapes = {words.shape(run) for run in self._owners}

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        for view in reading.code:
            for hit in longest(words.find_runs(view, self._length, self._owners, self._guarded)):
                yield reading.leak(hit.line, f"repeats {hit.length} tokens of block {hit.owner}", self._rule)

    def _guarded(self, run: Shingle) -> Shingle:
        """The key of a run; numbering names takes long, so it is done only where the shape fits."""
        if self._anonymous and words.shape(run) not in self._shapes:
            return ()
        return self._key(run)


class Prose:
    """Runs of words from comments, strings and written answers in blocks."""

    def __init__(self, blocks: Iterable[Block], public: Mapping[str, bytes], excused: Iterable[Excuse]) -> None:
        texts = [*(data.decode(errors="replace") for data in public.values()), *(each.text for each in excused)]
        harmless = {run for text in texts for run in words.words(text).runs(PROSE_RUN)}
        self._owners: dict[Shingle, str] = {}
        for block in blocks:
            for run in words.words(prose_of(block)).runs(PROSE_RUN):
                if run not in harmless:
                    self._owners.setdefault(run, block.where)

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        for hit in longest(words.find_runs(reading.words, PROSE_RUN, self._owners, _same)):
            yield reading.leak(hit.line, f"repeats {hit.length} words of block {hit.owner}", "prose-6")


class HiddenClaims:
    """The source of claims that students do not get: a long run of it, or most of one claim."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._runs: dict[Shingle, str] = {}
        self._claims: dict[str, frozenset[Shingle]] = {}
        for path, source in sources.items():
            for owner, text in _functions(path, source):
                tokens = words.code_views(text)[0]
                self._claims[owner] = frozenset(run for run in tokens.runs(EXACT_RUN) if _telling(run))
                for run in tokens.runs(HIDDEN_RUN):
                    self._runs.setdefault(run, owner)

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        tokens = reading.code[0]
        for hit in longest(words.find_runs(tokens, HIDDEN_RUN, self._runs, _same)):
            yield reading.leak(hit.line, f"repeats {hit.length} tokens of hidden claim {hit.owner}", "hidden")
            return
        present = frozenset(tokens.runs(EXACT_RUN))
        for owner, runs in self._claims.items():
            if len(runs) >= EXACT_RUN and len(runs & present) >= HIDDEN_SHARE * len(runs):
                line = next(tokens.line(at) for at, run in enumerate(tokens.runs(EXACT_RUN)) if run in runs)
                yield reading.leak(line, f"holds most of hidden claim {owner}", "hidden")


class Gold:
    """The test answers: the file, a question with its answer, or answers alone, in the order of the questions."""

    def __init__(self, gold: bytes) -> None:
        rows = [line.partition("\t") for line in gold.decode(errors="replace").splitlines()]
        pairs = [(question, place) for question, _, place in rows if place]
        self._answers = dict(pairs)
        places = [place for _, place in pairs]
        self._runs = {tuple(places[at : at + GOLD_RUN]) for at in range(len(places) - GOLD_RUN + 1)}

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        lines = reading.text.splitlines()
        for number, line in enumerate(lines, start=1):
            question, rest = _after_question(line)
            answer = self._answers.get(question)
            if answer and answer in rest:
                yield reading.leak(number, f"answers the test question '{question}'", "gold")
                return
        stripped = [line.strip().strip('",;') for line in lines]
        for at in range(len(stripped) - GOLD_RUN + 1):
            if tuple(stripped[at : at + GOLD_RUN]) in self._runs:
                yield reading.leak(at + 1, f"lists {GOLD_RUN} test answers in a row", "gold")
                return


class Key:
    """The term's secret key, as it is or written out; never shown in a message."""

    def __init__(self, key: bytes) -> None:
        inner = [base64.b64encode(b"\0" * shift + key)[4 if shift else 0 :].rstrip(b"=")[:-1] for shift in range(3)]
        urlsafe = [form.translate(bytes.maketrans(b"+/", b"-_")) for form in inner]
        self._forms = {key, key.hex().encode(), key.hex().upper().encode(), key[::-1], *inner, *urlsafe}

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        data = reading.piece.data
        for form in self._forms:
            at = data.find(form)
            if at >= 0:
                yield reading.leak(data.count(b"\n", 0, at) + 1, "holds the secret key of this term", "key")
                return


def bound_names(block: Block) -> Collection[str]:
    """The telling names that a code block binds: long ones, and those of several words."""
    suffix = _suffix(block)
    if suffix == ".sh":
        found = re.findall(r"(?m)^\s*(?:local\s+|readonly\s+|export\s+)?(\w+)=", "\n".join(block.body))
    else:
        tree = parse(_as_module(block)) if suffix in (".py", ".ipynb") else Fault(1, "")
        found = [] if isinstance(tree, Fault) else list(bound_anywhere(ast.iter_child_nodes(tree.body[0])))
    return [name for name in found if len(name) >= LEAST_NAME or "_" in name.strip("_")]


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


def _same(run: Shingle) -> Shingle:
    return run


def _telling(run: Shingle) -> bool:
    """Whether a run says anything: punctuation and one name repeated stand everywhere."""
    return len({token for token in run if len(token) > 1 and token[0].isidentifier()} - {"self"}) >= 2


def _suffix(block: Block) -> str:
    return PurePosixPath(block.file.partition("[")[0]).suffix


def _as_module(block: Block) -> str:
    """A block's statements on their own: dedented, in a function so that `return` is allowed."""
    return "async def block():\n" + textwrap.indent(textwrap.dedent("\n".join(block.body)), " ")


def _functions(path: str, source: str) -> Iterator[tuple[str, str]]:
    """Each function of a hidden module with its source; what stands between them is imports and constants."""
    tree = parse(source)
    if isinstance(tree, Fault):
        yield path, source
        return
    lines = source.split("\n")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield f"{path}:{node.lineno} {node.name}", "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _after_question(line: str) -> tuple[str, str]:
    """A line's question, if any, and what follows it."""
    match = re.search(r"Where was .+? born\?", line)
    return (match[0], line[match.end() :]) if match else ("", "")
