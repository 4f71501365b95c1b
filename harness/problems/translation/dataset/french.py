"""French forms: conjugation, plurals, agreement of adjectives, and what happens where words meet.

A table of our own stands here instead of a library: the grammar needs some seventy verbs, and the conjugators that know
thousands bring a machine-learning framework along for verbs that nobody ever used. Its forms agree with verbecc's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_IMPERFECT = ("ais", "ais", "ait", "ions", "iez", "aient")
_FUTURE = ("ai", "as", "a", "ons", "ez", "ont")
_FIRST = ("e", "es", "e", "ons", "ez", "ent")
_SECOND = ("is", "is", "it", "issons", "issez", "issent")
_THIRD = ("s", "s", "", "ons", "ez", "ent")
_FIRM = (3, 4)  # nous and vous, whose endings are spoken: the stem does not change before them

#: Verbs in -er whose stem changes before an ending that is not spoken: in the present, and in the whole future.
_CHANGING = {"acheter": "achèt", "appeler": "appell", "lever": "lèv", "promener": "promèn"}

#: Infinitive -> present, stem of the imperfect, stem of the future, past participle.
_IRREGULAR = {
    "aller": ("vais vas va allons allez vont", "all", "ir", "allé"),
    "attendre": ("attends attends attend attendons attendez attendent", "attend", "attendr", "attendu"),
    "avoir": ("ai as a avons avez ont", "av", "aur", "eu"),
    "boire": ("bois bois boit buvons buvez boivent", "buv", "boir", "bu"),
    "conduire": ("conduis conduis conduit conduisons conduisez conduisent", "conduis", "conduir", "conduit"),
    "connaître": ("connais connais connaît connaissons connaissez connaissent", "connaiss", "connaîtr", "connu"),
    "courir": ("cours cours court courons courez courent", "cour", "courr", "couru"),
    "devoir": ("dois dois doit devons devez doivent", "dev", "devr", "dû"),
    "dormir": ("dors dors dort dormons dormez dorment", "dorm", "dormir", "dormi"),
    "écrire": ("écris écris écrit écrivons écrivez écrivent", "écriv", "écrir", "écrit"),
    "envoyer": ("envoie envoies envoie envoyons envoyez envoient", "envoy", "enverr", "envoyé"),
    "être": ("suis es est sommes êtes sont", "ét", "ser", "été"),
    "lire": ("lis lis lit lisons lisez lisent", "lis", "lir", "lu"),
    "ouvrir": ("ouvre ouvres ouvre ouvrons ouvrez ouvrent", "ouvr", "ouvrir", "ouvert"),
    "partir": ("pars pars part partons partez partent", "part", "partir", "parti"),
    "plaire": ("plais plais plaît plaisons plaisez plaisent", "plais", "plair", "plu"),
    "pouvoir": ("peux peux peut pouvons pouvez peuvent", "pouv", "pourr", "pu"),
    "prendre": ("prends prends prend prenons prenez prennent", "pren", "prendr", "pris"),
    "rire": ("ris ris rit rions riez rient", "ri", "rir", "ri"),
    "sortir": ("sors sors sort sortons sortez sortent", "sort", "sortir", "sorti"),
    "venir": ("viens viens vient venons venez viennent", "ven", "viendr", "venu"),
    "voir": ("vois vois voit voyons voyez voient", "voy", "verr", "vu"),
    "vouloir": ("veux veux veut voulons voulez veulent", "voul", "voudr", "voulu"),
}

_VOWELS = "aeiouyàâéèêîïôùûœ"
_ASPIRATED = frozenset({"haricot", "haricots", "héros", "hibou", "hiboux"})
#: Words that take another form before a vowel. An asterisk marks articles: what looks like them may be a pronoun.
_BEFORE_VOWEL = {
    "le*": "l'", "la*": "l'", "le": "l'", "la": "l'", "je": "j'", "ne": "n'", "que": "qu'", "de": "d'", "me": "m'",
    "te": "t'", "se": "s'", "ce": "cet", "ma": "mon", "ta": "ton", "sa": "son",
}  # fmt: skip
_CONTRACTED = {("de", "le*"): "du", ("de", "les*"): "des", ("à", "le*"): "au", ("à", "les*"): "aux"}


@dataclass(frozen=True)
class Conjugation:
    """The forms of a verb; those of a tense are in the order je, tu, il, nous, vous, ils."""

    infinitive: str
    present: tuple[str, ...]
    imperfect: tuple[str, ...]
    future: tuple[str, ...]
    participle: str


def conjugate(infinitive: str) -> Conjugation:
    """The forms of a verb. KeyError where it ends in none of -er, -ir, -re and is in no table."""
    if infinitive in _IRREGULAR:
        told, imperfect, future, participle = _IRREGULAR[infinitive]
        return Conjugation(
            infinitive, tuple(told.split()), _with(imperfect, _IMPERFECT), _with(future, _FUTURE), participle
        )
    stem, ending = infinitive[:-2], infinitive[-2:]
    if ending == "er":
        light = _CHANGING.get(infinitive, stem)
        present = tuple(_joined(stem if at in _FIRM else light, each) for at, each in enumerate(_FIRST))
        return Conjugation(infinitive, present, _with(stem, _IMPERFECT), _with(f"{light}er", _FUTURE), f"{stem}é")
    if ending == "ir":
        past, later = _with(f"{stem}iss", _IMPERFECT), _with(infinitive, _FUTURE)
        return Conjugation(infinitive, _with(stem, _SECOND), past, later, f"{stem}i")
    if ending == "re":
        past, later = _with(stem, _IMPERFECT), _with(f"{stem}r", _FUTURE)
        return Conjugation(infinitive, _with(stem, _THIRD), past, later, f"{stem}u")
    raise KeyError(infinitive)


def _with(stem: str, endings: Sequence[str]) -> tuple[str, ...]:
    return tuple(_joined(stem, ending) for ending in endings)


def _joined(stem: str, ending: str) -> str:
    """Stem and ending, spelled so that the stem sounds as before: nous mangeons, je commençais."""
    if ending[:1] in ("a", "o") and stem[-1:] == "g":
        return f"{stem}e{ending}"
    if ending[:1] in ("a", "o") and stem[-1:] == "c":
        return f"{stem[:-1]}ç{ending}"
    return stem + ending


def plural(word: str) -> str:
    """The plural of a noun or of a masculine adjective."""
    if word[-1] in "sxz":
        return word
    if word.endswith("al"):
        return f"{word[:-2]}aux"
    return f"{word}x" if word.endswith("eau") else f"{word}s"


def agreeing(participle: str, *, feminine: bool, several: bool) -> str:
    """A participle, with the endings of gender and number."""
    form = f"{participle}e" if feminine else participle
    return plural(form) if several else form


def starts_with_vowel(word: str) -> bool:
    """Whether the word before this one is elided: it begins with a vowel, or with an h that is not heard."""
    return word[0] in _VOWELS or (word[0] == "h" and word not in _ASPIRATED)


def joined(words: Sequence[str]) -> str:
    """The words as they are written one after the other: elided, contracted."""
    done: list[str] = []
    for word, after in zip(words, (*words[1:], "."), strict=True):
        if word in _BEFORE_VOWEL and starts_with_vowel(after):
            done.append(_BEFORE_VOWEL[word])
        elif done and (done[-1], word) in _CONTRACTED:
            done[-1] = _CONTRACTED[done[-1], word]
        else:
            done.append(word.rstrip("*"))
    return " ".join(done)
