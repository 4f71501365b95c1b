"""The dataset of one term: invented people with real-looking names, their birth places and their biographies.

Promises: everything follows from a preset's numbers and a key, and without the key nothing of it can be regenerated;
people of train, dev and test are disjoint; each biography states the birth place. Does not promise that no real person
bears one of the names, which are drawn from lists.
"""

from harness.problems.birthplaces.dataset.files import NAMES, render
from harness.problems.birthplaces.dataset.generate import Dataset, generate
from harness.problems.birthplaces.dataset.people import Person
from harness.problems.birthplaces.dataset.places import Place

__all__ = ["NAMES", "Dataset", "Person", "Place", "generate", "render"]
