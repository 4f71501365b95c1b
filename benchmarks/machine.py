"""Which processor features a figure was measured with, and the processor that most students have.

    python benchmarks/machine.py                    prints the features
    python benchmarks/machine.py --slow COMMAND...  runs a command as on a processor with AVX2 and no more

`--slow` takes AVX-512, AMX and bfloat16 away from PyTorch's kernels, from oneDNN's and from MKL's, whose products of
matrices are most of a training. What it leaves is this machine's own: clock, caches, memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: What each library is told. BFLOAT16=off is the assignment's own switch: see trainer.fast_bfloat16.
SLOW = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "BFLOAT16": "off",
}


def features() -> str:
    """One line: the processor, the features that PyTorch uses of it, and how many cores there are."""
    import torch

    name = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    offered: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    slow = all(os.environ.get(key) == value for key, value in SLOW.items())
    units = [each for each in ("avx512_bf16", "amx_bf16") if offered.get(each)] if not slow else []
    used = f"{torch.backends.cpu.get_cpu_capability()}{', as on a slow machine' if slow else ''}"
    bfloat16 = f"bfloat16 by {' and '.join(units)}" if units else "no bfloat16"
    return f"{name}: {used}, {bfloat16}, {len(os.sched_getaffinity(0))} cores"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def main() -> int:
    """Print, or run the command."""
    if sys.argv[1:2] != ["--slow"]:
        print(features())
        return 0
    if not sys.argv[2:]:
        print("error: no command: python benchmarks/machine.py --slow COMMAND...", file=sys.stderr)
        return 2
    return subprocess.run(sys.argv[2:], env={**os.environ, **SLOW}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
