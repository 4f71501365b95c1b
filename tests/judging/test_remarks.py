"""What costs no point is said all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.tests_hidden.test_part_g import MOVED, test_basis_is_xavier_uniform
from tests.judging.cases import VARIANTS, load
from tests.judging.direct import DirectStudent, load_package

judge: Any = test_basis_is_xavier_uniform
del test_basis_is_xavier_uniform  # a graded test, and none of this module's


@pytest.mark.parametrize(("variant", "remark"), [("basis_moved_to_a_device", MOVED), ("flat_basis", None)])
def test_a_basis_that_a_gpu_would_lose_is_named(tmp_path: Path, variant: str, remark: str | None) -> None:
    package = load_package(load(VARIANTS / f"{variant}.toml").build(tmp_path / "code"))
    for_staff: dict[str, Any] = {}
    judge(DirectStudent(package, 1), for_staff)
    assert for_staff.get("remark") == remark
