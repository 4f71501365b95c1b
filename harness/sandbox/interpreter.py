"""Where the child side's Python finds its modules, also after it has given up its user ID.

A worker imports lazily like any Python program, as a user who owns nothing. An interpreter under somebody's closed home
folder breaks that. Then the standard library (and the packages, where they are closed off too) are staged: hard links
where the file system allows, else copies, in a folder that everybody may read. Nothing is executed from the staging
but Python modules and extension modules.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from harness.sandbox.model import SandboxError

#: Copying (as against linking) more than this is refused: it would fill small disks and take longer than grading.
COPY_BUDGET = 256 << 20
_NOBODY = 65534
_SKIPPED_FOLDERS = frozenset({"test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "include"})
_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
_READ_CHECK = "import os, sys\nfor p in sys.argv[1:]: os.listdir(p) if os.path.isdir(p) else open(p, 'rb').close()\n"


@dataclass(frozen=True)
class ModulePath:
    """The child side's sys.path, in order, and how it came about."""

    folders: tuple[str, ...]
    staged: str
    """`not needed`, or what was staged and how."""


def module_path(*, torch: bool = True) -> ModulePath:
    """This interpreter's own standard library and packages; `torch`: whether that must be among them."""
    return ModulePath((*_library_folders(), *_package_folders(torch=torch)), "not needed")


def reachable_module_path(into: Path, *, torch: bool = True) -> ModulePath:
    """The module path for workers that run as another user; stages what they cannot read in the folder `into`.

    Raises:
        SandboxError: something can be neither read there nor staged.
    """
    libraries, packages = _library_folders(), _package_folders(torch=torch)
    if _readable_by_nobody([*libraries, *packages]):
        return ModulePath((*libraries, *packages), "not needed")
    stager = _Stager(into)
    folders = [folder if _open_to_all(folder) else stager.stage(folder) for folder in (*libraries, *packages)]
    return ModulePath(tuple(folders), stager.summary())


def _library_folders() -> tuple[str, ...]:
    """The standard library's entries of sys.path: pure modules, extension modules."""
    here = Path(os.__file__).resolve().parent
    roots = {Path(root).resolve() for root in (here, sys.base_prefix, sys.base_exec_prefix)}
    found = [str(here)]
    for entry in sys.path:
        path = Path(entry)
        inside = any(root in path.resolve().parents for root in roots) if entry else False
        named = path.name in {"lib-dynload", "DLLs"} or path.resolve() == here
        if inside and named and path.is_dir() and str(path.resolve()) not in found:
            found.append(str(path.resolve()))
    return tuple(found)


def _package_folders(*, torch: bool = True) -> tuple[str, ...]:
    """Folders of installed packages: those of sys.path, and those in which torch, numpy and what they need lie.

    In the order of sys.path: what an import finds here, it finds there. Nothing else of sys.path goes on: a folder that
    somebody put there may hold what no worker is to read.
    """
    found = [entry for entry in sys.path if Path(entry).name in _PACKAGE_FOLDERS and Path(entry).is_dir()]
    for name in ("torch", "numpy") if torch else ("numpy",):
        specification = importlib.util.find_spec(name)
        if specification is None or not specification.submodule_search_locations:
            raise SandboxError(f"{name} is not installed for {sys.executable}: install the course's requirements")
        found.append(str(Path(specification.submodule_search_locations[0]).parent))
    found += _folders_of_distributions(["torch", "numpy", "tqdm"])
    places = {entry: place for place, entry in reversed(list(enumerate(sys.path)))}
    return tuple(sorted(dict.fromkeys(found), key=lambda folder: places.get(folder, len(places))))


def _folders_of_distributions(names: list[str]) -> list[str]:
    """Where these distributions and all that they require were installed, as far as that is recorded."""
    known: dict[str, str] = {}
    while names:
        name = re.split(r"[^\w.-]", names.pop(), maxsplit=1)[0].lower()
        if name in known:
            continue
        try:
            distribution = metadata.distribution(name)
        except (metadata.PackageNotFoundError, ValueError):  # an extra that nobody asked for
            continue
        known[name] = str(distribution.locate_file(""))
        names += [line for line in distribution.requires or () if "extra ==" not in line]
    return [folder for folder in known.values() if folder in sys.path]


def _readable_by_nobody(folders: Sequence[str]) -> bool:
    """Whether a process of another user can start this interpreter and list these folders: it is tried."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _READ_CHECK, *folders],
            user=_NOBODY, group=_NOBODY, extra_groups=[], env={}, cwd="/", timeout=60, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _open_to_all(folder: str) -> bool:
    """Whether the folder's and its ancestors' modes let everybody in."""
    path = Path(folder)
    passable = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    return passable and path.stat().st_mode & 0o005 == 0o005


class _Stager:
    """Mirrors folders of modules for everybody to read."""

    def __init__(self, into: Path) -> None:
        self._into = into
        self._mirrors: dict[Path, Path] = {}
        self._copied_bytes = 0
        self._files = 0

    def stage(self, folder: str) -> str:
        """A readable mirror of `folder`."""
        if Path(folder).parent in self._mirrors:
            return str(self._mirrors[Path(folder).parent] / Path(folder).name)
        target = self._into / f"modules-{len(self._mirrors)}"
        self._mirrors[Path(folder)] = target
        for place, names in _module_files(Path(folder)):
            mirror = target / place.relative_to(folder)
            mirror.mkdir(parents=True)
            mirror.chmod(0o755)  # whatever our umask is
            for name in names:
                self._place(place / name, mirror / name)
        return str(target)

    def _place(self, source: Path, target: Path) -> None:
        self._files += 1
        if source.stat().st_mode & stat.S_IROTH:
            try:
                os.link(source, target)
            except OSError:
                pass  # another file system, or links are restricted: copy
            else:
                return
        self._copied_bytes += source.stat().st_size
        if self._copied_bytes > COPY_BUDGET:
            raise SandboxError(
                f"{source.parent} cannot be read by other users and is too large to copy: "
                f"make it readable (chmod o+rX on it and on the folders above it) or install Python elsewhere"
            )
        shutil.copyfile(source, target)
        shutil.copystat(source, target)
        target.chmod(0o644)

    def summary(self) -> str:
        """How much was staged, for the report."""
        return f"{self._files} files staged, {self._copied_bytes >> 20} MiB of them copied"


def _module_files(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder, top first, with the files that an import may want. Tests and the like are left out."""
    for place, folders, files in os.walk(folder):
        left_out = _SKIPPED_FOLDERS | _PACKAGE_FOLDERS if Path(place) == folder else frozenset({"include"})
        folders[:] = [name for name in folders if name not in left_out and not name.startswith("config-")]
        yield Path(place), [name for name in files if not name.endswith((".a", ".h", ".opt-1.pyc", ".opt-2.pyc"))]
