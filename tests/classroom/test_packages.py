"""What a class needs beside a grade is installed and imported for a class alone."""

from __future__ import annotations

import re
import subprocess
import sys

from harness.assignment import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Of the group `classroom`, as they are imported.
IMPORTED = {"pyyaml": "yaml", "rich": "rich", "distributed": "distributed"}


def members(groups: dict, name: str) -> set[str]:
    found: set[str] = set()
    for entry in groups[name]:
        match = re.match(r"[\w.-]+", entry) if isinstance(entry, str) else None
        found |= {match[0]} if match else members(groups, entry["include-group"])
    return found


def test_students_and_gradescope_install_nothing_for_a_class() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert set(IMPORTED) <= members(groups, "classroom") - members(groups, "grader")
    assert members(groups, "classroom") <= members(groups, "development")
    assert members(groups, "students") <= members(groups, "grader")


def test_the_other_commands_import_nothing_for_a_class() -> None:
    code = f"import sys, harness.cli, harness.grading; print({set(IMPORTED.values())!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
