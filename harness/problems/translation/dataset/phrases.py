"""Phrases in both languages at once: who or what is spoken of, where, and when.

French words are raw: articles carry an asterisk, and nothing is elided or contracted before `french.joined`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from harness.problems.translation.dataset import lexicon
from harness.problems.translation.dataset.french import starts_with_vowel
from harness.problems.translation.dataset.lexicon import Adjective, Noun
from harness.stream import KeyedStream

T = TypeVar("T")
Words = tuple[str, ...]

_BEFORE_VOWEL = {"beau": "bel", "nouveau": "nouvel", "vieux": "vieil"}
_ARTICLES = {False: "le*", True: "la*"}
_OWN = {  # person and number of the owner -> French masculine, feminine, plural
    (1, False): ("mon", "ma", "mes"), (2, False): ("ton", "ta", "tes"), (3, False): ("son", "sa", "ses"),
    (1, True): ("notre", "notre", "nos"), (2, True): ("votre", "votre", "vos"), (3, True): ("leur", "leur", "leurs"),
}  # fmt: skip
_OWN_ENGLISH = {(1, False): "my", (2, False): "your", (1, True): "our", (2, True): "your", (3, True): "their"}
_RANKS = tuple(600 // (rank + 4) for rank in range(64))
_ON = ("plage", "île")  # places that one is on, not in
_AT = {  # places that one is at
    "maison": "at home", "école": "at school", "gare": "at the station", "marché": "at the market",
    "plage": "at the beach", "musée": "at the museum", "restaurant": "at the restaurant", "parc": "at the park",
    "bibliothèque": "at the library", "hôtel": "at the hotel", "hôpital": "at the hospital",
}  # fmt: skip
_TO = {place: told.replace("at ", "to ") for place, told in _AT.items() if place != "maison"}
_NUMBERS = (("deux", "two"), ("trois", "three"), ("quatre", "four"))


class Draw:
    """Draws from a keyed stream, in the ways that a grammar needs."""

    def __init__(self, stream: KeyedStream) -> None:
        """Draw from `stream`."""
        self._stream = stream

    def chance(self, percent: int) -> bool:
        """True `percent` times of a hundred."""
        return self._stream.below(100) < percent

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, each equally likely."""
        return self._stream.choice(items)

    def weighted(self, items: Sequence[tuple[T, int]]) -> T:
        """One of the items, in proportion to the weight beside it."""
        choices, weights = zip(*items, strict=True)
        drawn: T = self._stream.weighted(choices, weights)
        return drawn

    def ranked(self, items: Sequence[T]) -> T:
        """One of the items, earlier ones more often, as in any text."""
        return self._stream.weighted(items, _RANKS[: len(items)])


@dataclass(frozen=True)
class Phrase:
    """Somebody or something, in both languages, with what other words must agree with."""

    french: Words
    english: Words
    person: int = 3
    feminine: bool = False
    several: bool = False
    kind: str = "person"
    pronoun: bool = False

    @property
    def place(self) -> int:
        """Of its form among those of a French verb."""
        return self.person - 1 + (3 if self.several else 0)

    @property
    def owner(self) -> str:
        """What English calls that which is its own."""
        if self.person == 3 and not self.several:
            return {"person": "her" if self.feminine else "his"}.get(self.kind, "its")
        return _OWN_ENGLISH[self.person, self.several]


PRONOUNS = (
    (Phrase(("il",), ("he",), pronoun=True), 20),
    (Phrase(("elle",), ("she",), feminine=True, pronoun=True), 20),
    (Phrase(("je",), ("i",), 1, pronoun=True), 14),
    (Phrase(("tu",), ("you",), 2, pronoun=True), 8),
    (Phrase(("nous",), ("we",), 1, several=True, pronoun=True), 8),
    (Phrase(("vous",), ("you",), 2, several=True, pronoun=True), 6),
    (Phrase(("ils",), ("they",), several=True, pronoun=True), 10),
    (Phrase(("elles",), ("they",), feminine=True, several=True, pronoun=True), 6),
)

