"""The root file system under the image: a small Debian or Ubuntu made by debootstrap, kept as a tar archive."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.container.commands import run

#: What the platform's own image has and debootstrap's smallest variant lacks.
PACKAGES = "python3-minimal,python3,ca-certificates"


def archive(suite: str, cache: Path) -> Path:
    """The tar archive of `suite`'s root, made (about 40 s, needs root and the distribution's archive) when not in `cache`."""
    wanted = cache / f"{suite}.tar"
    if not wanted.exists():
        folder = Path(tempfile.mkdtemp(prefix=f"{suite}-", dir=cache))
        try:
            run(
                ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, folder],
                log=cache / "debootstrap.log",
            )
            shutil.rmtree(folder / "var/cache/apt/archives")
            folder.chmod(0o755)  # the folder becomes /, through which every user must pass
            _pack(folder, wanted)
        finally:
            shutil.rmtree(folder)
    return wanted


def _pack(folder: Path, wanted: Path) -> None:
    """Into a file of another name first, so that a stop half-way leaves no half archive in the cache."""
    unfinished = wanted.with_suffix(".unfinished")
    run(["tar", "--create", "--numeric-owner", f"--directory={folder}", f"--file={unfinished}", "."])
    unfinished.replace(wanted)
