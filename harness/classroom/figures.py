"""Histograms as inline SVG, the same bytes for the same numbers, in the colours of the page around them.

matplotlib draws with colours that nothing else has; these are then replaced by the page's CSS variables, so that a
figure follows light and dark. Each figure comes with the table of what it shows: no number is in the picture alone.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: What is drawn with which colour, and what the page calls it.
_INK, _BAR, _MARK = "#010203", "#040506", "#070809"
_COLOURS = {_INK: "var(--ink)", _BAR: "var(--bar)", _MARK: "var(--mark)"}


@dataclass(frozen=True)
class Histogram:
    """How many of n values lie between which edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    is_share: bool  #: whether values are fractions, shown as percentages
    threshold: float | None = None

    @property
    def n(self) -> int:
        """How many values."""
        return sum(self.counts)

    @property
    def rows(self) -> list[tuple[str, int]]:
        """Each bin in words, and its count; empty bins at both ends are left out."""
        told = [
            (f"{self.told(low)} to {'' if last else 'below '}{self.told(high)}", count)
            for low, high, count, last in zip(
                self.edges, self.edges[1:], self.counts, [False] * (len(self.counts) - 1) + [True], strict=False
            )
        ]
        filled = [at for at, (_, count) in enumerate(told) if count]
        return told[filled[0] : filled[-1] + 1] if filled else []

    def told(self, value: float) -> str:
        """A value of the axis."""
        return f"{100 * value:.4g}%" if self.is_share else f"{value:.4g}"


def histogram(
    values: Sequence[float], most: float, *, is_share: bool = False, threshold: float | None = None
) -> Histogram:
    """Bin values from 0 to `most`; what lies above widens the last edge. Shares get bins of 5%, or finer near 0."""
    top = max([most, *values, 1e-9])
    step = _step(top)
    count = max(1, math.ceil(top / step - 1e-9))
    counts = [0] * count
    for value in values:
        counts[min(count - 1, max(0, math.floor(value / step + 1e-9)))] += 1
    edges = tuple(round(at * step, 10) for at in range(count + 1))
    return Histogram(edges, tuple(counts), is_share, threshold)


def _step(top: float) -> float:
    """A round width that makes 15 to 40 bins."""
    for power in range(-6, 12):
        for digit in (1, 2, 5):
            if top / (digit * 10.0**power) <= 40:
                return float(digit * 10.0**power)
    return top / 20


def svg(shown: Histogram, name: str, x_label: str) -> str:
    """The picture; `name` is its own on the page, since what is inside refers to itself by ID."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # without pyplot: no window system is asked for, and nothing is global
    from matplotlib.ticker import MaxNLocator

    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}):
        figure = Figure(figsize=(5.2, 2.4), layout="tight")
        axes = figure.add_subplot()
        widths = [high - low for low, high in zip(shown.edges, shown.edges[1:], strict=False)]
        axes.bar(shown.edges[:-1], shown.counts, widths, align="edge", color=_BAR, edgecolor="none", linewidth=0)
        axes.set_xlim(shown.edges[0], shown.edges[-1])
        axes.set_xlabel(x_label, color=_INK)
        axes.set_ylabel(f"uploads (n = {shown.n})", color=_INK)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        if shown.is_share:
            axes.xaxis.set_major_formatter(lambda value, _: shown.told(value))
        if shown.threshold is not None:
            axes.axvline(shown.threshold, color=_MARK, linestyle="--", linewidth=1.6)
        axes.tick_params(colors=_INK)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(_INK)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True)
    return _inline(out.getvalue(), name)


def _inline(text: str, name: str) -> str:
    """The `svg` element alone, with IDs of its own, the page's colours and font, and no size but its proportions."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)  # styles hold for the page
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true" focusable="false">', text
    )
    text = re.sub(r"xlink:href", "href", text)
    text = re.sub(r"font: [^;\"]*", lambda match: match[0].replace("'", ""), text)
    for drawn, shown in _COLOURS.items():
        text = text.replace(drawn, shown)
    return re.sub(r"\s*\n\s*", " ", text).strip()
