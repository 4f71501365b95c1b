"""What French and English make of the same clause, and how words change where they meet."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from harness.problems.translation.dataset import english, french, lexicon, phrases
from harness.problems.translation.dataset.clauses import Clause, Tense
from harness.problems.translation.dataset.grammar import sentence
from harness.problems.translation.dataset.phrases import Phrase
from harness.stream import KeyedStream

VERBS = {verb.french.infinitive: verb for verb in (*lexicon.INTRANSITIVE, *lexicon.TRANSITIVE[::-1])}
SUBJECTS = {each.french[0]: each for each, _ in phrases.PRONOUNS}
HER = Phrase(("la",), ("her",), feminine=True)
SHE = replace(SUBJECTS["je"], feminine=True)


def said(clause: Clause) -> tuple[str, str]:
    return french.joined(clause.french()), english.joined(clause.english())


def asked(clause: Clause) -> tuple[str, str]:
    return french.joined(clause.french(inverted=True)), english.joined(clause.english_asked())


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (Clause(SUBJECTS["il"], VERBS["voir"], Tense.PRESENT, clitic=HER), ("il la voit", "he sees her")),
        (Clause(SUBJECTS["il"], VERBS["aider"], Tense.PAST, clitic=HER), ("il l' a aidée", "he helped her")),
        (Clause(SUBJECTS["elles"], VERBS["partir"], Tense.PAST), ("elles sont parties", "they left")),
        (Clause(SHE, VERBS["lever"], Tense.PAST), ("je me suis levée", "i got up")),
        (Clause(SUBJECTS["nous"], VERBS["manger"], Tense.PRESENT, "pas"), ("nous ne mangeons pas", "we do not eat")),
        (Clause(SUBJECTS["je"], VERBS["aimer"], Tense.PRESENT, "jamais"), ("je n' aime jamais", "i never like")),
        (
            Clause(SUBJECTS["elle"], VERBS["chanter"], Tense.PRESENT, "plus"),
            ("elle ne chante plus", "she no longer sings"),
        ),
        (Clause(SUBJECTS["elle"], VERBS["écrire"], Tense.PAST, "rien"), ("elle n' a rien écrit", "she did not write")),
        (Clause(SUBJECTS["tu"], VERBS["dormir"], Tense.IMPERFECT), ("tu dormais", "you were sleeping")),
        (Clause(SUBJECTS["il"], VERBS["aimer"], Tense.IMPERFECT), ("il aimait", "he liked")),
        (Clause(SUBJECTS["ils"], VERBS["venir"], Tense.FUTURE), ("ils viendront", "they will come")),
        (Clause(SUBJECTS["vous"], VERBS["aller"], Tense.GOING), ("vous allez aller", "you are going to go")),
        (
            Clause(SUBJECTS["il"], VERBS["voir"], Tense.JUST, clitic=HER),
            ("il vient de la voir", "he has just seen her"),
        ),
        (
            Clause(SUBJECTS["il"], VERBS["attendre"], Tense.CAN, "pas"),
            ("il ne peut pas attendre", "he cannot wait for"),
        ),
        (
            Clause(SUBJECTS["elle"], VERBS["rire"], Tense.WANT, "pas"),
            ("elle ne veut pas rire", "she does not want to laugh"),
        ),
        (Clause(SUBJECTS["tu"], VERBS["courir"], Tense.MUST), ("tu dois courir", "you must run")),
        (Clause(SUBJECTS["je"], VERBS["travailler"], Tense.SINCE), ("je travaille", "i have been working")),
        (
            Clause(SUBJECTS["il"], VERBS["manger"], Tense.PAST, adverb=("souvent", "often")),
            ("il a souvent mangé", "he often ate"),
        ),
        (
            Clause(SUBJECTS["je"], lexicon.BE, Tense.PRESENT, "pas", state=("faim", "hungry")),
            ("je n' ai pas faim", "i am not hungry"),
        ),
    ],
)
def test_both_languages_say_the_clause(clause, expected):
    assert said(clause) == expected


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (Clause(SUBJECTS["il"], VERBS["aimer"], Tense.PRESENT), ("aime -t-il", "does he like")),
        (Clause(SUBJECTS["elle"], VERBS["manger"], Tense.PAST), ("a -t-elle mangé", "did she eat")),
        (Clause(SUBJECTS["ils"], VERBS["dormir"], Tense.PRESENT), ("dorment -ils", "do they sleep")),
        (Clause(SUBJECTS["tu"], VERBS["chanter"], Tense.FUTURE), ("chanteras -tu", "will you sing")),
        (Clause(SUBJECTS["il"], VERBS["voir"], Tense.PRESENT, clitic=HER), ("la voit -il", "does he see her")),
        (Clause(SUBJECTS["elle"], lexicon.BE, Tense.IMPERFECT), ("était -elle", "was she")),
    ],
)
def test_both_languages_ask_the_clause(clause, expected):
    assert asked(clause) == expected


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("de le* chat", "du chat"),
        ("à les* hommes", "aux hommes"),
        ("de le* ami", "de l' ami"),
        ("à la* école", "à l' école"),
        ("vient de le voir", "vient de le voir"),
        ("je ne aime pas", "je n' aime pas"),
        ("que elle", "qu' elle"),
        ("ce homme", "cet homme"),
        ("ce héros", "ce héros"),
        ("le* haricot", "le haricot"),
        ("ma amie", "mon amie"),
        ("le* œuf", "l' œuf"),
    ],
)
def test_words_are_elided_and_contracted_where_they_meet(raw, written):
    assert french.joined(raw.split()) == written


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [
        ("manger", "nous mangeons, je mangeais, nous mangions"),
        ("acheter", "nous achetons, j'achetais, nous achetions"),
        ("finir", "nous finissons, je finissais, nous finissions"),
        ("appeler", "nous appelons, j'appelais, nous appelions"),
    ],
)
def test_stems_sound_the_same_in_all_forms(infinitive, forms):
    verb = french.conjugate(infinitive)
    told = [verb.present[3], verb.imperfect[0], verb.imperfect[3]]
    assert told == [each.replace("'", " ").split()[-1] for each in forms.split(", ")]


def test_a_changing_stem_changes_where_its_ending_is_silent_and_in_the_future():
    assert french.conjugate("appeler").present == ("appelle", "appelles", "appelle", "appelons", "appelez", "appellent")
    assert french.conjugate("acheter").future[0] == "achèterai"


def test_a_verb_of_no_known_ending_is_refused():
    with pytest.raises(KeyError):
        french.conjugate("chat")


def test_plurals_and_articles_are_spelled_as_people_spell_them():
    assert [french.plural(word) for word in ("chat", "bateau", "cheval", "bus")] == [
        "chats",
        "bateaux",
        "chevaux",
        "bus",
    ]
    assert [english.plural(word) for word in ("box", "story", "boy", "tomato")] == [
        "boxes",
        "stories",
        "boys",
        "tomatoes",
    ]
    assert english.joined(["a", "apple", "and", "a", "big", "apple"]) == "an apple and a big apple"


def test_english_verbs_that_are_no_rule_are_spelled_as_people_spell_them():
    every = (*lexicon.TRANSITIVE, *lexicon.INTRANSITIVE, *lexicon.GIVING, *lexicon.TURNED)
    third = {each.english.base: each.english.third for each in every}
    assert [third[base] for base in ("have", "go", "carry", "wash", "play")] == [
        "has",
        "goes",
        "carries",
        "washes",
        "plays",
    ]
    progressive = {each.english.base: each.english.progressive for each in every}
    assert [progressive[base] for base in ("run", "come", "see", "open")] == ["running", "coming", "seeing", "opening"]


def test_a_verb_of_two_meanings_takes_no_pronoun_that_would_leave_them_in_doubt():
    for verb in lexicon.TRANSITIVE:
        alike = [each for each in lexicon.TRANSITIVE if each.french == verb.french and "alone" not in each.marks]
        assert len(alike) <= 1, verb.french.infinitive


def test_an_elided_pronoun_whose_gender_nothing_tells_is_known():
    helped = Clause(SUBJECTS["il"], VERBS["aider"], Tense.PRESENT)
    assert helped.hides_gender
    assert not replace(helped, tense=Tense.PAST).hides_gender  # l' a aidée
    assert replace(helped, tense=Tense.GOING).hides_gender
    assert not replace(helped, verb=VERBS["voir"]).hides_gender


def test_adjectives_agree_and_stand_where_each_language_has_them():
    by_word = {noun.french[0]: noun for kind in lexicon.NOUNS.values() for noun in kind}
    adjectives = {each.masculine: each for each in lexicon.ADJECTIVES if each.english != "tall"}
    old, black = adjectives["vieux"], adjectives["noir"]
    core = phrases._core
    assert core(by_word["homme"], (old,), False) == (("vieil", "homme"), ("old", "man"))
    assert core(by_word["souris"], (old, black), True) == (
        ("vieilles", "souris", "noires"),
        ("old", "black", "mice"),
    )
    tired, small = adjectives["fatigué"], adjectives["petit"]
    assert core(by_word["fille"], (small, tired), False)[1] == ("tired", "small", "girl")


def drawn(count: int) -> list[tuple[str, str]]:
    stream = KeyedStream(b"g" * 32, "sentences of a test")
    return [sentence(stream).sides for _ in range(count)]


SENTENCES = drawn(6000)


def test_nothing_that_must_be_elided_stands_before_a_vowel():
    for text, _ in SENTENCES:
        words = text.split()
        for word, after in pairwise(words):
            if word in ("le", "la", "je", "ne", "que", "de", "me", "te", "se", "ce", "ma", "ta", "sa"):
                assert not french.starts_with_vowel(after), text
            assert not (word.endswith("'") and not french.starts_with_vowel(after)), text


def test_no_article_is_left_uncontracted_and_no_mark_is_left_in():
    for text, translation in SENTENCES:
        assert "*" not in text + translation
        words = text.split()
        for before, word, after in zip(["", *words], words, words[1:], strict=False):
            if word in ("de", "à") and after in ("le", "les"):  # behind venir it is a pronoun: il vient de le voir
                assert before in french.conjugate("venir").present, text


def test_english_agrees_with_its_subject_and_uses_its_auxiliaries():
    wrong = (
        "he do ", "she do ", "they does ", "i is ", "you is ", "we was ", "they was ", "not not", "does not is", " a a ",
        "can not", "a any", " an big", "did was", "does was",
    )  # fmt: skip
    for _, translation in SENTENCES:
        assert not any(each in f"{translation} " for each in wrong), translation


def test_english_is_plain_letters_and_every_sentence_ends_with_its_sign():
    for text, translation in SENTENCES:
        assert translation.isascii()
        assert translation == translation.lower()
        assert text[-2:] == translation[-2:]
        assert text[-2:] in (" .", " ?")


def test_every_kind_of_sentence_comes():
    for mark in (
        "est-ce",
        "-t-il",
        "l'",
        "n'",
        "qu'",
        " pas ",
        " jamais ",
        "depuis",
        "manque",
        "parce",
        " qui ",
        "rien",
    ):
        assert any(mark in text for text, _ in SENTENCES), mark


def test_one_french_sentence_has_one_translation():
    """But for `vous` and `you`, which English does not tell apart: that goes the other way."""
    found: dict[str, set[str]] = {}
    for text, translation in SENTENCES:
        found.setdefault(text, set()).add(translation)
    assert [(text, told) for text, told in found.items() if len(told) > 1] == []
