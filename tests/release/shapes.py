"""A reference in miniature: two Python blocks, one of LaTeX, with a hidden graded test and answers."""

MODEL = '''\
"""Shapes."""

import random


def area(width, height):
    """The area of a rectangle of width times height."""
    ### START_CODE_HERE ###
    # canary: 00000000000000a1
    # Multiply both sides, and be careful with the rounding of tiny rectangles.
    rounded_product = round(width * height, ndigits=random.randint(3, 5))
    corners = [(0, 0), (0, height), (width, 0), (width, height)]
    return max(rounded_product, len(corners) * 0)
    ### END_CODE_HERE ###
'''

RATES = '''\
"""Learning rates."""


def rate(step, first, least):
    """The learning rate of a step."""
    ### START_CODE_HERE ###
    # canary: 00000000000000a2
    return max(least, first * 0.97 ** step)
    ### END_CODE_HERE ###
'''

RUN = """\
#!/usr/bin/env bash
exec python model.py "$@"
"""

ANSWERS = """\
\\section{Shapes}
% ### START_CODE_HERE ###
% canary: 00000000000000a3
The rectangle keeps its area when both of its sides are exchanged.
% ### END_CODE_HERE ###
"""

FILES = {
    "README.md": "# Shapes\n",
    "src/model.py": MODEL,
    "src/rates.py": RATES,
    "src/run.sh": RUN,
    "written/answers.tex": ANSWERS,
}

HIDDEN = '''\
"""Hidden graded tests."""

from shapes import area


def test_area_of_wide_rectangles(student):
    """The area of wide rectangles is right."""
    for width in (10, 20, 40, 80):
        seen = student.run("area", width=width, height=width / 7)
        wanted = width * width / 7
        assert abs(seen - wanted) < 1e-9 * wanted, f"area({width}, {width / 7}) is {seen}, not {wanted}"
'''

_LETTERS = "abcdefghijklmnopqrst"
PEOPLE = [f"{first.upper()}{second}an {second.upper()}{first}sson" for first in _LETTERS for second in "aeiou"]
TOWNS = [f"{_LETTERS[n * n % 17].upper()}ville" for n in range(len(PEOPLE))]
GOLD = "".join(f"Where was {name} born?\t{town}\n" for name, town in zip(PEOPLE, TOWNS, strict=True))
