"""Preflight (stub while building)."""
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING
from harness.sandbox.model import IsolationReport
if TYPE_CHECKING:
    from harness.sandbox.sandbox import Sandbox

@dataclass(frozen=True)
class PreflightReport:
    report: IsolationReport

def preflight(sandbox: Sandbox) -> PreflightReport:
    return PreflightReport(IsolationReport("root", {}, "not tried", True))
