"""An ordinary Linux user: no user IDs to give away, so Landlock and seccomp must do, and the report says which it is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox import landlock
from tests.sandbox.support import PROBES, USER, environment, needs_linux, python_for, write_tree

pytestmark = [needs_linux, pytest.mark.slow]

ROOT = Path(__file__).parents[2]

SCRIPT = """
import json, os, sys
from pathlib import Path
from harness.sandbox import Isolation, Limits, Sandbox, SandboxError
home, tree, probes, without = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4].split()
(home / "secret").write_text("secret")
(home / "secret").chmod(0o600)
found = {}
with Sandbox(home / "work", probes=probes, without=without) as sandbox:
    report = sandbox.report()
    found |= {"place": report.place, "ok": report.ok_for_grading, "layers": dict(report.layers), "failures": report.failures}
    arguments = {"function": "attack", "secret": str(home / "secret"), "grader": os.getpid(), "zygote": sandbox.foreign()[0]}
    reply = sandbox.run(tree, "calls.call", arguments, seed=1, limits=Limits(memory_bytes=1 << 28))
    found["modes"] = [oct((home / name).stat().st_mode & 0o777) for name in ("secret", ".")]
    found["honest"] = sandbox.run(tree, "calls.call", {"function": "honest"}, seed=1, limits=Limits()).value
    found |= {"status": reply.status.name, "value": reply.value, "user": os.getuid(), "left": os.listdir(sandbox.folder / "runs")}
try:
    Sandbox(home / "work", probes=probes, without=without, isolation=Isolation.REQUIRED).start()
except SandboxError as problem:
    found["refused"] = str(problem)
print(json.dumps(found))
"""

ATTACK = """
import os, shutil, signal, socket, fcntl, tempfile, torch
def tried(action):
    try: return repr(action())
    except BaseException as problem: return "refused: " + type(problem).__name__
def attack(secret, grader, zygote):
    return {"read": tried(lambda: open(secret).read()), "home": tried(lambda: os.listdir(os.path.dirname(secret))),
            "kill": tried(lambda: os.kill(grader, 0)), "zygote": tried(lambda: os.kill(zygote, 0)),
            "memory": tried(lambda: open(f"/proc/{zygote}/mem")), "environ": tried(lambda: open(f"/proc/{grader}/environ").read()),
            "fork": tried(os.fork), "socket": tried(socket.socket), "large": tried(lambda: bytearray(1 << 30)),
            "write": tried(lambda: open(os.path.join(os.path.dirname(secret), "new"), "w")),
            "tmp": tried(lambda: [open("/tmp/holdout-new", "w"), os.unlink("/tmp/holdout-new")]),
            "owner": tried(lambda: fcntl.fcntl(0, fcntl.F_SETOWN, grader)),
            "mode": tried(lambda: os.chmod(secret, 0o777)), "home's mode": tried(lambda: os.chmod(os.path.dirname(secret), 0o777)),
            "times": tried(lambda: os.utime(secret, (1, 1))), "truncate": tried(lambda: os.truncate(secret, 0)),
            "own code's mode": tried(lambda: by_descriptor(os.fchmod, 0o777)), "own code's times": tried(lambda: by_descriptor(os.utime, (1, 1))),
            "link's mode": tried(lambda: [os.symlink(secret, "link"), os.chmod("link", 0o777)])}
def by_descriptor(change, to):
    with open(__file__) as file: change(file.fileno(), to)
def honest():
    # What ordinary programs do with files of their own.
    torch.save({"w": torch.ones(3)}, "model.params")
    for copy in (shutil.copy, shutil.copy2, shutil.copyfile): copy("model.params", copy.__name__)
    shutil.move("copy2", "moved")
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "nested"))
        shutil.copytree(folder, "tree")
    shutil.make_archive("packed", "zip", "tree")
    shutil.make_archive("packed", "gztar", "tree")
    shutil.unpack_archive("packed.tar.gz", "unpacked")
    import pathlib
    pathlib.Path("moved").touch()
    with open("sparse", "wb") as file: os.posix_fallocate(file.fileno(), 0, 1 << 16)
    return float(torch.load("moved", weights_only=True)["w"].sum())
"""


def as_user(open_folder, without: str = ""):
    home = open_folder / f"home-{without.replace(' ', '-')}"
    home.mkdir(mode=0o700)
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        os.chown(home, USER, USER)
        identity = {"user": USER, "group": USER, "extra_groups": [], "cwd": "/"}
    tree = write_tree(open_folder, ATTACK)
    if identity:
        for path in (tree, tree / "submission", tree / "submission" / "__init__.py"):
            os.chown(path, USER, USER)
    done = subprocess.run(
        [python_for(identity), "-c", SCRIPT, str(home), str(tree), PROBES, without],
        env=environment(), capture_output=True, text=True, check=False, **identity,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_landlock_and_seccomp_stand_in_for_user_ids(open_folder):
    if landlock.abi() < 6:
        pytest.skip("the kernel's Landlock is older than ABI 6")
    found = as_user(open_folder)
    assert (found["place"], found["ok"]) == ("linux user + landlock", False)
    assert found["failures"] == ["a worker runs as the grader's own user"]
    assert found["status"] == "RETURNED"
    assert {name for name, said in found["value"].items() if not said.startswith("refused")} == set()
    assert found["modes"] == ["0o600", "0o700"]
    assert found["honest"] == 3.0
    assert found["left"] == []
    assert "too little isolation" in found["refused"]


def test_without_landlock_it_says_containment_only(open_folder):
    found = as_user(open_folder, "landlock")
    assert found["place"] == "containment only"
    assert found["value"]["read"] == "'secret'"  # and it is honest: this is what that means
    assert found["value"]["fork"].startswith("refused")
    assert found["value"]["kill"].startswith("refused")
    assert found["modes"] == ["0o600", "0o700"]  # this the filter holds alone
    assert "too little isolation" in found["refused"]
