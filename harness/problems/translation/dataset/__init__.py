"""The dataset of one term: French sentences and their English translations, made by one grammar of both languages.

Promises: everything follows from a preset's numbers and a key, and without the key nothing of it can be regenerated; no
sentence of test, French or English, stands in any other file; every word of dev and test stands in train. Sentences are
made up, and say nothing that anybody should believe.
"""

from harness.problems.translation.dataset.corpus import convert
from harness.problems.translation.dataset.files import NAMES, render
from harness.problems.translation.dataset.generate import Dataset, generate
from harness.problems.translation.sentences import Pair

__all__ = ["NAMES", "Dataset", "Pair", "convert", "generate", "render"]
