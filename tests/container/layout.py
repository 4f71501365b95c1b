"""What lies where in the container: the image's files and one run's files, each as a tar archive to unpack at /.

Follows the platform's published specification: /autograder/source holds the extracted zip, /autograder/run_autograder is a
copy made when the image is built, submission/ and results/ are made anew for each run.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STAND_IN = Path(__file__).with_name("stand_in.py")

#: The platform's variables that no upload may see. Their values are made up for each run.
TOKEN_VARIABLE = "UPLOAD_TOKEN"

_CANARY = re.compile(r"# canary: [0-9a-f]{16}")


@dataclass(frozen=True)
class Secrets:
    """Texts that must not be found anywhere that a student reads or that an upload has written, by a name for messages."""

    email: str = field(default_factory=lambda: f"secret-{secrets.token_hex(8)}@example.edu")
    token: str = field(default_factory=lambda: f"token-{secrets.token_hex(16)}")
    file: str = field(default_factory=lambda: f"root-only-{secrets.token_hex(16)}")
    answers: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    def by_name(self) -> dict[str, str]:
        """All of them, as the stand-in reads them."""
        answers = {f"answer {index}": answer for index, answer in enumerate(self.answers)}
        marks = {f"staff solution {index}": mark for index, mark in enumerate(self.marks)}
        return {"e-mail": self.email, "upload token": self.token, "root-only file": self.file, **answers, **marks}


def secrets_of(autograder_zip: Path) -> Secrets:
    """Fresh made-up secrets, and those in the zip: some test answers, and the marks in the staff solution."""
    with zipfile.ZipFile(autograder_zip) as zipped:
        gold = zipped.read("data/birth_test.tsv").decode("utf-8").splitlines()
        sources = [zipped.read(name).decode("utf-8") for name in zipped.namelist() if name.endswith(".py")]
    marks = [line.strip() for text in sources for line in text.splitlines() if _CANARY.fullmatch(line.strip())]
    return Secrets(answers=tuple(gold[:: max(1, len(gold) // 40)]), marks=tuple(marks))


def image_files(autograder_zip: Path, archive: Path) -> None:
    """Write the tar of /autograder as it is when the image is built."""
    with zipfile.ZipFile(autograder_zip) as zipped, tarfile.open(archive, "w") as tar:
        for info in zipped.infolist():
            if not info.is_dir():
                executable = (info.external_attr >> 16) & stat.S_IXUSR
                _add(tar, f"autograder/source/{info.filename}", zipped.read(info), 0o755 if executable else 0o644)
        _add(tar, "autograder/run_autograder", zipped.read("run_autograder"), 0o755)


def run_files(submission: Path, known: Secrets, archive: Path) -> None:
    """Write the tar of one run: the upload with its links and pipes as they are, metadata, an empty results folder."""
    with tarfile.open(archive, "w") as tar:
        for folder in ("autograder/results", "autograder/submission"):
            _add_folder(tar, folder)
        for path in sorted(submission.rglob("*")):
            tar.add(path, f"autograder/submission/{path.relative_to(submission)}", recursive=False, filter=_as_root)
        _add(tar, "autograder/submission_metadata.json", json.dumps(_metadata(known)).encode(), 0o644)
        _add(tar, "root/secrets.json", json.dumps(known.by_name()).encode(), 0o600)
        _add(tar, "stand_in.py", STAND_IN.read_bytes(), 0o644)


def _metadata(known: Secrets) -> Mapping[str, object]:
    assignment = {
        "id": 25828,
        "course_id": 1234,
        "title": "PA1",
        "total_points": "64.0",
        "group_size": None,
        "group_submission": False,
        "due_date": "2026-03-01T23:59:00.000000-08:00",
        "late_due_date": None,
    }
    earlier = {"score": 17.0, "tests": [{"name": "earlier", "output": known.email}]}
    return {
        "id": 123456,
        "created_at": "2026-02-28T14:22:32.365935-08:00",
        "assignment_id": 25828,
        "assignment": assignment,
        "submission_method": "upload",
        "users": [{"email": known.email, "id": 1234, "name": "Student User"}],
        "previous_submissions": [
            {
                "submission_time": "2026-02-27T10:00:00.000000-08:00",
                "score": 17.0,
                "autograder_error": False,
                "results": earlier,
            }
        ],
    }


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry)


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