#: What replaces an object: before the French verb, behind the English one.
CLITICS = (
    (Phrase(("le",), ("him",)), 10),
    (Phrase(("la",), ("her",), feminine=True), 10),
    (Phrase(("les",), ("them",), several=True), 7),
    (Phrase(("les",), ("them",), several=True, feminine=True), 3),
    (Phrase(("me",), ("me",), 1), 5),
    (Phrase(("te",), ("you",), 2), 4),
    (Phrase(("nous",), ("us",), 1, several=True), 3),
    (Phrase(("vous",), ("you",), 2, several=True), 2),
)


def pronoun(draw: Draw) -> Phrase:
    """A pronoun as subject; je and tu are women half of the time."""
    drawn = draw.weighted(PRONOUNS)
    open_gender = drawn.person < 3
    return replace(drawn, feminine=draw.chance(50)) if open_gender and not drawn.several else drawn


def clitic(draw: Draw, subject: Phrase, *, people: bool) -> Phrase:
    """A pronoun as object that is not the subject's own person."""
    free = [each for each in CLITICS if each[0].person == 3 or (people and each[0].person != subject.person)]
    drawn = draw.weighted(free)
    if people or drawn.several:
        return drawn
    return replace(drawn, english=("it",), kind="thing")


def name(draw: Draw) -> Phrase:
    """Somebody by name."""
    called, feminine = draw.pick(lexicon.NAMES)
    return Phrase((called,), (called,), feminine=feminine)


def both(first: Phrase, second: Phrase) -> Phrase:
    """The two together."""
    return Phrase(
        (*first.french, "et", *second.french),
        (*first.english, "and", *second.english),
        feminine=first.feminine and second.feminine,
        several=True,
        kind=first.kind,
    )


def definite(draw: Draw, kinds: Sequence[str], owner: Phrase | None = None) -> Phrase:
    """A noun that is known: with the, this, or somebody's own."""
    noun = draw.ranked(lexicon.NOUNS[draw.pick(kinds)])
    several = not noun.is_mass and draw.chance(22)
    adjectives = _adjectives(draw, noun)
    how = draw.weighted((("the", 48), ("this", 12), ("own", 20), ("of", 20)))
    if how == "own" and noun.ownable:
        lives = owner is not None and owner.kind in ("person", "animal")
        return _owned(noun, adjectives, owner if owner and lives else draw.weighted(PRONOUNS[2:4]), several)
    if how == "of" and noun.ownable:
        return _of_somebody(draw, noun, adjectives, several)
    french, english = _core(noun, adjectives, several)
    if how == "this":
        determiner = "ces" if several else "cette" if noun.feminine else "ce"
        return _phrase(noun, several, (determiner, *french), ("these" if several else "this", *english))
    return _phrase(noun, several, ("les*" if several else _ARTICLES[noun.feminine], *french), ("the", *english))


def indefinite(draw: Draw, kinds: Sequence[str], *, negated: bool = False) -> Phrase:
    """A noun that is new: with a, some, a number or many; behind a negation with `de`."""
    noun = draw.ranked(lexicon.NOUNS[draw.pick(kinds)])
    several = not noun.is_mass and draw.chance(45)
    adjectives = _adjectives(draw, noun)
    french, english = _core(noun, adjectives, several)
    if negated:
        return _phrase(noun, several, ("de", *french), ("any" if several or noun.is_mass else "a", *english))
    if noun.is_mass:
        return _phrase(noun, several, ("de", _ARTICLES[noun.feminine], *french), ("some", *english))
    if not several:
        return _phrase(noun, several, ("une" if noun.feminine else "un", *french), ("a", *english))
    return _phrase(noun, several, *_counted(draw, french, english, before=any(each.before for each in adjectives)))


def place(draw: Draw, *, at: bool = True) -> Phrase:
    """Where something happens; `at` a place only where that is not taken for the way there."""
    if at and draw.chance(22):
        return _place(draw, _AT)
    preposition, translation = draw.weighted(
        ((("dans", "in"), 45), (("devant", "in front of"), 16), (("derrière", "behind"), 12), (("près de", "near"), 20))
    )
    noun = draw.ranked(lexicon.NOUNS["place"])
    if preposition == "dans" and noun.french[0] in _ON:
        preposition, translation = "sur", "on"
    french, english = _core(noun, _adjectives(draw, noun), several=False)
    article = _ARTICLES[noun.feminine]
    return Phrase((*preposition.split(), article, *french), (*translation.split(), "the", *english), kind="place")


