"""The five files of a dataset, in the formats of the assignment's original data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.problems.birthplaces.dataset.generate import QUESTION, Dataset
from harness.problems.birthplaces.dataset.people import Person

NAMES = ("wiki.txt", "birth_places_train.tsv", "birth_dev.tsv", "birth_test_inputs.tsv", "birth_test.tsv")


def render(dataset: Dataset) -> Mapping[str, bytes]:
    """The content of each file: UTF-8, lines end with a line feed, but the last line of wiki.txt does not."""
    texts = {
        "wiki.txt": "\n".join(dataset.documents),
        "birth_places_train.tsv": _answered(dataset.train),
        "birth_dev.tsv": _answered(dataset.dev),
        "birth_test_inputs.tsv": "".join(f"{_question(person)}\n" for person in dataset.test),
        "birth_test.tsv": _answered(dataset.test),
    }
    return {name: texts[name].encode() for name in NAMES}


def _answered(people: Iterable[Person]) -> str:
    return "".join(f"{_question(person)}\t{person.place.name}\n" for person in people)


def _question(person: Person) -> str:
    return QUESTION.format(name=person.name)
