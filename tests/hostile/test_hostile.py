"""Attacking uploads: whatever they try, they earn what the honest code in them deserves, see nothing, and leave nothing."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import pytest

from harness import catalogue
from tests.hostile.uploads import ATTACKS, Attack, attacks, build
from tests.hostile.ward import Verdict, Ward, lines_of_hidden_claims, ward

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what contains malice is there on Linux only")

ALL = attacks()


@pytest.fixture(scope="module")
def cell(data: Path, tmp_path_factory: pytest.TempPathFactory):
    from harness.supervisor import scratch_folder

    with scratch_folder() as folder, ward(folder, data) as made:
        yield made


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_an_attack_gains_nothing_and_leaves_nothing(attack: Attack, cell: Ward, honest_upload: Path, tmp_path: Path) -> None:
    if attack.needs_root and os.geteuid() != 0:
        pytest.skip("only root can make these files")
    places = {
        "DATA": str(cell.data), "RESULTS": str(tmp_path / "results.json"), "METADATA": str(cell.metadata),
        "ROOT": str(Path(__file__).resolve().parents[2]), "MARK": f"was-here-{secrets.token_hex(8)}",
    }  # fmt: skip
    upload = build(attack.name, tmp_path / "upload", honest=honest_upload, places=places)
    verdict = cell.grade(attack, upload, places)
    earns_what_it_deserves(attack, verdict)
    shows_nothing(attack, verdict, cell)
    assert verdict.invalid == []
    assert verdict.events == []
    assert verdict.changed == []
    assert verdict.left == []
    assert verdict.seconds < 120


def earns_what_it_deserves(attack: Attack, verdict: Verdict) -> None:
    assert set(verdict.outcomes.values()) <= {"pass", "fail"}, verdict.document
    assert verdict.passed <= attack.may_pass, verdict.text()
    assert verdict.passed >= attack.must_pass, verdict.text()
    points = {claim.id: claim.points for claim in catalogue.collect()}
    assert verdict.document["score"] == sum(points[number] for number in verdict.passed)


def shows_nothing(attack: Attack, verdict: Verdict, cell: Ward) -> None:
    """No secret anywhere, not even for staff; no word of an attacker's in a hidden claim."""
    everything = str(verdict.document)
    assert "BREACH" not in everything, everything
    for secret in (*cell.secrets, *lines_of_hidden_claims()):
        assert secret not in everything
    for word in attack.hides:
        assert word not in verdict.text("-hidden")
    shown = verdict.text()
    assert all(letter.isprintable() or letter in "\n\t\u2028\ufffd" for letter in shown)
    assert len(shown) < 100_000


def test_there_are_enough_of_them() -> None:
    assert len({attack.folder for attack in ALL}) >= 60
    assert len({attack.name for attack in ALL}) == len(ALL)
    assert {path.name for path in ATTACKS.iterdir() if path.is_dir()} == {attack.folder.name for attack in ALL}
