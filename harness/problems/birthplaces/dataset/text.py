"""Letters: what a dataset may be written with, and when two spellings count as one."""

from __future__ import annotations

import unicodedata

#: Accented letters that short datasets keep; the others lose their marks so that a small model's vocabulary stays
#: small.
COMMON_ACCENTS = "áäåãçčéíñóöøšúü"

_NO_DECOMPOSITION = str.maketrans(
    {
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe",
        "ß": "ss", "\u0131": "i", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N",
    }
)  # fmt: skip
_LAST_LATIN = 0x24F  # end of the block Latin Extended-B
_JOINERS = " -"


def is_latin(text: str) -> bool:
    """Whether `text` is made of Latin letters, single spaces and hyphens alone, and begins and ends with a letter."""
    if "  " in text or not text or text[0] in _JOINERS or text[-1] in _JOINERS:
        return False
    return all(letter in _JOINERS or (letter.isalpha() and ord(letter) <= _LAST_LATIN) for letter in text)


def plain(text: str) -> str:
    """`text` without accents and with special letters spelled out: `Łódź` becomes `Lodz`."""
    parts = unicodedata.normalize("NFD", text.translate(_NO_DECOMPOSITION))
    return "".join(part for part in parts if not unicodedata.combining(part))


def with_common_accents(text: str) -> str:
    """`text` with only its common accents kept: `Jiří Dvořák` becomes `Jirí Dvorák`."""
    whole = unicodedata.normalize("NFC", text)
    return "".join(letter if letter in COMMON_ACCENTS else plain(letter) for letter in whole)


def identity(text: str) -> str:
    """Equal for two spellings that a reader could take for one: accents, case and hyphens do not count."""
    return " ".join(plain(unicodedata.normalize("NFKC", text)).casefold().replace("-", " ").split())


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether `phrase` stands in `text` as whole words, both given by `identity`."""
    return f" {phrase} " in f" {text} "
