"""What the queries of problem 3 do, drawn: one picture for each question, from the code that also checks the answers.

Promises: equal queries give equal bytes, with any version of Python; every picture says in words what it shows. Needs
matplotlib, which students may do without: then the words alone are printed. Student code runs in workers, as in grades.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from harness import terminal
from harness.errors import HoldoutError, UsageError
from harness.grading.feedback import Failure
from harness.grading.student import Student
from harness.problems.attention import attention, checks
from harness.problems.attention.attention import Array, Scene

#: Asks for one query or several: (name of the function, keyword arguments) -> its answer.
Ask = Callable[[str, dict[str, Any]], Array]

#: The code that is asked: a `student`, made anew for each question.
Students = AbstractContextManager[Callable[[], Student]]

PARTS = ("3a", "3b", "3c", "3d")
SAMPLES = 4000
BINS = 41  # odd: one half lies in the middle of a bin, and no rounding error decides on which side

_SVG = "http://www.w3.org/2000/svg"
_SYMBOL = re.compile(r"\bv_\w")  # in what a picture says
_STYLE = {
    "svg.hashsalt": "holdout",  # else every picture gets other ids
    "svg.fonttype": "none",  # text stays text
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine sets it alike
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_PLAIN, _MARKED = "#9aa5b1", "#1f5a96"


@dataclass(frozen=True)
class Panel:
    """Bars: the weights of n values, of which some are marked, or shares of samples in equal bins from 0 to 1."""

    title: str
    heights: Array
    marked: tuple[int, ...] = ()  # none: bins


@dataclass(frozen=True)
class Picture:
    """What is drawn for one question, and what it shows in a sentence or two."""

    part: str
    panels: tuple[Panel, ...]
    says: str


def pictures(ask: Ask, parts: Sequence[str] = PARTS) -> Iterator[Picture]:
    """The pictures of these parts, in order; raises what `ask` raises."""
    makers = {"3a": _copying, "3b": _averaging, "3c": _one_head, "3d": _two_heads}
    for part in parts:
        yield makers[part](ask)


def _scene() -> Scene:
    """Six values; unit vectors, so that the output is the weights."""
    return Scene(attention.perpendicular(np.random.default_rng(0), 6, 12), np.eye(6), a=1, b=4)


def _copying(ask: Ask) -> Picture:
    scene = _scene()
    shares = attention.weights(ask("copying_query", {"keys": scene.keys, "j": scene.a}), scene.keys)
    says = f"Weights of six values for one query. The value to copy, v_1, gets {shares[scene.a]:.4f}."
    return Picture("3a", (Panel("one sample", shares, (scene.a,)),), says)


def _averaging(ask: Ask) -> Picture:
    scene = _scene()
    query = ask("averaging_query", {"keys": scene.keys, "a": scene.a, "b": scene.b})
    shares = attention.weights(query, scene.keys)
    first, second = shares[[scene.a, scene.b]]
    says = f"Weights of six values for one query. The values to average, v_1 and v_4, get {first:.4f} and {second:.4f}."
    return Picture("3b", (Panel("one sample", shares, (scene.a, scene.b)),), says)


def _one_head(ask: Ask) -> Picture:
    scene = _scene()
    query = ask("noisy_query", {"means": scene.keys, "a": scene.a, "b": scene.b})
    return _over_samples("3c", "one head", scene, query[None], positive=False)


def _two_heads(ask: Ask) -> Picture:
    scene = _scene()
    queries = ask("two_queries", {"means": scene.keys, "a": scene.a, "b": scene.b})
    return _over_samples("3d", "two heads", scene, queries, positive=True)


def _over_samples(part: str, who: str, scene: Scene, queries: Array, *, positive: bool) -> Picture:
    """How the weight of v_a is distributed over samples of the keys: with noise alone, and with k_a stretched too."""
    rng = np.random.default_rng(1)
    keys = attention.noisy_keys(rng, scene.keys, queries, SAMPLES)
    s = attention.stretches(rng, SAMPLES, positive=positive)
    longer = attention.stretched(keys, scene.keys[scene.a], scene.a, s)
    calm, wild = (attention.heads_output(queries, each, scene.values)[:, scene.a] for each in (keys, longer))
    says = (
        f"How the weight of v_a is distributed over {SAMPLES:,} samples of the keys, for {who}. "
        f"All keys close to their means: {_told(calm)}. The key of v_a stretched: {_told(wild)}."
    )
    return Picture(part, (Panel("keys close to their means", _bins(calm)), Panel("$k_a$ stretched", _bins(wild))), says)


def _bins(found: Array) -> Array:
    counts, _ = np.histogram(np.clip(found, 0, 1), BINS, (0, 1))
    shares: Array = counts / len(found)
    return shares


def _told(found: Array) -> str:
    return f"mean {found.mean():.2f}, variance {found.var():.3f}"


# Drawing.


def svg(picture: Picture) -> str:
    """The picture as an SVG element that can stand alone or in a page, whose ids are its own.

    Raises:
        ModuleNotFoundError: there is no matplotlib.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.4 * len(picture.panels), 2.2), layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(picture.panels), squeeze=False)[0], picture.panels, strict=True):
            _draw(axes, panel)
        into = io.BytesIO()
        figure.savefig(into, format="svg", metadata={"Date": None})
    return _as_element(into.getvalue().decode("utf-8"), picture)


