"""Parameters as tools write them: read the same by run.py and by the probes, or refused with a sentence on the file."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest
import torch

from harness.assignment import ROOT

NAMES = ("pos_emb", "blocks.0.attn.key.weight", "head.weight")


@pytest.fixture(scope="module")
def files():
    """The probe module itself, not its stand-in."""
    return importlib.import_module("harness.probes.files")


@pytest.fixture
def utils(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "reference_solution" / "src"))
    yield importlib.import_module("submission.utils")
    for name in [name for name in sys.modules if name.split(".")[0] == "submission"]:
        del sys.modules[name]


def state() -> dict[str, torch.Tensor]:
    return {name: torch.full((2, 3), float(place)) for place, name in enumerate(NAMES)}


def described(files, content, tmp_path):
    torch.save(content, tmp_path / "a.params")
    return files.state_dicts(tmp_path, ["a.params"])["a.params"]


WRAPPED = {
    "compiled": lambda name: f"_orig_mod.{name}",
    "parallel": lambda name: f"module.{name}",
    "parallel and compiled": lambda name: f"module._orig_mod.{name}",
    "compiled and parallel": lambda name: f"_orig_mod.module.{name}",
    "a compiled block": lambda name: name.replace("blocks.0.", "blocks.0._orig_mod."),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_names_of_wrappers_are_left_away_everywhere(kind, files, utils, tmp_path):
    wrapped = {WRAPPED[kind](name): tensor for name, tensor in state().items()}
    assert described(files, wrapped, tmp_path) == described(files, state(), tmp_path)
    assert list(utils.without_wrappers(wrapped)) == list(NAMES)


def test_run_py_fills_a_model_from_a_compiled_ones_file(utils, tmp_path):
    model, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    torch.save({f"_orig_mod.{name}": tensor for name, tensor in model.state_dict().items()}, tmp_path / "a.params")
    utils.load_params(other, str(tmp_path / "a.params"))
    assert torch.equal(model.weight, other.weight)


def test_a_module_of_ones_own_called_module_keeps_its_name(files, tmp_path):
    own = {**state(), "module.scale": torch.ones(1)}
    assert "module.scale" in described(files, own, tmp_path)["shapes"]


TYPES = (torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.float8_e5m2, torch.int8, torch.bool, torch.complex64)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_numbers_of_any_type_and_without_dimensions_are_read(dtype, files, tmp_path):
    content = {**{name: tensor.to(dtype) for name, tensor in state().items()}, "scale": torch.tensor(1.0).to(dtype)}
    found = described(files, content, tmp_path)
    assert (found["problem"], found["finite"]) == ("", True)
    assert found["shapes"]["scale"] == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float32], ids=str)
def test_nan_is_seen_in_any_type(dtype, files, tmp_path):
    assert described(files, {"a": torch.tensor([float("nan")]).to(dtype)}, tmp_path)["finite"] is False


def test_equal_numbers_of_two_types_are_two_digests(files, tmp_path):
    half = {name: tensor.half() for name, tensor in state().items()}
    bfloat16 = {name: (tensor + 1).bfloat16() for name, tensor in state().items()}
    digests = {described(files, each, tmp_path)["digest"] for each in (state(), half, bfloat16)}
    assert len(digests) == 3


ODD = {
    "sparse": (lambda: torch.eye(3).to_sparse(), "it holds the sparse tensor 'odd': save ordinary ones"),
    "compressed": (lambda: torch.eye(3).to_sparse_csr(), "it holds the sparse tensor 'odd': save ordinary ones"),
    "quantised": (
        lambda: torch.quantize_per_tensor(torch.ones(3), 1.0, 0, torch.qint8),
        "it holds the quantised tensor 'odd': save ordinary ones",
    ),
    "empty": (lambda: torch.ones(3, device="meta"), "it holds the tensor 'odd' without its numbers"),
    "expanded": (lambda: torch.ones(1).expand(10**9), "it holds the tensor 'odd' as a view of fewer numbers"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_array_of_numbers_is_named_and_not_loaded(kind, files, tmp_path):
    make, said = ODD[kind]
    found = described(files, {**state(), "odd": make()}, tmp_path)
    assert found["problem"].startswith(said)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["sparse", "quantised"])
def test_run_py_says_what_it_does_not_like_about_a_file(kind, utils, tmp_path):
    model = torch.nn.Linear(3, 1)
    torch.save({**model.state_dict(), "weight": ODD[kind][0]()}, tmp_path / "a.params")
    with pytest.raises(utils.ParamsError, match="holds 'weight' as a sparse or quantised tensor"):
        utils.load_params(model, str(tmp_path / "a.params"))


def test_the_older_format_is_refused_with_the_line_that_converts_it(files, tmp_path):
    path = tmp_path / "a.params"
    torch.save(state(), path, _use_new_zipfile_serialization=False)
    said = files.state_dicts(tmp_path, ["a.params"])["a.params"]["problem"]
    found = re.search(r"write it anew with python -c (\".*\")$", said)
    assert found is not None
    subprocess.run([sys.executable, "-c", found[1].strip('"')], cwd=tmp_path, check=True)
    assert files.state_dicts(tmp_path, ["a.params"])["a.params"] == described(files, state(), tmp_path)


class Strange:
    """No tensor."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.nn.Linear(2, 2), "it holds more than tensors and numbers, as where a whole model was saved: save model"),
        ({"weight": torch.ones(2), "notes": Strange()}, "it holds more than tensors and numbers"),
        ({"model": {"weight": torch.ones(2)}, "epoch": 3}, "'model' in it is no tensor, so it is no state dict: save"),
        ({"weight": torch.ones(2), "epoch": 3}, "'epoch' in it is no tensor"),
        ([torch.ones(2)], "it holds a list and not a state dict of tensors: save model.state_dict()"),
        (torch.ones(2), "it holds a Tensor and not a state dict of tensors"),
        ({}, "it holds an empty dict and not a state dict of tensors"),
    ],
)
def test_what_is_saved_in_place_of_a_state_dict_is_told(content, said, files, tmp_path):
    assert described(files, content, tmp_path)["problem"].startswith(said)


@pytest.mark.filterwarnings("ignore")
def test_a_program_of_torchscript_is_told_from_a_damaged_file(files, tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "a.params")
    said = files.state_dicts(tmp_path, ["a.params"])["a.params"]["problem"]
    assert said.startswith("it is a program of TorchScript, as torch.jit.save writes it: save model.state_dict()")


def test_what_torch_never_wrote_is_not_said_to_be_older(files, tmp_path):
    (tmp_path / "a.params").write_bytes(b"weights")
    assert "torch before" not in files.state_dicts(tmp_path, ["a.params"])["a.params"]["problem"]
