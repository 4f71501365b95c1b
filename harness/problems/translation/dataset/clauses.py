"""Clauses in both languages at once: a verb in its tense, with what each language puts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from harness.problems.translation.dataset import french
from harness.problems.translation.dataset.lexicon import BE, HAVE, Verb
from harness.problems.translation.dataset.phrases import Phrase, Words


class Tense(Enum):
    """When, or in what way, something happens."""

    PRESENT = auto()
    PAST = auto()
    """The compound past: `il a mangé`, `he ate`."""
    IMPERFECT = auto()
    """`il mangeait`, `he was eating`; of a state `he liked`."""
    FUTURE = auto()
    GOING = auto()
    """`il va manger`, `he is going to eat`."""
    JUST = auto()
    """`il vient de manger`, `he has just eaten`."""
    CAN = auto()
    WANT = auto()
    MUST = auto()
    SINCE = auto()
    """`il mange depuis une heure`, `he has been eating for an hour`."""


#: The verb that an infinitive follows, what stands between them, and what English says.
_BEFORE_INFINITIVE: dict[Tense, tuple[str, Words]] = {
    Tense.GOING: ("aller", ()),
    Tense.JUST: ("venir", ("de",)),
    Tense.CAN: ("pouvoir", ()),
    Tense.WANT: ("vouloir", ()),
    Tense.MUST: ("devoir", ()),
}
_CONJUGATED = {tense: french.conjugate(verb) for tense, (verb, _) in _BEFORE_INFINITIVE.items()}
_REFLEXIVE = ("me", "te", "se", "nous", "vous", "se")
NOT = {"pas": ("not",), "rien": ("not",), "jamais": ("never",), "plus": ("no", "longer")}


@dataclass(frozen=True)
class Clause:
    """A verb with its subject, and what stands beside the verb."""

    subject: Phrase
    verb: Verb
    tense: Tense
    negation: str = ""
    adverb: tuple[str, str] | None = None
    """French and English: often, always."""
    clitic: Phrase | None = None
    state: tuple[str, str] | None = None
    """What French has and English is: `avoir faim`, `be hungry`."""

    # --- French ---

    def french(self, *, inverted: bool = False) -> Words:
        """The clause up to its verb's last word; the subject behind the verb where it is `inverted`."""
        finite, rest = self._french_forms()
        before = ("ne",) if self.negation else ()
        if self.tense not in _BEFORE_INFINITIVE:
            before = (*before, *self._before_verb())
        after = (self.negation,) if self.negation else ()
        adverb = (self.adverb[0],) if self.adverb else ()
        if inverted:
            return (*before, finite, self._behind(finite), *after, *adverb, *rest)
        return (*self.subject.french, *before, finite, *after, *adverb, *rest)

    def _french_forms(self) -> tuple[str, Words]:
        """The finite verb, and what follows it of the verb."""
        verb = HAVE if self.state else self.verb.french
        noun = (self.state[0],) if self.state else ()
        at = self.subject.place
        if self.tense is Tense.PAST:
            auxiliary = BE.french if "être" in self.verb.marks else HAVE
            return auxiliary.present[at], (self._participle(),)
        if self.tense in _BEFORE_INFINITIVE:
            between = _BEFORE_INFINITIVE[self.tense][1]
            return _CONJUGATED[self.tense].present[at], (*between, *self._before_verb(), verb.infinitive, *noun)
        forms = {Tense.IMPERFECT: verb.imperfect, Tense.FUTURE: verb.future}
        return forms.get(self.tense, verb.present)[at], noun

    def _before_verb(self) -> Words:
        if "se" in self.verb.marks:
            return (_REFLEXIVE[self.subject.place],)
        return self.clitic.french if self.clitic else ()

    @property
    def hides_gender(self) -> bool:
        """Whether a pronoun before the verb is elided and no participle tells whether it is le or la."""
        if self.tense is Tense.PAST:
            return False
        verb = self.verb.french
        host = verb.infinitive if self.tense in _BEFORE_INFINITIVE else self._french_forms()[0]
        return french.starts_with_vowel(host)

    def _participle(self) -> str:
        """It agrees with the subject behind être, and with an object that stands before avoir."""
        agrees_with = self.subject if "être" in self.verb.marks else self.clitic
        if agrees_with is None:
            return self.verb.french.participle
        return french.agreeing(self.verb.french.participle, feminine=agrees_with.feminine, several=agrees_with.several)

    def _behind(self, finite: str) -> str:
        """The subject behind the verb: `-il`, after a vowel `-t-il`."""
        (word,) = self.subject.french
        linked = self.subject.person == 3 and finite[-1] not in "td"
        return f"-t-{word}" if linked else f"-{word}"

    # --- English ---

    def english(self) -> Words:
        """The clause up to its verb and the pronoun behind it."""
        auxiliary, middle, main = self._english_parts(asked=False)
        return (*self.subject.english, *auxiliary, *middle, *main)

    def english_asked(self) -> Words:
        """The same as a question: an auxiliary first."""
        auxiliary, middle, main = self._english_parts(asked=True)
        return (*auxiliary, *self.subject.english, *middle, *main)

    def _english_parts(self, *, asked: bool) -> tuple[Words, Words, Words]:
        """Auxiliary, what stands behind it, and the verb."""
        middle = NOT[self.negation] if self.negation else (self.adverb[1],) if self.adverb else ()
        auxiliary, main = self._english_verb(supported=asked or middle == ("not",))
        if auxiliary == ("can",) and middle == ("not",):
            auxiliary, middle = ("cannot",), ()
        pronoun = self.clitic.english if self.clitic else ()
        return auxiliary, middle, (*main, *self.verb.english.tail, *pronoun)

    def _english_verb(self, *, supported: bool) -> tuple[Words, Words]:
        """Auxiliary and verb; with a form of do where one is needed to be `supported`."""
        verb = BE.english if self.state else self.verb.english
        said = (self.state[1],) if self.state else ()
        be_now, do = self._pick("am", "are", "is"), self._pick("do", "do", "does")
        if self.tense is Tense.FUTURE:
            return ("will",), (verb.base, *said)
        if self.tense is Tense.GOING:
            return (be_now,), ("going", "to", verb.base, *said)
        have = self._pick("have", "have", "has")
        if self.tense is Tense.JUST:
            return (have,), ("just", verb.participle, *said)
        if self.tense is Tense.SINCE:
            return (have,), ("been", verb.progressive)
        if self.tense in (Tense.CAN, Tense.MUST):
            return (self.tense.name.lower(),), (verb.base, *said)
        if self.tense is Tense.WANT:
            return _simple(self._pick("want", "want", "wants"), "want", do, supported, ("to", verb.base, *said))
        if verb.base == "be":
            return (be_now if self.tense is Tense.PRESENT else self._was,), said
        if self.tense is Tense.PRESENT:
            return _simple(self._pick(verb.base, verb.base, verb.third), verb.base, do, supported)
        if self.tense is Tense.IMPERFECT and not self.verb.lasts:
            return (self._was,), (verb.progressive,)
        return _simple(verb.past, verb.base, "did", supported)

    @property
    def _was(self) -> str:
        return self._pick("was", "were", "was")

    def _pick(self, first: str, many: str, third: str) -> str:
        """The form for `i`, for you, we and they, or for he, she and it."""
        if self.subject.several or self.subject.person == 2:
            return many
        return first if self.subject.person == 1 else third


def _simple(finite: str, base: str, do: str, supported: bool, rest: Words = ()) -> tuple[Words, Words]:
    return ((do,), (base, *rest)) if supported else ((), (finite, *rest))
