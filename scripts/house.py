"""The rooms of harness/ and who imports whom: the one statement of what is allowed, checked and drawn.

    python scripts/house.py     prints every arrow in words and writes docs/house.svg

Exits 1 on a circle or a forbidden arrow, naming file and line. Every import statement counts: at the top, late in a
function, or for type checkers alone. Names that are loaded by a string (the graded tests, the problems that
assignment.toml names) are no imports. docs/house.md says the same for people.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "house.svg"

#: Loose modules of harness/ and of harness/release, by room. Every other room is a folder.
LOOSE = {
    "harness.cli": "cli",
    "harness.__main__": "cli",
    "harness": "base",
    "harness.errors": "base",
    "harness.environment": "base",
    "harness.terminal": "base",
    "harness.assignment": "base",
    "harness.contradictions": "base",
    "harness.manifest": "base",
    "harness.points": "base",
    "harness.problem": "base",
    "harness.predictions": "base",
    "harness.settings": "base",
    "harness.stream": "base",
}
PARTED = ("problems", "release")  # folders whose own folders are the rooms
STEPS = "release/steps"  # what lies loose in harness/release
REFERENCE = "reference_solution"


@dataclass(frozen=True)
class Room:
    """What a room is for, and what it may import beside itself: rooms, `*` standing for any name, or single modules."""

    told: str
    imports: tuple[str, ...] = ()


#: The rooms from top to bottom: each imports only what stands below it.
ROOMS: Mapping[str, Room] = {
    "tests_basic": Room(
        "graded tests that students also have",
        ("problems/*", "grading.feedback", "grading.student", "probes", "base"),
    ),
    "tests_hidden": Room(
        "graded tests that stay with staff",
        ("problems/*", "grading.feedback", "grading.student", "probes", "base"),
    ),
    "problems/*": Room("its data, answers and checks", ("grading.feedback", "grading.student", "probes", "base")),
    "cli": Room("the commands", ("classroom", "release/steps", "grading", "intake", "sandbox", "base")),
    "classroom": Room("a whole class, regraded", ("grading", "intake", "base")),
    STEPS: Room("the steps of a release", ("release/*", "grading", "intake", "base")),
    "release/handouts": Room("the handouts", ("release/strip", "grading", "base")),
    "release/leaks": Room("what must not get out", ("release/strip", "base")),
    "release/strip": Room("reference into template", ("base",)),
    "grading": Room("an upload becomes results", ("intake", "sandbox", "probes", "base")),
    "intake": Room("an upload is staged and checked", ("base",)),
    "sandbox": Room("runs a probe, returns values", ("base",)),
    "probes": Room("what runs beside student code, and the forms of what it replies"),
    "base": Room("errors, settings, assignment, problem, environment, terminal, keyed stream, predictions files"),
    REFERENCE: Room("the assignment, solved"),
}

#: The folder of the problems holds no code of its own: it is no room.
EMPTY = frozenset({"harness.problems"})


@dataclass(frozen=True, order=True)
class Import:
    """One module that another one imports, and where."""

    source: str
    target: str
    file: str
    line: int
    how: str  # "", "late" or "for types"

    @property
    def rooms(self) -> tuple[str, str]:
        """The rooms at both ends."""
        return room_of(self.source), room_of(self.target)

    def __str__(self) -> str:
        how = f" ({self.how})" if self.how else ""
        return f"{self.file}:{self.line}: {self.source} imports {self.target}{how}"


@dataclass(frozen=True)
class House:
    """All modules by name, and what they import of each other."""

    modules: Mapping[str, Path]
    imports: tuple[Import, ...]

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that there are, from top to bottom: in the order of ROOMS, several of one kind by name."""
        kinds = list(ROOMS)
        found = {room_of(name) for name in self.modules if name not in EMPTY}
        return tuple(sorted(found, key=lambda room: (kinds.index(kind_of(room)), room)))

    def arrows(self) -> Counter[tuple[str, str]]:
        """How many imports go from one room to another."""
        return Counter(each.rooms for each in self.imports if each.rooms[0] != each.rooms[1])

    def forbidden(self) -> list[Import]:
        """Imports against ROOMS."""
        return [each for each in self.imports if not is_allowed(each)]

    def circle(self) -> list[str] | None:
        """Modules, or where these are fine rooms, that import each other in a circle."""
        return circle_in((each.source, each.target) for each in self.imports) or circle_in(
            each.rooms for each in self.imports if each.rooms[0] != each.rooms[1]
        )


