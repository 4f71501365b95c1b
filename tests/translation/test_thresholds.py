"""What docs/translation.md says about thresholds follows from the figures there and from assignment.toml."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.assignment import ROOT
from harness.errors import SettingsError
from harness.problems.translation.problem import PROBLEM
from harness.settings import Table
from tests.translation.support import ASSIGNMENT

PAGE = (ROOT / "docs" / "translation.md").read_text(encoding="utf-8")
#: key | dev: scratch, finetuned | test: scratch, finetuned | gained | perplexities | encoder's perplexity | seconds
ROWS = [
    [float(number) for number in re.findall(r"[\d.]+", line)]
    for line in re.findall(r"(?m)^\| \d \| .*$", PAGE[PAGE.index("## Training and thresholds") :])
]
TEXT = " ".join(PAGE.split())


def test_the_gain_is_the_smallest_of_the_table() -> None:
    assert [row[0] for row in ROWS] == [0, 1, 2, 3, 4]
    assert [row[5] for row in ROWS] == [round(row[4] - row[3], 1) for row in ROWS]
    assert f"on test by a BLEU of {min(row[5] for row in ROWS)} at least" in TEXT


def test_thresholds_have_the_distance_that_is_stated() -> None:
    told = re.findall(
        r"is at least ([\d.]+) above its threshold of (\d+)|one at least ([\d.]+) above its threshold of (\d+)", TEXT
    )
    stated = [tuple(each for each in found if each) for found in told]
    measured = []
    for start, dev, test in (("scratch", 1, 3), ("finetune", 2, 4)):
        threshold = ASSIGNMENT.thresholds[start]
        assert threshold.dev == threshold.test
        least = min(min(row[dev], row[test]) for row in ROWS)
        measured.append((f"{least - 100 * threshold.test:.1f}", f"{100 * threshold.test:.0f}"))
    assert stated == measured
    assert all(float(distance) >= 10 for distance, _ in measured)


def test_what_understands_nothing_is_as_far_below_the_thresholds_as_is_stated() -> None:
    row = re.search(r"(?m)^\| copying \|.*\n\|[-|]+\n\| (.*) \|$", PAGE)
    assert row is not None
    best = max(float(number) for number in re.findall(r"[\d.]+", row[1]))
    lowest = min(100 * ASSIGNMENT.thresholds[start].test for start in ("scratch", "finetune"))
    assert f"the best that understands nothing ({best}) is {lowest - best:.1f} below the lower one" in TEXT
    assert lowest - best >= 10


def test_perplexities_that_are_asked_are_those_of_the_page_and_far_from_what_was_measured() -> None:
    most = ASSIGNMENT.problem("translation").settings["perplexity"]
    told = re.search(r"at most a perplexity of (\d+) on dev .* trained decoders (\d+) .* pretrained one (\d+) on", TEXT)
    assert told is not None
    assert [most[each] for each in ("encoder", "decoder", "pretrained")] == [int(each) for each in told.groups()]
    assert max(row[8] for row in ROWS) < most["encoder"] / 2
    assert max(number for row in ROWS for number in row[6:8]) < most["decoder"] / 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder": 1}, r"encoder = 1: a perplexity, above 1, is needed"),
        ({"decoder": "six"}, r"decoder = 'six': a perplexity"),
        ({"scratch": 6.0}, r"scratch = 6\.0: no such key; the keys are encoder, decoder, pretrained"),
        ({"pretrained": None}, r"'pretrained' is missing"),
    ],
)
def test_perplexities_that_cannot_be_asked_are_refused_with_their_key(change: dict[str, Any], said: str) -> None:
    settings = ASSIGNMENT.problem("translation").settings
    changed = {name: value for name, value in {**settings["perplexity"], **change}.items() if value is not None}
    assert PROBLEM.check_settings is not None
    keys = ("problems", "translation", "settings")
    PROBLEM.check_settings(Table(ROOT / "assignment.toml", keys, dict(settings)))
    with pytest.raises(SettingsError, match=said):
        PROBLEM.check_settings(Table(ROOT / "assignment.toml", keys, {**settings, "perplexity": changed}))
