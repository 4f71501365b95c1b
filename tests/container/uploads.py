"""The uploads that are graded in the container: honest ones, and small attacks laid over them, each in a folder.

An attack over the template can earn nothing, whatever it does. One over the reference earns at most what the reference
does; how much is left of that is the attacker's own loss.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.assignment import ROOT
from harness.manifest import load

REFERENCE = ROOT / "build" / "reference_upload"
SOLUTION = ROOT / "reference_solution" / "src" / "submission"
TEMPLATE = ROOT / "student_template" / "src" / "submission"
ATTACKS = Path(__file__).with_name("hostile")

RUN = "/autograder/run_autograder"
MANIFEST = "/autograder/source/assignment.toml"

#: What a bomb expands to. Its zip is a thousandth of that.
BOMB_MIB = 1600

#: A pickle that runs a command.
_COMMAND = b"cos\nsystem\n(S'touch /tmp/unpickled'\ntR."


@dataclass(frozen=True)
class Upload:
    """An upload by name: the folder it starts from, and what is changed in a copy of it."""

    name: str
    base: Path | None
    change: Callable[[Path], None] = lambda folder: None
    cpu_seconds: int | None = None
    """A probe's limit in place of the manifest's, so that what uses it up does not take a minute."""

    @property
    def command(self) -> tuple[str, ...]:
        """What runs in the place of the platform's start."""
        if self.cpu_seconds is None:
            return (RUN,)
        limit = f"sed -i 's/^cpu_seconds = .*/cpu_seconds = {self.cpu_seconds}/' {MANIFEST}"
        # Afterwards the file is as it was: what differs from before the run counts as written by the attack.
        run = f"cp -p {MANIFEST} {MANIFEST}.kept && {limit} && {RUN}"
        return ("/bin/bash", "-c", f"{run}; status=$?; mv {MANIFEST}.kept {MANIFEST}; exit $status")

    @property
    def over_template(self) -> bool:
        """Whether nothing in it deserves a point."""
        return self.base != REFERENCE

    def make(self, folder: Path) -> Path:
        """Write the upload into `folder`, which exists and is empty; returns it."""
        for deliverable in load().uploads:
            # Training makes no optional files: the reference's come from where the rest of its code came from.
            for source in [self.base, SOLUTION] if self.base == REFERENCE else [self.base]:
                if source is not None and (source / deliverable.name).is_file():
                    shutil.copyfile(source / deliverable.name, folder / deliverable.name)
                    break
        self.change(folder)
        return folder


def code(name: str, base: Path, cpu_seconds: int | None = None) -> Upload:
    """The attack hostile/NAME.py, run when the package is imported, after the honest part of __init__.py."""

    def append(folder: Path) -> None:
        with (folder / "__init__.py").open("a", encoding="utf-8") as package:
            package.write("\n\n" + (ATTACKS / f"{name}.py").read_text(encoding="utf-8"))

    return Upload(name, base, append, cpu_seconds)


def _link_files(folder: Path) -> None:
    """Links to the answers in the place of predictions and code, a pipe, a folder, a link to itself."""
    for split in ("dev", "test"):
        for model in ("vanilla.nopretrain", "vanilla.pretrain", "perceiver.pretrain"):
            (folder / f"{model}.{split}.predictions").symlink_to(f"/autograder/source/data/birth_{split}.tsv")
    for name, target in (("utils.py", "/autograder/submission_metadata.json"), ("notes.py", "/root/secrets.json")):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    (folder / "vanilla.model.params").symlink_to("vanilla.model.params")
    os.mkfifo(folder / "vanilla.finetune.params")
    (folder / "perceiver.pretrain.params").mkdir()
    (folder / "perceiver.finetune.params").symlink_to("/autograder", target_is_directory=True)


def _shadow_modules(folder: Path) -> None:
    """Files that Python or pytest would load by their names, were the upload on their path: each forges and prints."""
    attack = (ATTACKS / "forge_results.py").read_text(encoding="utf-8")
    names = (
        "conftest",
        "sitecustomize",
        "usercustomize",
        "pytest",
        "json",
        "torch",
        "numpy",
        "random",
        "harness",
        "ast",
    )
    for name in names:
        (folder / f"{name}.py").write_text(attack, encoding="utf-8")
    for package in ("harness", "submission", "_pytest", "tests"):
        (folder / package).mkdir()
        for module in ("__init__", "__main__", "results", "session", "conftest"):
            (folder / package / f"{module}.py").write_text(attack, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p conftest --co\npython_files = *.py\n", encoding="utf-8")
    (folder / "evil.pth").write_text("import conftest\n", encoding="utf-8")


def _monstrous_params(folder: Path) -> None:
    """Params that expand a thousandfold, run a command when unpickled, or stop in the middle."""
    for name in ("vanilla.model.params", "vanilla.pretrain.params"):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", _COMMAND)
            archive.writestr("archive/version", b"3\n")
            _add_bomb(archive, "archive/data/0")
    (folder / "vanilla.finetune.params").write_bytes(_COMMAND)
    whole = (folder / "perceiver.pretrain.params").read_bytes()
    (folder / "perceiver.pretrain.params").write_bytes(whole[: len(whole) // 2])
    (folder / "perceiver.finetune.params").write_bytes(b"")


def _wicked_zip(folder: Path) -> None:
    """One wrapping zip, as staff accept it, with names that climb out, links, and a bomb."""
    with zipfile.ZipFile(folder / "upload.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(TEMPLATE.glob("*.py")):
            archive.write(path, path.name)
        for name in (
            "../results/results.json",
            "/autograder/results/results.json",
            "..\\..\\tmp\\slip",
            "../../tmp/slip",
        ):
            archive.writestr(name, '{"score": 64}')
        link = zipfile.ZipInfo("vanilla.pretrain.test.predictions")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/autograder/source/data/birth_test.tsv")
        _add_bomb(archive, "vanilla.pretrain.params")


def _add_bomb(archive: zipfile.ZipFile, name: str) -> None:
    with archive.open(name, "w", force_zip64=True) as bomb:
        for _ in range(BOMB_MIB):
            bomb.write(bytes(1 << 20))


HONEST = {
    "reference": Upload("reference", REFERENCE),
    "template": Upload("template", TEMPLATE),
    "empty": Upload("empty", None),
}

HOSTILE = (
    *(code(name, TEMPLATE) for name in ("forge_results", "read_secrets", "patch_judges", "lie_about_values")),
    *(code(name, REFERENCE) for name in ("exit_at_import", "stay_behind", "kill_others", "call_home", "multiply")),
    *(code(name, REFERENCE) for name in ("flood_output", "hoard_memory")),
    code("never_return", REFERENCE, cpu_seconds=10),
    Upload("linked_files", TEMPLATE, _link_files),
    Upload("shadow_modules", TEMPLATE, _shadow_modules),
    Upload("monstrous_params", REFERENCE, _monstrous_params),
    Upload("wicked_zip", None, _wicked_zip),
)
