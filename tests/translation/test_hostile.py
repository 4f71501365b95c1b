"""Attacking translators earn nothing with the graded tests that they attack, and are never an internal error."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judging.court import Court
from tests.translation.support import ASSIGNMENT, FILE, OF_CODE, REFERENCE

#: Code below the reference's, whose functions it replaces; and the graded tests that must fail for it.

EVERY = OF_CODE
DECODING = frozenset({"4b-6-hidden"})
FORWARD = frozenset({"4b-1-basic", "4b-3-hidden", "4b-4-hidden", "4b-5-hidden"})

ATTACKS = {
    "leaves at import": ("import os\nos._exit(0)", EVERY),
    "raises what no one catches": ("raise SystemExit(0)", EVERY),
    "forges a pass": (
        (
            "import os, struct, sys\n"
            "frame = sys._getframe()\n"
            "while frame is not None and not {'call', 'reply'} <= frame.f_locals.keys():\n    frame = frame.f_back\n"
            'head = b\'{"d":[["kind","returned"],["value",true]]}\'\n'
            "if frame is not None:\n"
            "    nonce = bytes.fromhex(frame.f_locals['call'].nonce)\n"
            "    os.write(frame.f_locals['reply'], struct.pack('<4s16sIQ', b'HLD1', nonce, len(head), 0) + head)\n"
            "os._exit(0)"
        ),
        EVERY,
    ),
    "replaces the probes": (
        (
            "import sys\n"
            "for name, module in list(sys.modules.items()):\n"
            "    if name.startswith('harness.probes'):\n"
            "        for each in [each for each in vars(module) if not each.startswith('__')]:\n"
            "            setattr(module, each, lambda *a, **k: True)"
        ),
        EVERY,
    ),
    "answers without computing": (
        "DecoderTransformer.forward = lambda self, tokens, cache=None: torch.zeros(*tokens.shape, self.head.output.weight.size(0))",
        FORWARD,
    ),
    "not a number": (
        "DecoderTransformer.forward = lambda self, tokens, cache=None: torch.full((*tokens.shape, self.head.output.weight.size(0)), torch.nan)",
        FORWARD,
    ),
    "infinite numbers": (
        "perplexity = lambda *a, **k: float('inf')\nnext_word_loss = lambda *a: torch.tensor(float('-inf'))",
        frozenset({"4a-5-hidden", "4c-0-basic", "4c-2-hidden"}),
    ),
    "monstrous rows": ("greedy_decode = lambda model, prompts, limit: [[5] * 10**6 for _ in prompts]", DECODING),
    "negative words": ("greedy_decode = lambda model, prompts, limit: [[-1] * limit for _ in prompts]", DECODING),
    "rows that equal everything": (
        (
            "class Row(list):\n    __eq__ = lambda self, other: True\n    __len__ = lambda self: 3\n"
            "greedy_decode = lambda model, prompts, limit: [Row() for _ in prompts]"
        ),
        DECODING,
    ),
    "a tensor that lies about its shape": (
        (
            "class Lying(torch.Tensor):\n    shape = property(lambda self: (3, 7, 12))\n"
            "Embedding.forward = lambda self, tokens, positions: torch.zeros(2).as_subclass(Lying)"
        ),
        frozenset({"4b-0-basic"}),
    ),
    "a checkpoint of everything": (
        "torch.Tensor.__eq__ = lambda self, other: True\nfrom_checkpoint = lambda path, size, sizes: DecoderTransformer(size, sizes)",
        frozenset({"4c-4-hidden"}),
    ),
    "a training that writes a bomb": (
        (
            "import io, pickle, os\n"
            "class Bomb:\n    __reduce__ = lambda self: (os._exit, (0,))\n"
            "def train(model, examples, recipe, path=None):\n    torch.save({'a': Bomb()}, path)\n    return [0.0]"
        ),
        frozenset({"4c-3-hidden"}),
    ),
}


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    """A court with real workers, for this problem alone."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to the users that workers run as
        Path(folder).chmod(0o711)
        with Court(Path(folder), assignment=ASSIGNMENT) as made:
            yield made


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    return tmp_path


def failed(court: Court, upload: Path, source: str, graded_tests: frozenset[str]) -> set[str]:
    (upload / FILE).write_text(source, encoding="utf-8")
    verdicts = court.judge_upload(upload, sorted(graded_tests), "first")
    return {name for name, verdict in verdicts.items() if verdict.failure}


def test_the_reference_passes_in_workers(court: Court, upload: Path) -> None:
    assert failed(court, upload, REFERENCE, OF_CODE) == set()


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_earns_nothing(court: Court, upload: Path, attack: str) -> None:
    code, graded_tests = ATTACKS[attack]
    assert failed(court, upload, f"{REFERENCE}\n\n{code}\n", graded_tests) == graded_tests


@pytest.mark.slow
def test_an_endless_model_costs_its_own_graded_tests_alone(court: Court, upload: Path) -> None:
    endless = f"{REFERENCE}\n\ndef pair_example(french, english):\n    while True:\n        pass\n"
    assert failed(court, upload, endless, frozenset({"4c-2-hidden", "4c-4-hidden"})) == {"4c-2-hidden"}
