"""The grader in a container like Gradescope's: built, run and looked at from outside.

`make container-test` runs these (as root, on Debian or Ubuntu, after `make release`); a plain `make test` does not. Reading
order: layout.py (what lies in /autograder), engine.py, podman.py and emulation.py (who runs it), stand_in.py (the platform's
part inside), uploads.py (what is graded), trials.py (one grade and all that was seen of it), test_*.py (what must hold).
"""

from __future__ import annotations

import pytest

from harness.assignment import ROOT
from tests.container import borrowed, layout, uploads
from tests.container.commands import CommandFailedError
from tests.container.emulation import Emulation
from tests.container.engine import Engine
from tests.container.podman import Podman
from tests.container.trials import Laboratory

STATE = ROOT / "build" / "container"
AUTOGRADER = ROOT / "dist" / "autograder.zip"
BUILD = ("bash", "-c", "apt-get update && bash /autograder/source/setup.sh")  # as the platform builds an image

_laboratories = pytest.StashKey[list[Laboratory]]()
_remarks = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The switch that makes these tests run, and its settings."""
    group = parser.getgroup("container", "the grader in a container like Gradescope's")
    group.addoption("--container", action="store_true", help="run the container tests (root; several minutes)")
    group.addoption("--all-attacks", action="store_true", help="the whole hostile corpus as well (half an hour more)")
    group.addoption("--attacks", default="", metavar="EXPRESSION", help="of that corpus only these, as pytest's -k")
    group.addoption("--container-engine", choices=["auto", "podman", "emulation"], default="auto")
    group.addoption("--container-suite", default="bookworm", help="Debian or Ubuntu release for debootstrap")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker and make room for what the end of the run reports."""
    config.addinivalue_line("markers", "container: needs a container; run with --container")
    config.addinivalue_line("markers", "all_attacks: the whole hostile corpus; run with --container --all-attacks")
    config.stash[_laboratories] = []
    config.stash[_remarks] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --container, leave out what needs one; without --all-attacks, what takes longest in one."""
    left_out = [name for name in ("container", "all_attacks") if not config.getoption(f"--{name.replace('_', '-')}")]
    wanted = [item for item in items if not any(item.get_closest_marker(name) for name in left_out)]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """podman where it runs, otherwise the emulation; the end of the run says which, and why."""
    wanted, suite = request.config.getoption("--container-engine"), request.config.getoption("--container-suite")
    remarks = request.config.stash[_remarks]
    STATE.mkdir(parents=True, exist_ok=True)
    if wanted != "emulation":
        try:
            found = Podman(STATE, suite)
        except CommandFailedError as problem:
            if wanted == "podman":
                raise
            remarks.append(f"No container engine runs here; a chroot stands in. Reason: {str(problem).splitlines()[0]}")
        else:
            remarks.append(
                f"Engine: podman with runc, limits of memory and processor {'hold' if found.limits else 'do not hold'}."
            )
            return found
    remarks.append("Engine: chroot, setpriv and Docker's seccomp profile; no limits of memory or processor.")
    return Emulation(STATE, suite)


@pytest.fixture(scope="session")
def laboratory(request: pytest.FixtureRequest, engine: Engine) -> Laboratory:
    """The image, built by setup.sh from the released zip, and what was graded in it so far."""
    for needed in (AUTOGRADER, uploads.REFERENCE, uploads.TEMPLATE):
        if not needed.exists():
            pytest.fail(f"{needed} is missing: run `make release` first", pytrace=False)
    files = STATE / "image.tar"
    layout.image_files(AUTOGRADER, files)
    made = Laboratory(engine, engine.build(files, BUILD, borrowed.from_here()), layout.secrets_of(AUTOGRADER), STATE)
    request.config.stash[_laboratories].append(made)
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A line for each grade: what it earned and what it took."""
    for remark in config.stash[_remarks]:
        terminalreporter.write_line(remark)
    for made in config.stash[_laboratories]:
        for line in made.table():
            terminalreporter.write_line(line)
