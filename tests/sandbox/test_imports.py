"""The sandbox's modules stand in one order: no circle, late imports and those for type checkers counted."""

from __future__ import annotations

from tests.house.test_arrows import imports, modules

ROOM = "harness.sandbox"


def test_no_circle_of_any_kind_of_import():
    graph = {
        name: {module for module in imports(path) if module in modules() and module not in (ROOM, name)}
        for name, path in modules().items()
        if name.startswith(f"{ROOM}.")
    }
    while ready := {name for name, needed in graph.items() if not needed & graph.keys()}:
        graph = {name: needed for name, needed in graph.items() if name not in ready}
    assert graph == {}
