"""The child side's modules stay importable for a user who owns nothing."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from pathlib import Path

import pytest

from harness.sandbox import interpreter
from harness.sandbox.model import SandboxError
from tests.sandbox.support import needs_linux, needs_root

pytestmark = needs_linux


@pytest.fixture
def library(tmp_path):
    """A small closed-off library."""
    folder = tmp_path / "closed" / "lib" / "python3"
    for name in ("os.py", "json/__init__.py", "json/tool.py", "test/big.py", "site-packages/x.py", "lib-dynload/_x.so",
                 "config-3/libpython.a", "json/__pycache__/tool.pyc", "json/__pycache__/tool.opt-1.pyc"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "private.py").write_text("p")
    (folder / "private.py").chmod(0o600)
    (tmp_path / "closed").chmod(0o700)
    return folder


def staged_names(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


WANTED = ["json/__init__.py", "json/__pycache__/tool.pyc", "json/tool.py", "lib-dynload/_x.so", "os.py", "private.py"]


def test_a_mirror_holds_what_imports_want_and_everybody_may_read_it(library, tmp_path):
    mask = os.umask(0o077)
    try:
        stager = interpreter._Stager(tmp_path / "open")
        mirror = stager.stage(str(library))
    finally:
        os.umask(mask)
    assert staged_names(mirror) == WANTED
    assert all(path.stat().st_mode & stat.S_IROTH for path in Path(mirror).rglob("*"))
    assert stager.stage(str(library / "lib-dynload")) == f"{mirror}/lib-dynload"
    assert "6 files staged" in stager.summary()


def test_originals_keep_their_modes(library, tmp_path):
    interpreter._Stager(tmp_path / "open").stage(str(library))
    assert stat.S_IMODE((library / "private.py").stat().st_mode) == 0o600


def test_where_links_fail_files_are_copied(library, tmp_path, monkeypatch):
    def other_file_system(*_):
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_file_system)
    mirror = interpreter._Stager(tmp_path / "open").stage(str(library))
    assert staged_names(mirror) == WANTED
    assert (Path(mirror) / "os.py").read_text() == "os.py"
    assert (Path(mirror) / "os.py").stat().st_ino != (library / "os.py").stat().st_ino


def test_too_much_to_copy_is_a_fault_that_says_what_to_do(library, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no")))
    monkeypatch.setattr(interpreter, "COPY_BUDGET", 10)
    with pytest.raises(SandboxError, match=r"chmod o\+rX"):
        interpreter._Stager(tmp_path / "open").stage(str(library))


def test_our_own_path_leads_to_the_library_torch_and_numpy():
    folders = interpreter.module_path().folders
    assert Path(folders[0], "os.py").is_file()
    assert any(Path(folder, "torch").is_dir() for folder in folders)
    assert any(Path(folder, "numpy").is_dir() for folder in folders)
    assert len(folders) == len(set(folders))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SandboxError, match="torch is not installed"):
        interpreter.module_path()


@needs_root
def test_only_what_cannot_be_read_is_staged(tmp_path, open_folder, monkeypatch):
    monkeypatch.setattr(interpreter, "_readable_by_nobody", lambda _: False)
    closed = tmp_path / "library"
    closed.mkdir()
    (closed / "os.py").touch()
    monkeypatch.setattr(interpreter, "_library_folders", lambda: (str(closed),))
    monkeypatch.setattr(interpreter, "_package_folders", lambda **_: ("/usr/lib",))
    into = open_folder / "staging"
    into.mkdir()
    path = interpreter.reachable_module_path(into)
    assert path.folders == (f"{into}/modules-0", "/usr/lib")


@needs_root
def test_whether_another_user_can_read_is_tried(tmp_path):
    assert not interpreter._readable_by_nobody([str(tmp_path)])
    closed = any(not parent.stat().st_mode & stat.S_IXOTH for parent in Path(sys.executable).resolve().parents)
    assert interpreter._readable_by_nobody(["/usr"]) is not closed
