"""Exports as the platform and as people make them, small enough to be made for each test."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

ENTRY = """\
submission_{id}:
  :submitters:
  - :name: {name}
    :sid: '0000000{id}'
    :email: student{id}@example.edu
  :created_at: 2025-01-06 02:52:07.938335000 Z
  :score: 1.0
  :status: processed
  :results:
    score: 1.0
    tests:
    - name: one
      number: '1.10'
      score: 1.0
      max_score: 2.0
      status: failed
      output: 2025-01-06
  :history:
  - :id: 7
    :created_at: 2025-01-05 02:52:07 +0200
    :score: 0.0
    :results:
"""


def metadata(*ids: int, more: str = "") -> str:
    return "---\n" + "".join(ENTRY.format(id=each, name=f"Student No{each}") for each in ids) + more


def gradescope(*ids: int, more: str = "", code: str = "") -> dict[str, str]:
    """The files of an export with these submissions."""
    files = {f"submission_{each}/model.py": code or f"number = {each}\n" for each in ids}
    return {"submission_metadata.yml": metadata(*ids, more=more), **files}


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
