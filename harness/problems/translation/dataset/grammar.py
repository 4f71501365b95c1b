"""Sentences in two languages at once: what is said is drawn, and both languages say it.

Promises: French agrees (articles, adjectives, participles, verbs), is elided and contracted as it is written, and the
English beside it is its translation, not a gloss: word order, tenses, do, articles and idioms are each language's own.
What somebody owns is always the subject's (`son` is `his` behind il, `her` behind elle), and an object pronoun is a
person or a thing by its verb, so that each French sentence has the one translation that stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.problems.translation.dataset import english, french, lexicon, phrases
from harness.problems.translation.dataset.clauses import Clause, Tense
from harness.problems.translation.dataset.lexicon import BE, HAVE, Verb
from harness.problems.translation.dataset.phrases import Draw, Phrase, Words
from harness.problems.translation.sentences import Pair
from harness.stream import KeyedStream

_TENSES = (
    (Tense.PRESENT, 34), (Tense.PAST, 25), (Tense.IMPERFECT, 11), (Tense.FUTURE, 12), (Tense.GOING, 5), (Tense.JUST, 3),
    (Tense.CAN, 4), (Tense.WANT, 3), (Tense.MUST, 3),
)  # fmt: skip
_STATES_TENSES = ((Tense.PRESENT, 58), (Tense.IMPERFECT, 26), (Tense.FUTURE, 16))
_WITH_NEGATION = {
    "jamais": {Tense.PRESENT, Tense.PAST, Tense.FUTURE},
    "plus": {Tense.PRESENT, Tense.FUTURE},
    "pas": set(Tense) - {Tense.JUST},
    "rien": set(Tense) - {Tense.JUST},
}
_MOVING = ("marcher", "courir", "nager", "venir", "tomber")
_LEAVING = ("partir", "venir")
_THEN = {  # the tense of a second clause, by that of the first
    Tense.PRESENT: Tense.PRESENT, Tense.PAST: Tense.IMPERFECT, Tense.IMPERFECT: Tense.IMPERFECT,
    Tense.FUTURE: Tense.FUTURE,
}  # fmt: skip
_NEVER_JUST = ("venir", "rester", "aller")

_ADVERBS = {
    Tense.PRESENT: (("souvent", "often"), ("toujours", "always"), ("rarement", "rarely")),
    Tense.PAST: (("souvent", "often"), ("déjà", "already")),
    Tense.FUTURE: (("toujours", "always"), ("souvent", "often")),
}
_TIMES = {
    Tense.PRESENT: (("aujourd'hui", "today"), ("chaque jour", "every day"), ("le* soir", "in the evening")),
    Tense.PAST: (("hier", "yesterday"), ("ce matin", "this morning"), ("la* semaine dernière", "last week")),
    Tense.IMPERFECT: (("hier", "yesterday"), ("ce matin", "this morning")),
    Tense.FUTURE: (("demain", "tomorrow"), ("ce soir", "tonight"), ("la* semaine prochaine", "next week")),
    Tense.GOING: (("demain", "tomorrow"), ("bientôt", "soon"), ("ce soir", "tonight")),
}
_LONG = (
    ("une heure", "an hour"), ("deux heures", "two hours"), ("trois jours", "three days"), ("un mois", "a month"),
    ("longtemps", "a long time"),
)  # fmt: skip
_DEGREES = (("très", "very"), ("trop", "too"), ("assez", "quite"))
_BESIDE_THINGS = ("voir", "chercher", "trouver")  # what is seen or found lies somewhere
_THINGS = ("thing", "text", "clothes")
_NOT_SAID_ALONE = ("nouveau", "bon", "mauvais")
_COMPARED = ("person", "animal", "vehicle", "place", "clothes")
_TOLD_APART = (
    (("moi",), ("me",)), (("toi",), ("you",)), (("lui",), ("him",)), (("elle",), ("her",)), (("nous",), ("us",)),
)  # fmt: skip
_TO_WHOM = (("me", "i", 1, False), ("te", "you", 2, False), ("nous", "we", 1, True), ("leur", "they", 3, True))
_WHO = Phrase(("qui",), ("who",))


@dataclass(frozen=True)
class _Said:
    """A clause, and what follows its verb in each language."""

    clause: Clause
    french: Words = ()
    english: Words = ()
    when: tuple[Words, Words] | None = None

    def then(self, *more: Phrase) -> _Said:
        """The same with more behind it."""
        behind = [word for each in more for word in each.french], [word for each in more for word in each.english]
        return replace(self, french=(*self.french, *behind[0]), english=(*self.english, *behind[1]))

    @property
    def time(self) -> tuple[Words, Words]:
        """When it happens; nothing where nobody says."""
        return self.when or ((), ())


def sentence(stream: KeyedStream) -> Pair:
    """One sentence, drawn."""
    draw = Draw(stream)
    return draw.weighted(_KINDS)(draw)


def _pair(words: Sequence[str], translation: Sequence[str], sign: str) -> Pair:
    return Pair(french.joined((*words, sign)), english.joined((*translation, sign)))


# --- subjects ---------------------------------------------------------------------------------------------------------


def _subject(draw: Draw, kinds: Sequence[str] = ("person",)) -> Phrase:
    """Who does it: a pronoun, a name, a noun, two of them, or a noun with a relative clause."""
    how = draw.weighted((("pronoun", 42), ("name", 12), ("noun", 34), ("two", 5), ("relative", 7)))
    if how == "pronoun":
        return phrases.pronoun(draw)
    if how == "name":
        return phrases.name(draw)
    if how == "two":
        first, second = phrases.name(draw), phrases.definite(draw, ("person",))
        return phrases.both(first, second)
    noun = phrases.definite(draw, kinds)
    return _with_relative_clause(draw, noun) if how == "relative" else noun


def _with_relative_clause(draw: Draw, noun: Phrase) -> Phrase:
    """`le chat qui dort`, `la femme que tu cherches`."""
    if draw.chance(50):
        fitting = [each for each in lexicon.INTRANSITIVE if noun.kind in each.subjects and "to" not in each.marks]
        verb = draw.ranked(fitting)
        who = replace(noun, french=("qui",), english=("who" if noun.kind == "person" else "that",))
        clause = Clause(who, verb, draw.weighted(((Tense.PRESENT, 3), (Tense.IMPERFECT, 1))))
        return replace(noun, french=(*noun.french, *clause.french()), english=(*noun.english, *clause.english()))
    fitting = [each for each in lexicon.TRANSITIVE if noun.kind in each.objects and not each.marks & {"à", "alone"}]
    verb = draw.ranked(fitting)
    who = phrases.pronoun(draw) if draw.chance(60) else phrases.name(draw)
    clause = Clause(who, verb, draw.weighted(((Tense.PRESENT, 3), (Tense.IMPERFECT, 1))))
    told = (*noun.french, "que", *clause.french()), (*noun.english, "that", *clause.english())
    return replace(noun, french=told[0], english=told[1])


# --- what is said of them ---------------------------------------------------------------------------------------------


def _clause(draw: Draw, subject: Phrase, verb: Verb, negation: str) -> Clause:
    """The verb in a tense that goes with its negation, perhaps with an adverb."""
    tenses = _STATES_TENSES if verb.lasts else _TENSES
    if "past" in verb.marks:
        tenses = (*tenses, (Tense.PAST, 25))
    allowed = _WITH_NEGATION[negation] if negation else set(Tense)
    if verb.french.infinitive in _NEVER_JUST:
        allowed = allowed - {Tense.JUST}
    tense = draw.weighted([each for each in tenses if each[0] in allowed])
    clause = Clause(subject, verb, tense, negation)
    if not negation and not verb.lasts and tense in _ADVERBS and draw.chance(12):
        return replace(clause, adverb=draw.pick(_ADVERBS[tense]))
    return clause


def _timed(draw: Draw, said: _Said) -> _Said:
    """Perhaps with when it happens."""
    clause = said.clause
    free = clause.adverb is None and clause.negation in ("", "pas", "rien") and not clause.verb.lasts
    if free and clause.tense in _TIMES and draw.chance(24):
        words, translation = draw.pick(_TIMES[clause.tense])
        return replace(said, when=(tuple(words.split()), tuple(translation.split())))
    return said


def _transitive(draw: Draw, subject: Phrase | None, negation: str) -> _Said:
    """Somebody does something to something, or to somebody."""
    verb = draw.ranked(lexicon.TRANSITIVE)
    subject = subject or _subject(draw, verb.subjects)
    clause = _clause(draw, subject, verb, negation)
    if not verb.marks & {"à", "alone"} and draw.chance(30):
        pronoun = phrases.clitic(draw, subject, people="people" in verb.marks)
        if pronoun.french == ("la",) and clause.hides_gender:  # `il l'aide` is taken for him
            pronoun = replace(phrases.CLITICS[0][0], english=("him",) if pronoun.kind == "person" else ("it",))
        return _timed(draw, _Said(replace(clause, clitic=pronoun)))
    if negation == "pas" and not verb.marks & {"à", "alone", "people"} and draw.chance(30):
        return _timed(draw, _Said(replace(clause, negation="rien"), english=("anything",)))
    thing = _object(draw, verb, subject, negation)
    said = _Said(clause).then(thing)
    if verb.french.infinitive in _BESIDE_THINGS and thing.kind in _THINGS and draw.chance(40):
        return said.then(phrases.surface(draw))
    if not verb.lasts and "à" not in verb.marks and draw.chance(18):
        return said.then(phrases.place(draw))
    return _timed(draw, said)


def _object(draw: Draw, verb: Verb, subject: Phrase, negation: str) -> Phrase:
    """The object of a verb; `aimer` takes what it likes in general, which has no article in English."""
    if "à" in verb.marks:
        person = phrases.name(draw) if draw.chance(25) else phrases.definite(draw, verb.objects, subject)
        return replace(person, french=("à", *person.french))
    liked = verb.french.infinitive == "aimer"
    if "some" in verb.marks or (not liked and draw.chance(42)):
        return phrases.indefinite(draw, verb.objects, negated=bool(negation))
    thing = phrases.definite(draw, verb.objects, subject)
    in_general = liked and thing.english[0] == "the" and (thing.several or thing.kind in ("dish", "drink"))
    return replace(thing, english=thing.english[1:]) if in_general else thing  # `he likes cheese`


def _intransitive(draw: Draw, subject: Phrase | None, negation: str) -> _Said:
    """Somebody does something, somewhere, with somebody."""
    verb = draw.ranked(lexicon.INTRANSITIVE)
    subject = subject or _subject(draw, verb.subjects)
    said = _Said(_clause(draw, subject, verb, negation))
    if "to" in verb.marks:
        return _timed(draw, said.then(phrases.destination(draw)))
    if not negation and "être" not in verb.marks and draw.chance(14):
        words, translation = draw.pick(_LONG)
        since = _Said(Clause(subject, verb, Tense.SINCE))
        return since.then(Phrase(("depuis", *words.split()), ("for", *translation.split())))
    how = draw.weighted((("place", 34), ("company", 14), ("nothing", 52)))
    if how == "place" and not verb.english.tail and verb.french.infinitive not in _LEAVING:
        return said.then(phrases.place(draw, at=verb.french.infinitive not in _MOVING))
    return _timed(draw, said.then(phrases.company(draw, subject)) if how == "company" else said)


def _giving(draw: Draw, subject: Phrase | None, negation: str) -> _Said:
    """Somebody gives something to somebody: in English the person comes first."""
    verb = draw.ranked(lexicon.GIVING)
    subject = subject or _subject(draw)
    said = _Said(_clause(draw, subject, verb, negation))
    thing = (
        phrases.indefinite(draw, _THINGS, negated=bool(negation))
        if draw.chance(50)
        else phrases.definite(draw, _THINGS, subject)
    )
    person = phrases.name(draw) if draw.chance(40) else phrases.definite(draw, ("person",), subject)
    both = replace(thing, french=(*thing.french, "à", *person.french), english=(*person.english, *thing.english))
    return said.then(both)


def _state_clause(draw: Draw, subject: Phrase, verb: Verb, negation: str) -> Clause:
    return _clause(draw, subject, verb, negation if negation in ("", "pas") else "plus")


def _copula(draw: Draw, subject: Phrase | None, negation: str) -> _Said:
    """How somebody or something is."""
    subject = subject or _anything(draw)
    adjective = draw.pick(_adjectives_for(subject))
    form = adjective.form(feminine=subject.feminine, several=subject.several)
    said = _Said(_state_clause(draw, subject, BE, negation))
    degree = draw.pick(_DEGREES) if draw.chance(30) else None
    before = ((degree[0],), (degree[1],)) if degree else ((), ())
    return said.then(Phrase((*before[0], form), (*before[1], adjective.english)))


def _anything(draw: Draw) -> Phrase:
    """A subject of any kind that adjectives are said of."""
    if draw.chance(55):
        return _subject(draw, ("person", "animal"))
    return phrases.definite(draw, ("place", "thing", "text", "clothes", "vehicle", "dish", "drink"))


def _adjectives_for(subject: Phrase) -> list[lexicon.Adjective]:
    return [each for each in lexicon.ADJECTIVES if subject.kind in each.kinds and each.masculine not in _NOT_SAID_ALONE]


def _comparison(draw: Draw, subject: Phrase | None, negation: str) -> _Said:
    """Something is more, less or as much so as something else."""
    subject = subject or (_subject(draw) if draw.chance(50) else phrases.definite(draw, _COMPARED))
    adjective = draw.pick([each for each in _adjectives_for(subject) if each.comparative])
    form = adjective.form(feminine=subject.feminine, several=subject.several)
    how, degree = draw.weighted(
        ((("plus", (*adjective.comparative, "than")), 60), (("moins", ("less", adjective.english, "than")), 20),
         (("aussi", ("as", adjective.english, "as")), 20))
    )  # fmt: skip
    other = phrases.definite(draw, (subject.kind,), subject)
    if subject.kind == "person" and draw.chance(35):
        free = [each for each in _TOLD_APART if each[1] != _OBJECT_FORMS.get(subject.english)]
        other = Phrase(*draw.pick(free))
    said = _Said(_state_clause(draw, subject, BE, "" if negation != "pas" else "pas"))
    return said.then(Phrase((how, form, "que"), degree), other)


_OBJECT_FORMS: dict[Words, Words] = {
    ("i",): ("me",), ("you",): ("you",), ("he",): ("him",), ("she",): ("her",), ("we",): ("us",),
}  # fmt: skip


def _having(draw: Draw, subject: Phrase | None, negation: str) -> _Said:
    """What French has and English is: hunger, fear, need."""
    subject = subject or _subject(draw)
    how = draw.weighted((("plain", 60), ("fear", 20), ("need", 20)))
    if how == "need":
        need = Verb(HAVE, english.verb("need"), marks=frozenset({"lasts"}))
        thing = phrases.definite(draw, ("person", "thing", "clothes", "vehicle"), subject)
        return _Said(_state_clause(draw, subject, need, negation), ("besoin", "de")).then(thing)
    clause = _state_clause(draw, subject, BE, negation)
    if how == "plain":
        return _Said(replace(clause, state=draw.ranked(lexicon.STATES)))
    feared = phrases.definite(draw, ("animal", "person"), subject)
    said = _Said(replace(clause, state=("peur", "afraid")))
    return said.then(replace(feared, french=("de", *feared.french), english=("of", *feared.english)))


_PREDICATES: tuple[tuple[Callable[[Draw, Phrase | None, str], _Said], int], ...] = (
    (_transitive, 44), (_intransitive, 22), (_copula, 9), (_giving, 10), (_comparison, 6), (_having, 9),
)  # fmt: skip


# --- whole sentences --------------------------------------------------------------------------------------------------


def _statement(draw: Draw) -> Pair:
    """Something is so, or is not."""
    negation = draw.weighted((("", 70), ("pas", 20), ("jamais", 6), ("plus", 4)))
    said = draw.weighted(_PREDICATES)(draw, None, negation)
    words, translation = _plainly(said)
    if said.when and draw.chance(30):
        first, second = said.time
        return _pair((*first, ",", *words), (*second, ",", *translation), ".")
    return _pair((*words, *said.time[0]), (*translation, *said.time[1]), ".")


def _plainly(said: _Said) -> tuple[Words, Words]:
    return (*said.clause.french(), *said.french), (*said.clause.english(), *said.english)


def _linked(draw: Draw) -> Pair:
    """Two clauses about the same person: because, but, and."""
    first = draw.weighted(((_intransitive, 3), (_transitive, 2)))(draw, phrases.pronoun(draw), "")
    link, translated = draw.pick(((("parce", "que"), ("because",)), (("mais",), ("but",)), (("et",), ("and",))))
    second = draw.weighted(((_copula, 2), (_having, 1), (_intransitive, 1)))(draw, first.clause.subject, "")
    tense = _THEN.get(first.clause.tense, Tense.PRESENT)
    second = replace(second, clause=replace(second.clause, tense=tense, adverb=None))
    here, there = _plainly(first), _plainly(second)
    return _pair((*here[0], *link, *there[0]), (*here[1], *translated, *there[1]), ".")


def _question(draw: Draw) -> Pair:
    """Yes or no, or where, when, why and how: with est-ce que, or with the pronoun behind the verb."""
    build = draw.weighted(((_transitive, 5), (_intransitive, 4), (_copula, 2), (_having, 1)))
    subject = phrases.pronoun(draw) if draw.chance(65) else _simple_subject(draw)
    said = build(draw, subject, "")
    if said.clause.tense is Tense.JUST:
        said = replace(said, clause=replace(said.clause, tense=Tense.PRESENT))
    word, translated = _asked_for(draw, said)
    inverted = subject.pronoun and subject.french != ("je",) and draw.chance(45)
    asked = (*word, *said.clause.french(inverted=True)) if inverted else (*word, "est-ce", "que", *said.clause.french())
    when = ((), ()) if word else said.time
    return _pair(
        (*asked, *said.french, *when[0]), (*translated, *said.clause.english_asked(), *said.english, *when[1]), "?"
    )


def _simple_subject(draw: Draw) -> Phrase:
    return phrases.name(draw) if draw.chance(40) else phrases.definite(draw, ("person",))


def _asked_for(draw: Draw, said: _Said) -> tuple[Words, Words]:
    """What the question asks for; nothing where it asks whether."""
    if said.clause.verb.lasts or said.clause.adverb or draw.chance(60):
        return ((), ()) if draw.chance(80) else (("pourquoi",), ("why",))
    words = [("pourquoi", "why"), ("quand", "when"), ("comment", "how")]
    if not any(word in said.french for word in ("dans", "devant", "derrière", "près", "sur", "sous", "à")):
        words.append(("où", "where"))
    word, translated = draw.pick(words)
    return (word,), (translated,)


def _who_question(draw: Draw) -> Pair:
    """Who does something."""
    said = draw.weighted(_PREDICATES)(draw, _WHO, "")
    words, translation = _plainly(said)
    return _pair((*words, *said.time[0]), (*translation, *said.time[1]), "?")


def _what_question(draw: Draw) -> Pair:
    """What, or whom, somebody sees."""
    verb = draw.ranked([each for each in lexicon.TRANSITIVE if not each.marks & {"à", "alone"}])
    people = draw.chance(50) if "people" in verb.marks else False
    if not people and set(verb.objects) <= {"person"}:
        people = True
    subject = phrases.pronoun(draw) if draw.chance(70) else _simple_subject(draw)
    clause = replace(_clause(draw, subject, verb, ""), adverb=None)
    if clause.tense is Tense.JUST:
        clause = replace(clause, tense=Tense.PRESENT)
    asked, translated = ("qui", "who") if people else ("que", "what")
    return _pair((asked, "est-ce", "que", *clause.french()), (translated, *clause.english_asked()), "?")


def _turned(draw: Draw) -> Pair:
    """What pleases or is missed is the subject in French and the object in English."""
    verb = draw.pick(lexicon.TURNED)
    negation = draw.weighted((("", 80), ("pas", 20)))
    missed = ("person", "place", "animal")
    kinds = missed if verb.french.infinitive == "manquer" else ("text", "place", "clothes", "vehicle")
    thing = phrases.definite(draw, kinds)
    tense = draw.weighted(_STATES_TENSES)
    if draw.chance(45):
        pronoun, who, person, several = draw.pick(_TO_WHOM)
        whom = Phrase((pronoun,), (who,), person, several=several)
        words = Clause(thing, verb, tense, negation, clitic=replace(whom, english=())).french()
    else:
        whom = phrases.name(draw) if draw.chance(40) else phrases.definite(draw, ("person",))
        words = (*Clause(thing, verb, tense, negation).french(), "à", *whom.french)
    return _pair(words, (*Clause(whom, verb, tense, negation).english(), *thing.english), ".")


def _there_is(draw: Draw) -> Pair:
    """`il y a`: there is, there are, in any of three tenses, said, denied or asked."""
    how = draw.weighted((("said", 65), ("denied", 20), ("asked", 15)))
    thing = phrases.indefinite(draw, ("person", "animal", "thing", "text", "food", "dish"), negated=how == "denied")
    where = phrases.surface(draw) if thing.kind in ("thing", "text", "food", "dish", "animal") else phrases.place(draw)
    has, one, many = draw.weighted(
        ((("a", "is", "are"), 6), (("avait", "was", "were"), 3), (("aura", "will", "will"), 2))
    )
    form = many if thing.several else one
    be = ("be",) if form == "will" else ()
    if how == "asked":
        any_of = tuple("any" if word == "some" else word for word in thing.english)
        there = (form, "there", *be, *any_of, *where.english)
        asked = ("y", has, "-t-il") if draw.chance(40) else ("est-ce", "que", "il", "y", has)
        return _pair((*asked, *thing.french, *where.french), there, "?")
    ne, pas = (("ne",), ("pas",)) if how == "denied" else ((), ())
    there = ("there", form, *be, *(("no", *thing.english[1:]) if how == "denied" else thing.english), *where.english)
    return _pair(("il", *ne, "y", has, *pas, *thing.french, *where.french), there, ".")


def _weather(draw: Draw) -> Pair:
    """What it is like outside."""
    verb, translated, times = draw.pick(
        (
            ("fait", ("is",), Tense.PRESENT),
            ("faisait", ("was",), Tense.IMPERFECT),
            ("fera", ("will", "be"), Tense.FUTURE),
        )
    )
    word, meaning = draw.pick((("froid", "cold"), ("chaud", "hot"), ("beau", "nice")))
    degree = (("très",), ("very",)) if draw.chance(30) else ((), ())
    when, then = (each.split() for each in draw.pick(_TIMES[times]))
    if draw.chance(50):
        where = phrases.place(draw)
        when, then = list(where.french), list(where.english)
    return _pair(("il", verb, *degree[0], word, *when), ("it", *translated, *degree[1], meaning, *then), ".")


_KINDS: tuple[tuple[Callable[[Draw], Pair], int], ...] = (
    (_statement, 59), (_question, 15), (_what_question, 5), (_who_question, 4), (_there_is, 5), (_turned, 8),
    (_linked, 3), (_weather, 1),
)  # fmt: skip
