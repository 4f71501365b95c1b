"""Points shared out in halves, so that they add up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def shared(total: float, weights: Sequence[float]) -> list[float]:
    """`total` points by weight, in halves: each share is as near to its part as can be, and none falls to 0.

    What weighs nothing gets nothing, unless all do: then they count alike. Nothing of 0 points is shared at all.

    Raises:
        ValueError: there are fewer halves than shares, or `total` is no number of halves.
    """
    if not total:
        return [0.0] * len(weights)
    parts = [Fraction(str(each)) for each in (weights if any(weights) else [1] * len(weights))]
    halves = Fraction(str(total)) * 2
    if halves.denominator > 1:
        raise ValueError(f"{total:g} is no number of half points")
    if halves < sum(each > 0 for each in parts) or not parts:
        raise ValueError(f"{total:g} in all is too little for {len(parts)}, which need half a point each")
    wanted = [each * halves / sum(parts) for each in parts]
    found = [max(1, int(each)) if each else 0 for each in wanted]
    while sum(found) != halves:
        up = sum(found) < halves
        movable = [at for at, each in enumerate(found) if (wanted[at] if up else each > 1)]
        at = max(movable, key=lambda at: (wanted[at] - found[at]) * (1 if up else -1))
        found[at] += 1 if up else -1
    return [each / 2 for each in found]