def destination(draw: Draw) -> Phrase:
    """Where somebody goes."""
    return _place(draw, _TO)


def _place(draw: Draw, told: Mapping[str, str]) -> Phrase:
    noun = draw.ranked([each for each in lexicon.NOUNS["place"] if each.french[0] in told])
    return Phrase(("à", _ARTICLES[noun.feminine], noun.french[0]), tuple(told[noun.french[0]].split()), kind="place")


def surface(draw: Draw) -> Phrase:
    """Where a thing lies."""
    noun = draw.ranked(lexicon.NOUNS["furniture"])
    french, english = draw.pick((("sur", "on"), ("sous", "under")))
    return Phrase((french, _ARTICLES[noun.feminine], noun.french[0]), (english, "the", noun.english[0]), kind="place")


def company(draw: Draw, subject: Phrase) -> Phrase:
    """With whom."""
    other = name(draw) if draw.chance(30) else definite(draw, ("person",), subject)
    return replace(other, french=("avec", *other.french), english=("with", *other.english))


def _phrase(noun: Noun, several: bool, french: Sequence[str], english: Sequence[str]) -> Phrase:
    return Phrase(tuple(french), tuple(english), feminine=noun.feminine, several=several, kind=noun.kind)


def _owned(noun: Noun, adjectives: Sequence[Adjective], owner: Phrase, several: bool) -> Phrase:
    french, english = _core(noun, adjectives, several, own=True)
    masculine, feminine, plural = _OWN[owner.person, owner.several]
    determiner = plural if several else feminine if noun.feminine else masculine
    return _phrase(noun, several, (determiner, *french), (owner.owner, *english))


def _of_somebody(draw: Draw, noun: Noun, adjectives: Sequence[Adjective], several: bool) -> Phrase:
    """`la voiture de marie`, `marie's car`."""
    owner = name(draw)
    if draw.chance(40):
        person = draw.ranked([each for each in lexicon.NOUNS["person"] if each is not noun])
        owner = Phrase((_ARTICLES[person.feminine], person.french[0]), ("the", person.english[0]))
    french, english = _core(noun, adjectives, several, own=True)
    article = "les*" if several else _ARTICLES[noun.feminine]
    return _phrase(noun, several, (article, *french, "de", *owner.french), (*owner.english, "'s", *english))


def _counted(draw: Draw, french: Words, english: Words, *, before: bool) -> tuple[Words, Words]:
    """Several of them: des (de, where an adjective stands before the noun), a number, or beaucoup de."""
    how = draw.weighted((("some", 60), ("number", 25), ("many", 15)))
    if how == "number":
        number, translation = draw.pick(_NUMBERS)
        return (number, *french), (translation, *english)
    if how == "many":
        return ("beaucoup", "de", *french), ("many", *english)
    return ("de" if before else "des", *french), ("some", *english)


def _adjectives(draw: Draw, noun: Noun) -> tuple[Adjective, ...]:
    """None, one, or one on each side of the noun."""
    fitting = [each for each in lexicon.ADJECTIVES if noun.kind in each.kinds and not _misleads(each, noun)]
    before = [each for each in fitting if each.before]
    after = [each for each in fitting if not each.before]
    sides = draw.weighted((((), 48), ((before,), 15), ((after,), 28), ((before, after), 9)))
    return tuple(draw.ranked(side) for side in sides if side)


def _misleads(adjective: Adjective, noun: Noun) -> bool:
    return adjective.english == "tall" or noun.french[0] in lexicon.MISLEADING.get(adjective.masculine, ())


def _core(noun: Noun, adjectives: Sequence[Adjective], several: bool, *, own: bool = False) -> tuple[Words, Words]:
    """The noun with its adjectives, without a determiner."""
    forms = [(each, each.form(feminine=noun.feminine, several=several)) for each in adjectives]
    before = [form for each, form in forms if each.before]
    after = [form for each, form in forms if not each.before]
    word = noun.french[several]
    if not several and not noun.feminine and starts_with_vowel(word):
        before = [_BEFORE_VOWEL.get(form, form) for form in before]
    translated = (noun.owned if own else noun.english)[several]
    ordered = sorted(adjectives, key=lambda each: each.rank)
    return (*before, word, *after), (*(each.english for each in ordered), translated)
