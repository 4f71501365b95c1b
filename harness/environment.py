"""Whether this Python has what a command needs: asked before anything runs, answered in one sentence.

Needs nothing but the standard library, and reads versions from what is installed, so nothing is imported to find out.
What stands first on the path counts, as it does for an import.
"""

from __future__ import annotations

import importlib.util
import operator
import re
import sys
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path

from harness.errors import MissingPackageError, UsageError

__all__ = ["PACKAGES", "MissingPackageError", "UsageError", "check_packages", "complaints"]

#: What every command needs in the grader itself. torch is loaded in the zygote alone, which tells when it is missing.
PACKAGES: tuple[str, ...] = ("numpy", "pytest", "gradescope_utils", "timeout_decorator")
if sys.version_info < (3, 11):
    PACKAGES = (*PACKAGES, "tomli")

#: What a command can run with: the dependency group `students` of pyproject.toml. requirements.txt installs the very
#: versions of the grading machine; others within these bounds do as well.
BOUNDS = """
torch>=2.10
numpy>=1.26
tqdm>=4.66
pytest>=9,<10
gradescope-utils==0.5.0
timeout-decorator==0.5.0
tomli>=2; python_version < "3.11"
"""

Version = tuple[int, ...]

_LINE = re.compile(r"(?P<name>[\w.-]+)\s*(?P<bounds>[^;#]*)(?:;\s*python_version\s*<\s*[\"'](?P<before>[\d.]+)[\"'])?")
_BOUND = re.compile(r"(?P<sign>>=|<=|==|!=|<|>)\s*(?P<version>[\w.]+)")
_HOLDS = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


def check_packages(requirements: Path, *, later: Collection[str] = ()) -> None:
    """Whether this Python has every package of PACKAGES, and all of BOUNDS where a requirements.txt can give them.

    Args:
        requirements: the file that installs them; where there is none, as on the grading machine, versions are pinned.
        later: packages that not every command needs; those that do look for them again.

    Raises:
        MissingPackageError: one is not there.
        UsageError: one is there in another version, as beside an older course's or the system's own.
    """
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise MissingPackageError(name)
    bounds = BOUNDS if requirements.is_file() else ""
    wrong = [said for said in complaints(bounds) if said.partition(" ")[0] not in later]
    if wrong:
        raise UsageError(
            f"{'; '.join(wrong)}: install what is asked for, with "
            f'"{sys.executable}" -m pip install -r "{requirements}", or use the Python in which you have done so'
        )


def complaints(text: str) -> Iterator[str]:
    """What is missing, or here in a version that does not do, of lines such as `name>=1,<2`."""
    for line in text.splitlines():
        found = _LINE.match(line.strip())
        if found is None or (found["before"] and sys.version_info[:2] >= _version(found["before"])):
            continue
        name, bounds = found["name"], found["bounds"].strip()
        here = _installed(name)
        if here is None:
            yield f"{name} is not installed"
        elif here and not _fits(here, bounds):
            yield f"{name} is {here} here, and {bounds} is needed"


def _installed(name: str) -> str | None:
    """The version of a package; empty where it tells none, and None where there is no such package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "" if importlib.util.find_spec(name.replace("-", "_")) else None


def _fits(here: str, bounds: str) -> bool:
    return all(_HOLDS[bound["sign"]](*_even(here, bound["version"])) for bound in _BOUND.finditer(bounds))


def _even(*texts: str) -> tuple[Version, ...]:
    """The versions with zeros behind the shorter ones: 2.10 is 2.10.0."""
    versions = [_version(text) for text in texts]
    longest = max(map(len, versions))
    return tuple(version + (0,) * (longest - len(version)) for version in versions)


def _version(text: str) -> Version:
    """The numbers of a version's release, without what says how it was built: 2.10.0+cpu -> (2, 10, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