def read_house(root: Path = ROOT) -> House:
    """The house as it stands in the checkout at `root`."""
    paths = sorted(path for path in (root / "harness").rglob("*.py") if "__pycache__" not in path.parts)
    modules = {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    for path in sorted((root / REFERENCE / "src" / "submission").glob("*.py")):
        modules[f"{REFERENCE}.{path.stem}"] = path
    found = [each for name, path in modules.items() for each in _imports(root, name, path, modules)]
    return House(modules, tuple(sorted(found)))


def room_of(module: str) -> str:
    """The room that a module belongs to. LookupError, which says what to do, where there is none."""
    if module in LOOSE:
        return LOOSE[module]
    top, *rest = module.split(".")
    if top == REFERENCE:
        return REFERENCE
    inner = "/".join(rest[:2])
    if rest[0] == "problems" or inner in ROOMS or len(rest) > 2:
        return inner if rest[0] in PARTED else rest[0]
    return STEPS if rest[0] == "release" else rest[0]


def kind_of(room: str) -> str:
    """The line of ROOMS that holds for a room. LookupError where there is none."""
    for kind in (room, f"{room.partition('/')[0]}/*"):
        if kind in ROOMS:
            return kind
    raise LookupError(f"harness/{room} is no room of the house: say in scripts/house.py what it may import")


def is_allowed(each: Import) -> bool:
    """Whether ROOMS lets `each` be."""
    here, there = each.rooms
    module = each.target.removeprefix("harness.")
    allowed = ROOMS[kind_of(here)].imports
    return here == there or any(fnmatchcase(there, entry) or module == entry for entry in allowed)


def circle_in(edges: Iterable[tuple[str, str]]) -> list[str] | None:
    """The first circle, from a name back to itself."""
    graph: dict[str, list[str]] = {}
    for source, target in sorted(set(edges)):
        if source != target:
            graph.setdefault(source, []).append(target)
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str] | None:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return None
        found = next((way for other in graph.get(name, ()) if (way := walk(other, [*trail, name]))), None)
        done.add(name)
        return found

    return next((way for name in graph if (way := walk(name, []))), None)


