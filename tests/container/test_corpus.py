"""Every attack of tests/hostile, where it matters: `make container-test-all`."""

import pytest

from tests.container import corpus
from tests.container.engine import Machine
from tests.hostile.uploads import attacks

pytestmark = [pytest.mark.container, pytest.mark.all_attacks]

#: Twice the memory of the platform's smallest machine: the tests keep a sandbox of their own beside the grades they run.
MACHINES = {
    "with_landlock": Machine(memory_mib=1536),
    "without_landlock": Machine(landlock=False, memory_mib=1536),
}


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_every_attack_of_the_corpus_is_contained(laboratory, machine, request):
    expression = request.config.getoption("--attacks")
    found, printed = corpus.run(laboratory, machine, expression)
    wrong = [f"{name}: {outcome}" for name, outcome in found.items() if outcome not in ("passed", "skipped")]
    assert not wrong, "\n\n".join(wrong)
    passed = {name for name, outcome in found.items() if outcome == "passed"}
    every = {f"test_an_attack_gains_nothing_and_leaves_nothing[{attack.name}]" for attack in attacks()}
    assert passed if expression else passed >= every, printed[-4000:]
    landlock = [line.split()[-1] for line in printed.splitlines() if "Landlock (ABI" in line]
    assert (landlock == ["0"]) is not machine.landlock, printed[:2000]
