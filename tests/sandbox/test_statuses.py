"""Each way in which a run can end is told from the others, by submissions of a few lines."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.sandbox import Limits, Sandbox, SandboxError, Status
from tests.sandbox.support import PROBES, SMALL, needs_linux, needs_root

pytestmark = needs_linux


def test_a_value_comes_back(run):
    reply = run("def attack(x, y): return {'sum': x + y, 'tuple': (1, None, float('nan'))}", x=np.arange(3.0), y=1)
    assert reply.status is Status.RETURNED
    assert reply.value["sum"].tolist() == [1, 2, 3]
    assert reply.value["tuple"][:2] == (1, None)
    assert math.isnan(reply.value["tuple"][2])
    assert reply.error is None


def test_tensors_come_back_as_arrays(run):
    reply = run(
        """
        import torch
        def attack():
            return [torch.ones(2, 3, requires_grad=True) * 2, torch.nn.Parameter(torch.zeros(())), torch.arange(4)[::2],
                    torch.ones(2, dtype=torch.bfloat16), torch.tensor([True]), torch.zeros(0, 5)]
        """
    )
    arrays = reply.value
    assert [(array.dtype.name, array.shape) for array in arrays] == [
        ("float32", (2, 3)), ("float32", ()), ("int64", (2,)), ("float32", (2,)), ("bool", (1,)), ("float32", (0, 5)),
    ]  # fmt: skip
    assert arrays[0].tolist() == [[2, 2, 2], [2, 2, 2]]
    assert arrays[2].tolist() == [0, 2]


def test_the_seed_reproduces_everything_drawn(run):
    text = """
        import random, numpy, torch
        at_import = random.random()
        def attack():
            return [at_import, random.random(), numpy.random.rand(), torch.rand(1), list({str(i) for i in range(50)})]
        """
    first, second, other = run(text, seed=5), run(text, seed=5), run(text, seed=6)
    assert repr(first.value) == repr(second.value)
    assert first.value[:4] != other.value[:4]


def test_an_exception_comes_back_with_its_place_in_the_submission(run):
    reply = run(
        """
        def inner():
            raise ValueError("not like this")

        def attack():
            inner()
        """
    )
    assert reply.status is Status.RAISED
    assert (reply.error.type, reply.error.message) == ("ValueError", "not like this")
    assert [(frame.file, frame.line, frame.function) for frame in reply.error.frames] == [
        ("submission/__init__.py", 6, "attack"),
        ("submission/__init__.py", 3, "inner"),
    ]
    assert reply.error.frames[-1].text == 'raise ValueError("not like this")'


def test_frames_outside_of_the_submission_are_left_out(run):
    reply = run("import torch\ndef attack(): torch.ones(2) @ torch.ones(3)")
    assert [frame.file for frame in reply.error.frames] == ["submission/__init__.py"]


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "BaseException", "GeneratorExit", "StopIteration"])
def test_exceptions_beyond_exception_are_the_submissions_too(run, name):
    assert run(f"def attack(): raise {name}('x')").error.type == name


def test_recursion_without_end_is_an_exception(run):
    reply = run("def attack(): return attack()")
    assert (reply.status, reply.error.type) == (Status.RAISED, "RecursionError")
    assert 1 <= len(reply.error.frames) <= 20


def test_a_syntax_error_names_file_and_line(sandbox, make_tree):
    tree = make_tree("from . import model", model="x = 1\ndef broken(:\n    pass\n")
    reply = sandbox.run(tree, "calls.echo", {}, seed=1, limits=SMALL)
    assert (reply.status, reply.error.type) == (Status.IMPORT_FAILED, "SyntaxError")
    assert (reply.error.frames[-1].file, reply.error.frames[-1].line) == ("submission/model.py", 2)
    assert reply.error.frames[-1].text == "def broken(:"


@pytest.mark.parametrize(
    "line", ["raise SystemExit", "import nothing_of_that_name", "1 / 0", "raise KeyboardInterrupt"]
)
def test_an_import_that_fails_is_told_from_a_probe_that_raises(run, line):
    assert run(f"{line}\ndef attack(): pass").status is Status.IMPORT_FAILED


def test_without_load_nothing_is_imported(sandbox, make_tree):
    reply = sandbox.run(make_tree("raise ValueError"), "calls.names", {}, seed=1, limits=SMALL, load=False)
    assert reply.value == {"names": ["__init__.py"], "imported": False}


@pytest.mark.parametrize(
    "line",
    ["while True: pass", "import time; time.sleep(60)", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"],
)
def test_the_deadline_holds(run, line):
    reply = run(f"def attack():\n    {line}", limits=replace(SMALL, wall_seconds=0.5))
    assert reply.status is Status.TIMED_OUT
    assert "0.5 s" in reply.detail


def test_a_deadline_cannot_be_caught(run):
    reply = run(
        """
        import signal
        def attack():
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            while True:
                try:
                    while True: pass
                except BaseException: pass
        """,
        limits=replace(SMALL, wall_seconds=0.5),
    )
    assert reply.status is Status.TIMED_OUT


def test_cpu_time_is_limited_beside_the_clock(run):
    reply = run("def attack():\n    while True: pass", limits=replace(SMALL, cpu_seconds=1))
    assert reply.status is Status.OUT_OF_CPU
    assert reply.cpu_seconds >= 0.5  # the kernel limits ticks, and reports what it measured


def test_ignoring_the_signal_of_the_cpu_limit_does_not_help(run):
    reply = run(
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\ndef attack():\n    while True: pass",
        limits=replace(SMALL, cpu_seconds=1),
    )
    assert reply.status is Status.OUT_OF_CPU


@pytest.mark.parametrize(
    "line",
    [
        "x = bytearray(1 << 30)",
        "import torch; torch.ones(1 << 28)",
        "import numpy; numpy.ones(1 << 28)",
        "x = []\n    while True: x.append(bytearray(1 << 20))",
        "import mmap; m = mmap.mmap(-1, 1 << 30)",
    ],
)
def test_memory_is_limited(run, line):
    assert run(f"def attack():\n    {line}").status in {Status.OUT_OF_MEMORY, Status.RAISED}


def test_memory_beyond_the_limit_is_named_as_such(run):
    assert run("def attack(): bytearray(1 << 30)").status is Status.OUT_OF_MEMORY
    assert run("import torch\ndef attack(): torch.ones(1 << 28)").status is Status.OUT_OF_MEMORY


def test_memory_within_the_limit_is_there(run):
    reply = run("def attack(): return len(bytearray(100 << 20))", limits=replace(SMALL, memory_bytes=128 << 20))
    assert reply.value == 100 << 20


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("os._exit(0)", "exit code 0"),
        ("os._exit(7)", "exit code 7"),
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
        ("ctypes.string_at(0)", "SIGSEGV"),
    ],
)
def test_a_death_says_how(run, line, said):
    reply = run(f"import os, ctypes\ndef attack(): {line}")
    assert reply.status is Status.DIED
    assert said in reply.detail


def test_a_death_at_import_is_a_death(run):
    assert run("import os; os._exit(0)").status is Status.DIED


@pytest.mark.parametrize(
    "value",
    [
        "object()",
        "{1, 2}",
        "lambda: 1",
        "b'bytes'",
        "__import__('numpy').array([None])",
        "__import__('torch').zeros(1).expand(1 << 40)",
        "__import__('torch').zeros(4).to_sparse()",
        "__import__('torch').zeros(4, device='meta')",
        "[0] * 2_000_000",
        "[[]] * 200_000",
        "'x' * (1 << 27)",
        "10 ** 100",
        "'\\ud800'",
        "(lambda x: (x.append(x), x)[1])([])",
    ],
)
def test_what_cannot_be_sent_is_a_bad_reply(run, value):
    reply = run(f"def attack(): return {value}", limits=replace(SMALL, memory_bytes=1 << 30))
    assert reply.status is Status.BAD_REPLY
    assert reply.value is None


def test_output_is_kept_up_to_its_cap(run):
    reply = run("import sys\ndef attack():\n    print('é' * 10); sys.stderr.write('e' * 100000)")
    assert reply.status is Status.RETURNED
    assert reply.output.startswith("é" * 10 + "\n" + "eee")
    assert reply.output_dropped == 21 + 100_000 - (1 << 16)


def test_output_before_a_death_is_kept(run):
    assert run("import os\ndef attack():\n    print('last words'); os._exit(1)").output == "last words\n"


def test_output_that_is_no_text_is_shown_as_well_as_it_can_be(run):
    reply = run("import os\ndef attack(): os.write(1, bytes([0xff, 0x41]))")
    assert reply.output == "\ufffdA"


def test_usage_is_the_kernels(run):
    reply = run(
        "import time\ndef attack():\n    end = time.process_time() + 0.3\n    while time.process_time() < end: pass"
    )
    assert reply.cpu_seconds >= 0.3
    assert reply.wall_seconds >= 0.3
    assert reply.peak_bytes > 50 << 20


def test_a_probe_that_raises_has_no_frames_of_the_submission(sandbox, make_tree):
    reply = sandbox.run(make_tree(), "calls.broken", {}, seed=1, limits=SMALL)
    assert (reply.status, reply.error.type, reply.error.frames) == (Status.RAISED, "ValueError", ())


@pytest.mark.parametrize("probe", ["calls.missing", "missing.call", "calls", "", "calls.os"])
def test_a_probe_that_is_none_is_a_fault_of_ours(sandbox, make_tree, probe):
    with pytest.raises(SandboxError, match="probe"):
        sandbox.run(make_tree(), probe, {}, seed=1, limits=SMALL)


def test_a_tree_without_submission_is_a_fault_of_ours(sandbox, open_folder):
    with pytest.raises(SandboxError, match="submission"):
        sandbox.run(open_folder, "calls.echo", {}, seed=1, limits=SMALL)


@needs_root
def test_a_tree_that_workers_cannot_reach_is_a_fault_of_ours(sandbox, make_tree):
    tree = make_tree()
    tree.chmod(0o700)
    with pytest.raises(SandboxError, match=f"cannot enter {tree}"):
        sandbox.run(tree, "calls.echo", {}, seed=1, limits=SMALL)


def test_unknown_layers_are_refused(tmp_path):
    with pytest.raises(ValueError, match="sekcomp"):
        Sandbox(tmp_path, probes=PROBES, without=["sekcomp"])


def test_large_arguments_cross(sandbox, make_tree):
    array = np.arange(4 << 20, dtype=np.float32)
    reply = sandbox.run(make_tree(), "calls.echo", {"array": array}, seed=1, limits=Limits())
    assert (reply.value["array"] == array).all()


def test_an_import_of_a_module_that_was_not_loaded_works_in_a_worker(run):
    reply = run(
        """
        def attack():
            import sqlite3, xml.dom.minidom, encodings.cp1252, unittest.mock, decimal, lzma, concurrent.futures.process
            import torch.distributions.kumaraswamy, torch.nn.utils.prune, numpy.polynomial
            return "kumaraswamy" in torch.distributions.kumaraswamy.__name__
        """
    )
    assert reply.value is True


def test_ordinary_student_code_works(run):
    reply = run(
        """
        import os, random, tempfile, threading, math
        from concurrent.futures import ThreadPoolExecutor
        import numpy as np, torch
        from torch.utils.data import DataLoader, TensorDataset

        def attack():
            model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 2))
            for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
                optimiser = kind(model.parameters(), lr=0.01)
                torch.nn.functional.cross_entropy(model(torch.randn(4, 8)), torch.zeros(4, dtype=torch.long)).backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
            torch.save(model.state_dict(), "model.params")
            model.load_state_dict(torch.load("model.params", map_location="cpu"))
            layer = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True)
            layer(torch.randn(2, 3, 8)).sum().backward()
            data = TensorDataset(torch.arange(10.0))
            batches = [batch for (batch,) in DataLoader(data, batch_size=4, num_workers=2, prefetch_factor=4, persistent_workers=True)]
            batches += [batch for (batch,) in DataLoader(data, 4, False, None, None, 3)]
            compiled = torch.compile(model)(torch.randn(1, 8))
            decorated = torch.compile(dynamic=True)(lambda x: x + 1)(1)
            with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
                file.write(os.urandom(10)); os.listdir(folder)
            with ThreadPoolExecutor(4) as pool:
                squares = list(pool.map(lambda x: x * x, range(5)))
            os.makedirs("a/b"); os.rename("a", "c"); open("c/b/f", "w").write("x"); os.listdir("c"); os.symlink("c", "d")
            torch.set_num_threads(2); (torch.randn(300, 300) @ torch.randn(300, 300)).sum().item()
            np.linalg.svd(np.random.rand(20, 20))
            return [len(batches), compiled.shape[1], decorated, squares[-1], os.path.expanduser("~") == os.getcwd()]
        """
    )
    assert reply.error is None
    assert reply.value == [6, 2, 2, 16, True]
