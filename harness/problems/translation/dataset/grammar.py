"""Sentences in two languages at once: what is said is drawn, and both languages say it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.stream import KeyedStream


@dataclass(frozen=True)
class Pair:
    """A French sentence and its English translation, words separated by single spaces."""

    french: str
    english: str

    @property
    def sides(self) -> tuple[str, str]:
        """Both sentences."""
        return self.french, self.english

    @property
    def words(self) -> list[str]:
        """The words of both."""
        return f"{self.french} {self.english}".split()


_NOUNS = [
    ("chat", "cat", "m"), ("fille", "girl", "f"), ("chien", "dog", "m"), ("femme", "woman", "f"),
    ("pomme", "apple", "f"), ("livre", "book", "m"), ("maison", "house", "f"), ("table", "table", "f"),
    ("lettre", "letter", "f"), ("sac", "bag", "m"), ("clé", "key", "f"), ("fleur", "flower", "f"),
    ("gâteau", "cake", "m"), ("ami", "friend", "m"), ("garçon", "boy", "m"),
]  # fmt: skip
_VERBS = [("voit", "sees"), ("mange", "eats"), ("cherche", "looks for"), ("aime", "likes"), ("trouve", "finds")]
_ADJECTIVES = [("noir", "noire", "black"), ("rouge", "rouge", "red"), ("vert", "verte", "green"), ("", "", "")]
_WHERE = [("dans le jardin", "in the garden"), ("ici", "here"), ("à l' école", "at school"), ("", "")]


def _noun_phrase(stream: KeyedStream) -> Pair:
    noun, english, gender = stream.choice(_NOUNS)
    masculine, feminine, colour = stream.choice(_ADJECTIVES)
    article = "l'" if noun[0] in "aeiou" else "le" if gender == "m" else "la"
    return Pair(f"{article} {noun} {masculine if gender == 'm' else feminine}", f"the {colour} {english}")


def sentence(stream: KeyedStream) -> Pair:
    """One sentence, drawn."""
    subject, thing = _noun_phrase(stream), _noun_phrase(stream)
    french, english = stream.choice(_VERBS)
    where = Pair(*stream.choice(_WHERE))
    pair = (
        f"{subject.french} {french} {thing.french} {where.french} .",
        f"{subject.english} {english} {thing.english} {where.english} .",
    )
    return Pair(*(" ".join(side.split()) for side in pair))
