"""What the graded tests of problem 3 have in common: asking the optional file, and judging what it answers.

Promises: an upload without the file fails with one kind sentence and costs nothing else; every answer is checked for
shape and finite numbers before it is used; distances are judged in units of the longest value. Right work fails none of
these checks by chance: the noise of samples is cut off, see `attention`. Students have this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.grading.feedback import Cause, Failure, expect
from harness.grading.student import Student
from harness.probes import exploration
from harness.problems.attention import attention
from harness.problems.attention.attention import Array, Scene
from harness.problems.attention.complexity import Complexity, ComplexityError, read

FILE = "attention_exploration.py"

#: A function of that file, and its keyword arguments.
Call = tuple[str, dict[str, Any]]

#: Largest distances from the wanted value, in units of the longest value.
COPY_TOLERANCE = 2e-3
AVERAGE_TOLERANCE = 5e-3

#: Two directions differ if the cosine of their angle is below this.
LARGEST_COSINE = 0.999


def ask(student: Student, calls: Sequence[Call]) -> list[Array]:
    """What the student's functions return for each call, in one worker: finite float64 arrays of any shape.

    Raises:
        Failure: the file was not uploaded, a function raises, or it answers no finite numbers.
    """
    expect_uploaded(student)
    replied = student.run_apart(exploration.numbers, calls=list(calls))
    answers: list[Array] = replied if isinstance(replied, list) else []
    fits = len(answers) == len(calls)
    expect(fits, "one answer to each call", "something else", hint="return what the docstrings say")
    for (function, _), answer in zip(calls, answers, strict=True):
        number = isinstance(answer, np.ndarray) and answer.dtype == np.float64 and bool(np.isfinite(answer).all())
        expect(
            number, f"{function}: finite numbers", "NaN, infinity or no numbers", hint=f"{function}: what overflows?"
        )
    return answers


def expect_uploaded(student: Student) -> None:
    """A Failure unless the optional file is there; one that is here and cannot be used says why."""
    if FILE in student.submission.present:
        return
    said = [problem.message for problem in student.submission.complaints if problem.file == FILE]
    raise Failure(
        expected=f"{FILE}, an optional file",
        seen=said[0] if said else f"extra credit: there is no {FILE}; nothing else is lost",
        hint="mend what the line above says; no other part waits for this file" if said else "",
        public=True,
        cause=Cause.PROPERTY if said else Cause.WAITS,
    )


def expect_shape(function: str, answer: Array, shape: tuple[int, ...], case: str = "") -> None:
    """A Failure unless the answer has this shape."""
    expect(
        answer.shape == shape,
        f"{function}: an array of shape {shape}",
        f"shape {answer.shape}",
        hint=f"{function} returns what its docstring says",
        case=case,
    )


def shown(scene: Scene) -> str:
    """A scene in a few words."""
    n, d = scene.keys.shape
    return f"{n} keys in {d} dimensions, a = {scene.a}, b = {scene.b}"


# Queries.


def expect_copies(student: Student, scenes: Sequence[Scene]) -> None:
    """A Failure unless copying_query makes attention copy v_a in every scene."""
    queries = ask(student, [("copying_query", {"keys": scene.keys, "j": scene.a}) for scene in scenes])
    for scene, query in zip(scenes, queries, strict=True):
        case = shown(scene).replace("a =", "j =").partition(", b")[0]
        expect_shape("copying_query", query, scene.keys.shape[1:], case)
        found = attention.output(query, scene.keys, scene.values)
        distance = attention.error(found, scene.values[scene.a], scene)
        weight = attention.weights(query, scene.keys)[scene.a]
        expect(
            distance <= COPY_TOLERANCE,
            f"|c - v_j| at most {COPY_TOLERANCE:g} of the longest value",
            f"{distance:.3g} of it; the weight of v_j is {weight:.4f}",
            hint="by how much does the score of k_j exceed each of the others, and how much does eq. 6 need?",
            case=case,
        )


def averaging_calls(function: str, scenes: Sequence[Scene]) -> list[Call]:
    """Calls that ask `function` for the queries of each scene."""
    name = "keys" if function == "averaging_query" else "means"
    return [(function, {name: scene.keys, "a": scene.a, "b": scene.b}) for scene in scenes]


def as_queries(function: str, scenes: Sequence[Scene], answers: Sequence[Array]) -> list[Array]:
    """The answers to these calls as (heads, d) for each scene; a Failure unless their shape is right."""
    heads = 2 if function == "two_queries" else 1
    for scene, answer in zip(scenes, answers, strict=True):
        width = scene.keys.shape[1:]
        expect_shape(function, answer, (heads, *width) if heads > 1 else width, shown(scene))
    return [answer.reshape(heads, -1) for answer in answers]


def expect_average(function: str, scene: Scene, queries: Array, keys: Array) -> None:
    """A Failure unless attention with these queries averages v_a and v_b, in every sample of the keys."""
    found = attention.heads_output(queries, keys, scene.values)
    distance = attention.error(found, attention.average(scene), scene)
    shares = np.mean([attention.weights(query, keys) for query in queries], axis=0)
    first, second = (shares.reshape(-1, shares.shape[-1])[0, place] for place in (scene.a, scene.b))
    expect(
        distance <= AVERAGE_TOLERANCE,
        f"{function}: |c - (v_a + v_b) / 2| at most {AVERAGE_TOLERANCE:g} of the longest value",
        f"{distance:.3g} of it; v_a and v_b get the weights {first:.4f} and {second:.4f}",
        hint=f"{function}: do k_a and k_b score alike, and far above all others?",
        case=shown(scene),
    )


def expect_averages(
    student: Student, function: str, scenes: Sequence[Scene], rng: np.random.Generator, samples: int = 0
) -> list[Array]:
    """A Failure unless `function` averages in every scene: for the keys as they are, or in samples around them."""
    asked = as_queries(function, scenes, ask(student, averaging_calls(function, scenes)))
    for scene, queries in zip(scenes, asked, strict=True):
        keys = attention.noisy_keys(rng, scene.keys, queries, samples) if samples else scene.keys
        expect_average(function, scene, queries, keys)
    return asked


def expect_two_directions(scenes: Sequence[Scene], asked: Sequence[Array]) -> None:
    """A Failure unless the two queries of each scene point in different directions."""
    for scene, (first, second) in zip(scenes, asked, strict=True):
        lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
        expect(
            float(first @ second) <= LARGEST_COSINE * lengths,
            "two_queries: queries of two directions",
            "one direction for both",
            hint="two_queries: with one direction, two heads do what one does",
            case=shown(scene),
        )


# Weights as a function of the stretch.


def weight_calls(function: str, s: Array, cases: Sequence[tuple[float, int]]) -> list[Call]:
    """Calls that ask `function` for the weights at the stretches s, for each (beta, n)."""
    return [(function, {"s": s, "beta": beta, "n": n}) for beta, n in cases]


def as_weights(
    function: str, s: Array, cases: Sequence[tuple[float, int]], answers: Sequence[Array]
) -> list[tuple[Array, float, int]]:
    """The answers to these calls, (samples,) each, with beta and n; a Failure unless their shape is right."""
    for answer, (beta, n) in zip(answers, cases, strict=True):
        expect_shape(function, answer, s.shape, f"{len(s)} stretches, beta = {beta:g}, n = {n}")
    return [(answer, beta, n) for answer, (beta, n) in zip(answers, cases, strict=True)]


# Expressions.


def complexities_of(student: Student, functions: Sequence[str]) -> list[Complexity]:
    """The expressions that these functions return; a Failure where one is none."""
    expect_uploaded(student)
    found: list[str] = student.run_apart(exploration.texts, functions=list(functions))
    complexities = []
    for name, text in zip(functions, found, strict=True):
        try:
            complexities.append(read(text))
        except ComplexityError as problem:
            raise Failure(
                f"{name}: an expression in L, l and m", str(problem), hint=f"{name}: see its docstring"
            ) from problem
    return complexities