def names_in(path: Path, name: str) -> dict[str, tuple[int, str]]:
    """Everything that the module `name` imports, ours or not, with the line and how; `from a import b` is `a.b`."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    statements = _statements(ast.parse(path.read_text(encoding="utf-8")), "")
    found: dict[str, tuple[int, str]] = {}
    for node, how in statements:
        for target in _targets(node, package):
            found.setdefault(target, (node.lineno, how))
    return found


def _imports(root: Path, name: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Import]:
    shown = path.relative_to(root).as_posix()
    found: dict[str, Import] = {}
    for target, (line, how) in names_in(path, name).items():
        known = target if target in modules else target.rpartition(".")[0]
        if known in modules and known != name:
            found.setdefault(known, Import(name, known, shown, line, how))
    yield from found.values()


def _statements(node: ast.AST, how: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Every import statement below `node`, and how it is made."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, how
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _statements(child, "late")
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from _statements(child, "for types")
        else:
            yield from _statements(child, how)


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Full names of what a statement imports; of `from a import b` it is `a.b`, whatever b is."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    start = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    base = ".".join([*start, *([node.module] if node.module else [])])
    yield from (f"{base}.{alias.name}" for alias in node.names)


# What is printed and drawn.


def in_words(house: House) -> Iterator[str]:
    """A line for each arrow: which modules of one room import which of another."""
    rooms = house.rooms
    for (here, there), count in sorted(house.arrows().items(), key=lambda item: tuple(map(rooms.index, item[0]))):
        between = [each for each in house.imports if each.rooms == (here, there)]
        sources = ", ".join(sorted({each.source.rpartition(".")[2] for each in between}))
        targets = ", ".join(sorted({each.target.rpartition(".")[2] for each in between}))
        late = sum(bool(each.how) for each in between)
        notes = [f"{late} late or for types"] * bool(late)
        yield f"{here} -> {there}: {sources} import {targets} ({', '.join([str(count), *notes])})"


WIDE, HIGH = 232, 40  # a room
RIGHT, DOWN = 66, 56  # from one room to the next
LEFT, TOP = 24, 96
INTO = 20  # from a room's edge to the line that leaves it
COLOURS = {"tests": "#1f5fa8", "problems": "#2f7d32", "release": "#b06000", "cli": "#7a3e9d", "classroom": "#7a3e9d"}
PLAIN, WRONG, INK = "#37474f", "#c62828", "#1c2329"
STYLE = f"""
text {{ font-family: Helvetica, Arial, sans-serif; fill: {INK} }}
.title {{ font-size: 20px; font-weight: bold }}
.note {{ font-size: 13px }}
.room {{ font-size: 14px; font-weight: bold }}
.told {{ font-size: 11px; fill: #5b6770 }}
.count {{ font-size: 10px }}
.into {{ stroke: #aab4bb; stroke-width: 1.4 }}
"""
NOTES = (
    "A line goes down from a room; each dot on it, with a number of imports, leads right into a room that it imports.",
    "Late imports and those for type checkers count. Red is what the rules forbid; a line up the stairs always is.",
)


@dataclass(frozen=True)
class Place:
    """Where a room stands on the stairs."""

    room: str
    x: int
    y: int

    @property
    def colour(self) -> str:
        """Of the lines that leave the room."""
        return COLOURS.get(self.room.partition("/")[0].partition("_")[0], PLAIN)

    @property
    def middle(self) -> int:
        """The height at which lines come in."""
        return self.y + HIGH // 2


def drawn(house: House) -> str:
    """The picture: the rooms as stairs, which lines only ever go down."""
    rooms = [room for room in house.rooms if room != REFERENCE]
    places = {room: Place(room, LEFT + at * RIGHT, TOP + at * DOWN) for at, room in enumerate(rooms)}
    apart = Place(REFERENCE, LEFT, TOP + len(rooms) * DOWN)
    arrows = house.arrows()
    wrong = {each.rooms for each in house.imports if not is_allowed(each)}
    width, height = places[rooms[-1]].x + WIDE + LEFT, apart.y + HIGH + LEFT
    body = [
        f'<text class="title" x="{LEFT}" y="36">The rooms of harness/, and who imports whom</text>',
        *(f'<text class="note" x="{LEFT}" y="{56 + 18 * at}">{escape(note)}</text>' for at, note in enumerate(NOTES)),
        *(line for room in rooms for line in _into(places[room], [places[here] for here, to in arrows if to == room])),
        *(line for room in rooms for line in _out_of(places[room], places, arrows, wrong)),
        *(line for place in [*places.values(), apart] for line in _box(place)),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    about = "<desc>The rooms of harness/ as stairs: each room imports only rooms that stand lower.</desc>"
    paper = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, about, f"<style>{STYLE}</style>", paper, *body, "</svg>", ""])


def _box(place: Place) -> Iterator[str]:
    dashes = ' stroke-dasharray="5 4"' if place.room == REFERENCE else ""
    yield (
        f'<rect x="{place.x}" y="{place.y}" width="{WIDE}" height="{HIGH}" rx="6" fill="#f6f8fa" '
        f'stroke="{place.colour}" stroke-width="1.6"{dashes}/>'
    )
    yield f'<text class="room" x="{place.x + 12}" y="{place.y + 17}">{escape(place.room)}</text>'
    yield f'<text class="told" x="{place.x + 12}" y="{place.y + 32}">{escape(ROOMS[kind_of(place.room)].told)}</text>'


def _into(place: Place, sources: Sequence[Place]) -> Iterator[str]:
    """The line into a room, from the left, with its arrow's head."""
    above = [each.x + INTO for each in sources if each.y < place.y]
    if above:
        yield f'<line class="into" x1="{min(above)}" y1="{place.middle}" x2="{place.x - 7}" y2="{place.middle}"/>'
        yield _head(place.x, place.middle, -8, "#8b979f")


def _out_of(
    place: Place, places: Mapping[str, Place], arrows: Mapping[tuple[str, str], int], wrong: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """The line down from a room, with a dot for each room that it imports; red and on the right where it climbs."""
    there = {to: count for (here, to), count in arrows.items() if here == place.room}
    below = [places[to] for to in there if places[to].y > place.y]
    x = place.x + INTO
    if below:
        lowest = max(each.middle for each in below)
        yield f'<path d="M{x} {place.y + HIGH}V{lowest}" stroke="{place.colour}" stroke-width="1.8" fill="none"/>'
    for other in sorted(below, key=lambda each: each.y):
        colour = WRONG if (place.room, other.room) in wrong else place.colour
        yield f'<circle cx="{x}" cy="{other.middle}" r="4.5" fill="{colour}"/>'
        yield _count(x + 7, other.middle, there[other.room], colour)
    for other in sorted((places[to] for to in there if places[to].y < place.y), key=lambda each: each.y):
        up, edge = place.x + WIDE - INTO, other.x + WIDE
        way = f"M{up} {place.y}V{other.middle}H{edge + 7}"
        yield f'<path d="{way}" stroke="{WRONG}" stroke-width="1.8" stroke-dasharray="6 4" fill="none"/>'
        yield _head(edge, other.middle, 8, WRONG)
        yield _count(up - 14, other.middle, there[other.room], WRONG)


def _count(x: int, middle: int, count: int, colour: str) -> str:
    return f'<text class="count" x="{x}" y="{middle - 5}" style="fill:{colour}">{count}</text>'


def _head(x: int, y: int, back: int, colour: str) -> str:
    return f'<path d="M{x} {y}l{back} -4.5v9z" fill="{colour}"/>'


def main() -> int:
    """Print the arrows and draw them; 1 where one is forbidden or goes in a circle."""
    house = read_house()
    try:
        print("\n".join(in_words(house)))
        wrong = [f"FORBIDDEN {each}" for each in house.forbidden()]
        circle = house.circle()
        PICTURE.write_text(drawn(house), encoding="utf-8")
    except LookupError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    if circle:
        wrong.append(f"CIRCLE {' -> '.join(circle)}")
    print("\n".join(wrong) if wrong else "no circle, and no arrow that the rules forbid")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
