"""Submissions that answer with something else than the value of a probe. What they say is at most a value, never a verdict."""

from __future__ import annotations

import pytest

from harness.sandbox import Status
from tests.sandbox.support import needs_linux

pytestmark = needs_linux


def test_spraying_every_descriptor_does_not_confuse_us(run):
    for data in (b"\0" * 100, b"HLD1" + b"\xff" * 100, b'{"score": 100}\n'):
        reply = run(
            f"""
            import os
            def attack():
                for n in range(64):
                    try: os.write(n, {data!r})
                    except OSError: pass
                return 1
            """
        )
        assert reply.status is Status.BAD_REPLY
        assert reply.value is None


def test_closing_every_descriptor_is_no_way_out(run):
    reply = run("import os, time\ndef attack():\n    os.closerange(0, 100)\n    time.sleep(30)")
    assert reply.status is Status.BAD_REPLY
    assert run("import os\ndef attack():\n    os.closerange(0, 100)\n    return 1").status is Status.DIED


def test_a_reply_that_breaks_off_is_a_death(run):
    reply = run("import os\ndef attack():\n    os.write(3, b'HLD1'); os._exit(0)")
    assert reply.status is Status.DIED


def test_a_reply_of_any_size_is_refused_before_memory_is_spent(run):
    reply = run(
        """
        import os, struct, sys
        def attack():
            frame = sys._getframe()
            while "call" not in frame.f_locals: frame = frame.f_back
            nonce = bytes.fromhex(frame.f_locals["call"].nonce)
            os.write(3, struct.pack("<4s16sIQ", b"HLD1", nonce, 10, 1 << 60))
        """
    )
    assert reply.status is Status.BAD_REPLY
    assert "more than may cross" in reply.detail


def test_a_forged_reply_is_still_only_a_value(run):
    """A worker may say what it likes; it cannot say it twice, or about itself."""
    reply = run(
        """
        import os, sys
        def attack():
            from harness.sandbox import codec, frames
            frame = sys._getframe()
            while "call" not in frame.f_locals: frame = frame.f_back
            nonce = bytes.fromhex(frame.f_locals["call"].nonce)
            said = {"kind": "returned", "value": "forged"}
            frames.write(3, frames.pack(nonce, *codec.encode(said)) * 2)
            os._exit(0)
        """
    )
    assert (reply.status, reply.value) == (Status.RETURNED, "forged")


@pytest.mark.parametrize(
    "said",
    [
        "1",
        "{}",
        "{'kind': 'returned'}",
        "{'kind': 'returned', 'value': 1, 'status': 'PASS'}",
        "{'kind': 'fault', 'error': 1}",
        "{'fault': 'a fault of yours'}",
        "{'ready': {}}",
        "{'kind': 'raised', 'error': {'type': 1, 'message': '', 'frames': []}}",
        "{'kind': ['raised'], 'error': {'type': '', 'message': '', 'frames': []}}",
        "{'kind': 'raised', 'error': {'type': 'x', 'message': ''}}",
    ],
)
def test_a_forged_message_of_another_shape_is_a_bad_reply_and_no_fault_of_ours(run, said):
    reply = run(
        f"""
        import os, sys
        def attack():
            from harness.sandbox import codec, frames
            frame = sys._getframe()
            while "call" not in frame.f_locals: frame = frame.f_back
            frames.write(3, frames.pack(bytes.fromhex(frame.f_locals["call"].nonce), *codec.encode({said})))
        """
    )
    assert reply.status is Status.BAD_REPLY


def test_forged_frames_show_no_file_outside_of_the_tree(run, open_folder):
    (open_folder / "outside").write_text("secret text")
    reply = run(
        f"""
        import os, sys
        def attack():
            from harness.sandbox import codec, frames
            frame = sys._getframe()
            while "call" not in frame.f_locals: frame = frame.f_back
            places = [["../outside", 1, "f"], [{str(open_folder / "outside")!r}, 1, "f"], ["submission/__init__.py", 2, "f"],
                      ["submission/../../outside", 1, "f"], ["submission/__init__.py\\0", 1, "f"], ["x", -1, "f"], [1, 2, 3], "x"]
            said = {{"kind": "raised", "error": {{"type": "T" * 1000, "message": "m" * 9000, "frames": places * 9}}}}
            frames.write(3, frames.pack(bytes.fromhex(frame.f_locals["call"].nonce), *codec.encode(said)))
        """
    )
    assert reply.status is Status.RAISED
    assert {frame.text for frame in reply.error.frames} == {"", "import os, sys"}
    assert (len(reply.error.type), len(reply.error.message)) == (200, 2000)


LIARS = {
    "str raises": "def __str__(self): raise RuntimeError",
    "str returns no text": "def __str__(self): return 5",
    "str exits": "def __str__(self): import os; raise SystemExit",
    "str is endless": "def __str__(self): return 'x' * (1 << 24)",
    "str recurses": "def __str__(self): return str(self)",
    "class lies": "__class__ = property(lambda self: 1 / 0)",
    "traceback lies": "__traceback__ = property(lambda self: 1 / 0)",
    "name lies": "__name__ = property(lambda self: 1 / 0); __qualname__ = '\\ud800' * 5",
    "attributes raise": "def __getattribute__(self, name): raise SystemExit",
    "repr raises": "def __repr__(self): raise MemoryError",
}


@pytest.mark.parametrize("name", LIARS)
@pytest.mark.parametrize("base", ["Exception", "SyntaxError"])
def test_an_exception_that_lies_about_itself_is_still_an_exception(run, name, base):
    reply = run(f"class Liar({base}):\n    {LIARS[name]}\ndef attack(): raise Liar('x')")
    assert reply.status is Status.RAISED
    assert reply.error.type == "Liar"
    assert len(reply.error.message) <= 2000


def test_a_metaclass_that_lies_is_still_described(run):
    reply = run(
        """
        class Meta(type):
            __name__ = property(lambda cls: 1 / 0)
            def __instancecheck__(cls, other): raise SystemExit
            def __getattribute__(cls, name): raise SystemExit
        class Liar(Exception, metaclass=Meta): pass
        def attack(): raise Liar("x")
        """
    )
    assert (reply.status, reply.error.type) == (Status.RAISED, "Liar")


def test_a_tensor_subclass_that_lies_is_sent_as_what_it_holds(run):
    reply = run(
        """
        import torch
        class Liar(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None): return "forged"
            def numpy(self): return "forged"
            def detach(self): return "forged"
            def __array__(self, *_): return "forged"
            shape = property(lambda self: (9, 9))
        def attack(): return torch.arange(3.0).as_subclass(Liar)
        """
    )
    assert reply.value.tolist() == [0, 1, 2]
