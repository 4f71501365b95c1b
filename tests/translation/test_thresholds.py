"""What docs/translation.md says about thresholds follows from the figures there and from assignment.toml."""

from __future__ import annotations

import re

from harness.assignment import ROOT
from harness.tests_hidden.test_part_4 import ENCODER_KNOWS
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
    assert max(row[8] for row in ROWS) < ENCODER_KNOWS / 2
