"""The leak rules for what is no solution but secret all the same: hidden graded tests, test answers, the term's key.

Promises: as in `rules`; a message never repeats a secret.
"""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Iterator, Mapping, Sequence

from harness.release.leaks import words
from harness.release.leaks.rules import EXACT_RUN, Leak, Reading, longest, telling
from harness.release.leaks.words import Known, Shingle, Tokens
from harness.release.strip.languages import Unparsed, parse

# A hidden graded test on test predictions is the sibling of a basic one on dev predictions: they share up to two thirds
# of their runs, and up to 33 tokens in a row. A copy, even with its names and numbers changed, shares more.
HIDDEN_RUN = 48  # tokens in a row
HIDDEN_SHARE = 0.8  # of a hidden graded test's runs of 8 tokens
ANSWER_RUN = 8  # right answers in a row


class HiddenTests:
    """The source of graded tests that students do not get: a long run of it, most of one test, or its name."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        long_runs: dict[Shingle, str] = {}
        runs: dict[Shingle, str] = {}
        self._graded_tests: dict[str, frozenset[Shingle]] = {}
        for path, source in sources.items():
            for owner, text in _functions(path, source):
                tokens = words.code_views(text)[0]
                self._graded_tests[owner] = frozenset(run for run in tokens.runs(EXACT_RUN) if telling(run))
                for run in tokens.runs(HIDDEN_RUN):
                    long_runs.setdefault(run, owner)
                runs.update(dict.fromkeys(self._graded_tests[owner], owner))
        self._long, self._any = Known(HIDDEN_RUN, long_runs), Known(EXACT_RUN, runs)
        self._owners = {owner.rpartition(" ")[2]: owner for owner in self._graded_tests}
        listed = "|".join(name for name in self._owners if name.startswith("test_"))
        self._names = re.compile(rf"\b(?:{listed})\b" if listed else r"(?!)")

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        for view in reading.code:
            for hit in longest(self._long.hits(view)):
                yield reading.leak(hit.line, f"repeats {hit.length} tokens of hidden graded test {hit.owner}", "hidden")
        for match in self._names.finditer(reading.text):
            owner = self._owners[match[0]]
            yield reading.leak(reading.line_of(match.start()), f"names hidden graded test {owner}", "hidden")
        tokens = reading.code[0]
        places = {tuple(tokens.values[at : at + EXACT_RUN]): at for at, _ in self._any.places(tokens)}
        for owner, runs in self._graded_tests.items():
            present = runs & places.keys()
            if len(runs) >= EXACT_RUN and len(present) >= HIDDEN_SHARE * len(runs):
                line = tokens.line(min(places[run] for run in present))
                yield reading.leak(line, f"holds most of hidden graded test {owner}", "hidden")


class Answers:
    """Answers that staff keep: a question's subject with its answer in one line, or answers in the questions' order.

    `told` are files that state them on purpose, byte for byte.
    """

    def __init__(self, answered: bytes, told: frozenset[bytes]) -> None:
        self._told = told
        rows = [line.partition("\t") for line in answered.decode(errors="replace").splitlines()]
        pairs = [(_words(question), _words(answer)) for question, _, answer in rows if answer]
        self._answers = dict(zip(_subjects([question for question, _ in pairs]), (a for _, a in pairs), strict=True))
        self._lengths = sorted({len(subject) for subject in self._answers} - {0})
        answers = [answer for _, answer in pairs]
        windows = (answers[at : at + ANSWER_RUN] for at in range(len(answers) - ANSWER_RUN + 1))
        self._rows = {sum(window, ()) for window in windows if len(set(window)) > ANSWER_RUN // 2}
        self._heads = {row[:ANSWER_RUN] for row in self._rows}
        self._sizes = sorted({len(row) for row in self._rows})

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        if reading.piece.data in self._told:
            return
        yield from self._answered(reading)
        yield from self._in_a_row(reading)

    def _answered(self, reading: Reading) -> Iterator[Leak]:
        """The first line that says what a question is about and its answer."""
        tokens = reading.words
        for length in self._lengths:
            for at, run in enumerate(tokens.runs(length)):
                answer = self._answers.get(run)
                if answer and _holds(reading.text, tokens.line(at), run, answer):
                    yield reading.leak(tokens.line(at), "tells the answer to a question of the test", "answers")
                    return

    def _in_a_row(self, reading: Reading) -> Iterator[Leak]:
        values = reading.words.values
        for at, head in enumerate(reading.words.runs(ANSWER_RUN)):
            if head in self._heads and any(tuple(values[at : at + size]) in self._rows for size in self._sizes):
                yield reading.leak(reading.words.line(at), f"lists {ANSWER_RUN} test answers in a row", "answers")
                return


class Key:
    """The term's secret key, or another one, as it is or written out."""

    def __init__(self, key: bytes, what: str = "the secret key of this term") -> None:
        self._what = what
        kinds = {key, *_from_hex(key)}
        self._forms = {form for each in kinds for form in (each, each[::-1], *_hex(each), *_base64(each))}

    def look(self, reading: Reading) -> Iterator[Leak]:
        """See Rule."""
        data = reading.piece.data
        found = [data.find(form) for form in self._forms if form in data]
        if found:
            yield reading.leak(data.count(b"\n", 0, min(found)) + 1, f"holds {self._what}", "key")


def _functions(path: str, source: str) -> Iterator[tuple[str, str]]:
    """Each function of a hidden module with its source; what stands between them is imports and constants."""
    tree = parse(source)
    if isinstance(tree, Unparsed):
        yield path, source
        return
    lines = source.split("\n")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield f"{path}:{node.lineno} {node.name}", "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _subjects(questions: Sequence[Shingle]) -> list[Shingle]:
    """What each question is about: its words without those that all questions begin and end with."""
    if len(questions) < 2:
        return list(questions)
    first = _shared(questions)
    last = _shared([question[first:][::-1] for question in questions])
    return [question[first : len(question) - last] or question for question in questions]


def _shared(rows: Sequence[Shingle]) -> int:
    """How many words all rows begin with."""
    return next((at for at, column in enumerate(zip(*rows, strict=False)) if len({*column}) > 1), min(map(len, rows)))


def _words(text: str) -> Shingle:
    return tuple(words.words(text).values)


def _holds(text: str, line: int, subject: Shingle, answer: Shingle) -> bool:
    """Whether a line says `answer` beside the subject: it may be part of the subject, which is taken out first."""
    said = words.words(text.split("\n")[line - 1]).values
    at = next((at for at in range(len(said)) if tuple(said[at : at + len(subject)]) == subject), None)
    rest = Tokens("") if at is None else words.words(" ".join([*said[:at], "0", *said[at + len(subject) :]]))
    return answer in set(rest.runs(len(answer)))


def _hex(key: bytes) -> tuple[bytes, ...]:
    return key.hex().encode(), key.hex().upper().encode(), key.upper() if key.isalnum() else key


def _from_hex(key: bytes) -> tuple[bytes, ...]:
    """The bytes behind a key that is written in hexadecimal, as most are."""
    try:
        return (bytes.fromhex(key.decode("ascii")),)
    except ValueError:
        return ()


def _base64(key: bytes) -> Iterator[bytes]:
    """Base64 of the key at any of its three phases, without the digits that depend on the neighbours."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + key)[4 if shift else 0 :].rstrip(b"=")[:-1]
        yield coded
        yield coded.translate(bytes.maketrans(b"+/", b"-_"))
