"""What a fault costs is written down, and every large loss has a reason."""

from __future__ import annotations

from tests.judging.cases import parse
from tests.judging.losses import REASONS, TABLE, losses, needs_a_reason, part_points, table


def test_every_large_loss_has_a_reason_and_no_reason_is_left_over() -> None:
    worth = part_points()
    large = {each.case.name for each in losses() if needs_a_reason(each, worth)}
    assert large == set(parse(REASONS)["reasons"])


def test_the_page_is_the_table() -> None:
    assert TABLE.read_text(encoding="utf-8") == table()
