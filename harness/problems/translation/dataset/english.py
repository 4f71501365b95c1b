"""English forms: verbs with their tenses, plurals, and the indefinite article."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_VOWELS = "aeiou"
_DOUBLED = frozenset({"run", "swim", "forget", "get", "stop"})
_SOUND_VOWEL = frozenset({"honest", "hour"})
_SOUND_CONSONANT = frozenset({"university", "useful", "european"})


@dataclass(frozen=True)
class EnglishVerb:
    """The forms of a verb, and what follows all of them: `look for`."""

    base: str
    third: str
    past: str
    participle: str
    progressive: str
    tail: tuple[str, ...] = ()


def verb(told: str) -> EnglishVerb:
    """The verb that is written `look for`, or with its past tense and participle: `eat/ate/eaten`."""
    head, *tail = told.split()
    base, *principal = head.split("/")
    regular = _with_ed(base)
    past, participle = principal or (regular, regular)
    third = "has" if base == "have" else _with_s(base)
    return EnglishVerb(base, third, past, participle, _with_ing(base), tuple(tail))


def plural(noun: str) -> str:
    """The regular plural of a noun."""
    return _with_s(noun)


def joined(words: Sequence[str]) -> str:
    """The words as they are written one after the other: `a` before a vowel is `an`."""
    pairs = zip(words, (*words[1:], "."), strict=True)
    return " ".join("an" if word == "a" and _sounds_like_vowel(after) else word for word, after in pairs)


def _sounds_like_vowel(word: str) -> bool:
    return word not in _SOUND_CONSONANT and (word[0] in _VOWELS or word in _SOUND_VOWEL)


def _ends_in_consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in _VOWELS


def _with_s(word: str) -> str:
    if _ends_in_consonant_y(word):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh", "go", "tomato")) else f"{word}s"


def _with_ed(base: str) -> str:
    if _ends_in_consonant_y(base):
        return f"{base[:-1]}ied"
    return f"{base}d" if base.endswith("e") else f"{base}ed"


def _with_ing(base: str) -> str:
    if base in _DOUBLED:
        return f"{base}{base[-1]}ing"
    return f"{base[:-1]}ing" if base.endswith("e") and not base.endswith("ee") and base != "be" else f"{base}ing"
