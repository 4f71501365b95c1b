"""Scratch folders and user IDs: counted, wiped, never shared."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from harness.sandbox import identities, scratch
from harness.sandbox.model import SandboxError
from tests.sandbox.support import needs_linux, needs_root

pytestmark = needs_linux


def test_usage_counts_entries_and_bytes_without_following_links(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(bytes(100_000))
    (tmp_path / "away").symlink_to("/usr")
    used = scratch.usage(tmp_path, 100)
    assert used.entries == 3
    assert 100_000 <= used.bytes <= 120_000


def test_usage_stops_counting_soon_after_its_cap(tmp_path):
    for index in range(50):
        (tmp_path / str(index)).mkdir()
        (tmp_path / str(index) / "file").touch()
    assert 10 < scratch.usage(tmp_path, 10).entries <= 21


def test_usage_takes_deep_folders_for_too_many(tmp_path):
    (tmp_path / "/".join(["d" * 10] * 150)).mkdir(parents=True)
    assert scratch.usage(tmp_path, 10_000).entries > 10_000
    assert scratch.wipe(tmp_path)


def test_usage_of_nothing_is_nothing(tmp_path):
    assert scratch.usage(tmp_path / "missing", 10) == scratch.Usage(0, 0)


def test_wipe_follows_no_links(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "inner").mkdir()
    (folder / "inner" / "link").symlink_to(outside)
    assert scratch.wipe(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").exists()


def test_wipe_refuses_to_start_at_a_link(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    assert not scratch.wipe(tmp_path / "link")
    assert (tmp_path / "kept").is_dir()


def test_wipe_of_nothing_succeeds(tmp_path):
    assert scratch.wipe(tmp_path / "missing")


def test_wipe_handles_more_entries_than_one_look_takes(tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for index in range(4200):
        (folder / "inner" / str(index)).touch()
    assert scratch.wipe(folder)


def test_wipe_says_when_time_ran_out(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert not scratch.wipe(tmp_path / "a", seconds=-1)


def test_wipe_stops_where_a_folder_was_moved_under_it(tmp_path, monkeypatch):
    """Going up from a folder that somebody moved would lead out of the scratch folder."""
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    descend = scratch._Wiper._descend

    def descend_and_move(wiper, name):
        descend(wiper, name)
        (tmp_path / "folder" / "inner").rename(tmp_path / "elsewhere" / "inner")

    monkeypatch.setattr(scratch._Wiper, "_descend", descend_and_move)
    assert not scratch.wipe(tmp_path / "folder")
    assert (tmp_path / "elsewhere" / "kept").exists()


def test_closed_ancestor_names_the_first(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "closed" / "inner").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    found = scratch.closed_ancestor(tmp_path / "closed" / "inner")
    assert found in {tmp_path / "closed", *tmp_path.parents}  # pytest's own folders are closed, too
    assert scratch.closed_ancestor(Path("/usr/lib")) is None


@needs_root
def test_files_left_in_shared_folders_are_found_by_their_owner():
    identity = 61_234
    file, folder = Path(f"/tmp/holdout-{os.getpid()}-file"), Path(f"/tmp/holdout-{os.getpid()}-folder")
    file.touch()
    folder.mkdir()
    (folder / "inner").touch()
    for path in (file, folder):
        os.chown(path, identity, identity)
    assert scratch.sweep_shared_folders(identity) == 2
    assert not file.exists()
    assert not folder.exists()
    assert scratch.sweep_shared_folders(identity) == 0


def test_identities_are_fresh_nobodys_and_in_range():
    import pwd

    source = identities.Identities()
    drawn = [source.fresh() for _ in range(600)]
    source.close()
    assert len(set(drawn)) == 600
    assert not set(drawn) & {entry.pw_uid for entry in pwd.getpwall()}
    assert all(identities.LOWEST <= identity < identities.HIGHEST < 65_536 for identity in drawn)


def test_an_identity_that_somebody_has_is_skipped(monkeypatch):
    first = identities.LOWEST + 2000 * identities.BLOCK  # beyond those that graders draw
    monkeypatch.setattr(
        identities, "_accounts", lambda: frozenset(range(first, first + identities.BLOCK)) - {first + 9}
    )
    monkeypatch.setattr(secrets, "randbelow", lambda _: 2000)
    source = identities.Identities()
    assert source.fresh() == first + 9
    source.close()


def test_two_graders_never_share_a_block(monkeypatch):
    draws = iter([0, 0, 1])
    monkeypatch.setattr(secrets, "randbelow", lambda _: 1000 + next(draws))  # these, too
    first, second = identities.Identities(), identities.Identities()
    assert first.fresh() // identities.BLOCK != second.fresh() // identities.BLOCK
    first.close()
    second.close()


def test_root_in_name_alone_cannot_change_users(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert identities.can_change_users("Name:\tx\nCapEff:\t00000000a80425fb\n")  # Docker's defaults
    assert not identities.can_change_users("CapEff:\t0000000000000000\n")
    assert not identities.can_change_users("CapEff:\t00000000a804257b\n")  # all of them but CAP_SETUID
    assert not identities.can_change_users("nothing")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not identities.can_change_users("CapEff:\t00000000a80425fb\n")


def test_no_free_block_is_a_fault(monkeypatch):
    monkeypatch.setattr(secrets, "randbelow", lambda _: 1111)
    first, second = identities.Identities(), identities.Identities()
    first.fresh()
    with pytest.raises(SandboxError, match="no free block"):
        second.fresh()
    first.close()
    second.close()