def _draw(axes: Any, panel: Panel) -> None:
    axes.set_title(panel.title)
    axes.set_ylim(0, 1.05)
    if panel.marked:
        places = np.arange(len(panel.heights))
        axes.bar(places, panel.heights, color=[_MARKED if place in panel.marked else _PLAIN for place in places])
        axes.set_xticks(places, [f"$v_{place}$" for place in places])
        axes.set_ylabel("weight")
        return
    edges = np.linspace(0, 1, len(panel.heights) + 1)
    axes.stairs(panel.heights, edges, fill=True, color=_MARKED)
    axes.set_xlabel("weight of $v_a$ in the output")
    axes.set_ylabel("share of samples")
    axes.set_xlim(-0.02, 1.02)


def _as_element(text: str, picture: Picture) -> str:
    """Without prologue and metadata, with a title and a description, and with ids that no other picture has."""
    prefix = f"picture-{picture.part}-"
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", text)
    for name, address in (("", _SVG), ("xlink", "http://www.w3.org/1999/xlink")):
        ET.register_namespace(name, address)
    root = ET.fromstring(text)  # noqa: S314 (made by matplotlib a moment ago)
    for name in ("metadata", "defs"):  # the first defs hold a style sheet, which would reach every drawing of a page
        first = root.find(f"{{{_SVG}}}{name}")
        if first is not None:
            root.remove(first)
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    for place, (kind, words) in enumerate((("title", f"Picture for part {picture.part}"), ("desc", picture.says))):
        element = ET.Element(f"{{{_SVG}}}{kind}", {"id": f"{prefix}{kind}"})
        element.text, element.tail = words, "\n"
        root.insert(place, element)
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}title {prefix}desc")
    return ET.tostring(root, encoding="unicode").strip() + "\n"


# The students' command.


def command(argv: Sequence[str], students: Students, out: Path) -> int:
    """`./run.sh attention_pictures [PART ...]`: draw what the queries of `students` do into the folder `out`."""
    return terminal.run(lambda: _drawn(argv, students, out))


def _drawn(argv: Sequence[str], students: Students, out: Path) -> int:
    parser = argparse.ArgumentParser(prog="./run.sh attention_pictures", description="Draw what your queries do.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (default: all)")
    wanted = parser.parse_args(argv).parts or list(PARTS)
    try:
        if unknown := sorted(set(wanted) - set(PARTS)):
            raise UsageError(f"no picture for {', '.join(unknown)}: choose some of {', '.join(PARTS)}")
        if out.exists() and not out.is_dir():
            raise UsageError(f"{out}: is a file, and the pictures go into a folder of that name; move it away")
        return _command(wanted, students, out)
    except HoldoutError as problem:
        print(f"error: {problem}")
        return problem.exit_code


def for_handout(exploration: Path) -> Mapping[str, Any]:
    """`pictures`: by part, drawn from the reference's queries in the file `exploration`, each with what it says."""
    specification = importlib.util.spec_from_file_location("reference_exploration", exploration)
    if specification is None or specification.loader is None or not exploration.is_file():
        raise UsageError(f"{exploration}: missing; the handout's pictures are drawn from it")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)

    def ask(function: str, case: dict[str, Any]) -> Array:
        return np.asarray(getattr(module, function)(**case), dtype=np.float64)

    return {
        "pictures": {
            drawn.part: {"inline": svg(drawn).strip(), "says": _SYMBOL.sub(r"$\g<0>$", drawn.says)}
            for drawn in pictures(ask)
        }
    }


def _command(wanted: Sequence[str], students: Students, out: Path) -> int:
    with students as student:

        def ask(function: str, case: dict[str, Any]) -> Array:
            return checks.ask(student(), [(function, case)])[0]

        done = [_show(part, ask, out) for part in wanted]
    return 0 if all(done) else 1


def _show(part: str, ask: Ask, out: Path) -> bool:
    """Print what the picture of a part says, and draw it; False, and why, where that cannot be done."""
    try:
        (picture,) = pictures(ask, [part])
    except Failure as failure:
        print(f"{part}: no picture: {failure.seen}")
        return False
    except (ValueError, IndexError) as problem:  # an answer of another shape: the basic tests say more
        print(f"{part}: no picture: {problem}; python grader.py {part} says what is wrong")
        return False
    print(f"{part}: {picture.says}")
    try:
        drawn = svg(picture)
    except ModuleNotFoundError as missing:
        print(f"{part}: not drawn, because {missing.name} is not installed; `pip install matplotlib` adds it")
        return True
    out.mkdir(exist_ok=True)
    (out / f"{part}.svg").write_text(drawn, encoding="utf-8")
    print(f"{part}: drawn in {out / part}.svg, which any browser shows")
    return True
