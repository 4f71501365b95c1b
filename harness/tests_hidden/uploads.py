"""Uploaded params files, as the graded tests about them see them."""

from __future__ import annotations

from typing import Any

from harness.grading.feedback import Failure, expect
from harness.grading.student import Student
from harness.probes import files


def state_dict(student: Student, name: str) -> dict[str, Any]:
    """What probe `files.state_dicts` says of the file; a Failure when it is missing or no state dict."""
    student.file(name)
    found: dict[str, Any] = student.read(files.state_dicts, names=[name])[name]
    if found["problem"]:
        raise Failure(
            expected=f"{name}: a state dict, as torch.save(model.state_dict(), path) writes it",
            seen=f"{name}: {found['problem']}",
            hint="upload the file that train() wrote, unchanged",
            public=True,
        )
    expect(found["finite"] is True, f"{name}: finite numbers", "NaN or infinity", hint="did training diverge?")
    return found


def expect_variant(found: dict[str, Any], name: str, *, perceiver: bool) -> None:
    """A Failure unless the file belongs to the right variant: only a perceiver's holds a basis of shape (1, m, d)."""
    width = _width(found["shapes"])
    basis = [n for n, shape in found["shapes"].items() if _is_basis(n, shape, width)]
    wanted = (
        "a perceiver's state dict, with a basis of shape (1, m, d)"
        if perceiver
        else "a vanilla model's state dict, without a perceiver's basis"
    )
    expect(
        bool(basis) == perceiver and width > 0,
        f"{name}: {wanted}",
        f"tensors {', '.join(list(found['shapes'])[:6])}, ...",
        hint="does --variant reach the function that builds the model?",
    )


def expect_different(first: dict[str, Any], second: dict[str, Any], names: str) -> None:
    """A Failure when two files hold the same numbers."""
    expect(
        first["digest"] != second["digest"],
        f"{names}: different weights",
        "the same",
        hint="finetuning must change and save the model",
    )


def _width(shapes: dict[str, list[int]]) -> int:
    """d, from the token embedding or else the commonest last dimension; 0 when there is no matrix at all."""
    for name, shape in shapes.items():
        if name.endswith("tok_emb.weight") and len(shape) == 2:
            return shape[1]
    lasts = [shape[-1] for shape in shapes.values() if len(shape) >= 2]
    return max(set(lasts), key=lasts.count) if lasts else 0


def _is_basis(name: str, shape: list[int], width: int) -> bool:
    """A (1, m, d) tensor that is not the position embedding, or a matrix (m, d) inside the down block."""
    if len(shape) == 3 and shape[0] == 1 and shape[2] == width:
        return "pos_emb" not in name
    return name.endswith("down_block.C") or (
        name.startswith("down_block.") and len(shape) == 2 and name.count(".") == 1
    )
