"""Small fixed inputs of the basic graded tests. Students have this module: nothing in it is secret."""

from __future__ import annotations

from collections.abc import Mapping

#: A model small enough to build in a millisecond; no two numbers alike, so that a mixed-up pair shows.
SIZES: Mapping[str, int] = {"vocab_size": 40, "block_size": 24, "n_layer": 3, "n_head": 2, "n_embd": 12}

NAMES = (
    ("Ada Quill", "Lisbon"),
    ("Bo Ferrand", "Oslo"),
    ("Chidi Marsh", "Lagos"),
    ("Dunja Okafor", "Zadar"),
    ("Emil Castell", "Vienna"),
    ("Fumi Laszlo", "Kyoto"),
    ("Greta Sandoval", "Lima"),
    ("Hugo Vantongeren", "Ghent"),
)
NAMES_TSV = "".join(f"Where was {name} born?\t{place}\n" for name, place in NAMES)

#: One document per person, and one without a person: long and short ones, each with its facts early on.
DOCUMENTS = [
    *(
        f"{name}. {name.split()[-1]} was born in {place} and wrote about where the rivers of {place} run."
        for name, place in NAMES
    ),
    "Where was it? A short text.",
]


def vanilla_parameters(sizes: Mapping[str, int]) -> int:
    """Number of parameters of a vanilla model: embeddings, blocks, last layer norm, head."""
    v, t, c = sizes["vocab_size"], sizes["block_size"], sizes["n_embd"]
    attention = 4 * (c * c + c)
    mlp = (c * 4 * c + 4 * c) + (4 * c * c + c)
    norms = 2 * 2 * c
    return v * c + t * c + sizes["n_layer"] * (attention + mlp + norms) + 2 * c + c * v
