"""A class that never was: records with results as a grade writes them, from the real list of graded tests.

Students differ in ability and graded tests in difficulty, so that item analysis has something to find. Some uploads
bring what real classes bring: internal errors, null results, groups, work set aside, a run before that judged otherwise.
"""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from harness import manifest
from harness.classroom.records import Attempt, Record, State, Submitter
from harness.grading import catalogue
from harness.grading.catalogue import GradedTest

FIRST = ("Ada", "Bo", "Chiara", "Đorđe", "Eun-ji", "Fatima", "Gustav", "Hína", "Ifeoma", "Jun")
LAST = ("Abara", "Bianchi", "Castillo", "Dvořák", "Eriksen", "Fujita", "García", "Haddad", "Ivanova", "O'Neill")
MESSAGES = (
    "hint:     are the masks at the right places?",
    "expected: 128 numbers\nseen:     127 numbers\nhint:     is the block padded?",
    "hint:     does the residual go around the layer norm?",
    'expected: <b>no</b> markup & no "quotes"\nseen:     TypeError: unsupported operand type(s) for +',
)
#: 20 graded tests about predictions and the like, by ID: how many questions they count.
QUESTIONS = 240


@cache
def graded_tests() -> tuple[GradedTest, ...]:
    return catalogue.collect(manifest.load())


def records(count: int, seed: int = 0) -> tuple[Record, ...]:
    """A class of `count` uploads."""
    rng = random.Random(seed)
    hardness = {each.id: rng.gauss(-1.2, 1.2) for each in graded_tests()}
    return tuple(_record(at, hardness, random.Random(f"{seed}:{at}")) for at in range(count))


def _record(at: int, hardness: dict[str, float], rng: random.Random) -> Record:
    ability = rng.gauss(0, 1.3)
    state, reason = State.GRADED, ""
    results: dict[str, Any] | None = grade(ability, hardness, rng)
    previous: dict[str, Any] | None = changed(results, rng) if results and at % 3 else None
    if at % 97 == 13:
        person = f"submission_{216000000 + at}"
        state, reason, results = State.SET_ASIDE, f"{person}: its zip cannot be read, after 3 tries", None
    if at % 101 == 17:
        previous = {"output": "The autograder failed."}
    made = datetime(2026, 10, 2, 8, tzinfo=timezone.utc) + timedelta(minutes=7 * at)
    history = tuple(
        Attempt(made - timedelta(days=day), changed(grade(ability, hardness, rng), rng)) for day in (3, 1) if at % 2
    )
    return Record(
        submission=f"submission_{216000000 + at}",
        pseudonym=f"upload-{(at * 7919) % 99991:05d}",
        submitters=people(at, rng),
        created_at=made,
        state=state,
        reason=reason,
        upload=None,
        results=results,
        previous=previous,
        history=history,
        cpu_seconds=round(rng.uniform(8, 40), 2) if results else None,
        wall_seconds=round(rng.uniform(9, 60), 2) if results else None,
        peak_bytes=rng.randrange(500 << 20, 900 << 20) if results else None,
    )


def people(at: int, rng: random.Random) -> tuple[Submitter, ...]:
    return tuple(
        Submitter(
            f"{rng.choice(FIRST)} {rng.choice(LAST)} {at}{letter}", f"{at:07d}{letter}", f"s{at}{letter}@example.edu"
        )
        for letter in ("ab" if at % 11 == 5 else "a")
    )


def grade(ability: float, hardness: dict[str, float], rng: random.Random) -> dict[str, Any]:
    """A results document."""
    tests = [line(each, ability - hardness[each.id], rng) for each in graded_tests()]
    return {
        "score": sum(each["score"] for each in tests),
        "output": "",
        "extra_data": {
            "release": "2026-autumn",
            "seed": "0",
            "isolation": "gradescope-like root",
            "internal_error": False,
        },
        "tests": tests,
    }


def line(test: GradedTest, margin: float, rng: random.Random) -> dict[str, Any]:
    chance = 1 / (1 + math.exp(-margin))
    outcome = "internal_error" if rng.random() < 0.002 else "pass" if rng.random() < chance else "fail"
    spent = {"seconds": round(rng.expovariate(1.5), 3), "peak_bytes": rng.randrange(250 << 20, 320 << 20)}
    extra: dict[str, Any] = {"outcome": outcome, "spent": spent}
    if "predictions" in test.title.lower() or "%" in test.title:
        correct = round(QUESTIONS * min(1, max(0, rng.gauss(0.1 + 0.25 * chance, 0.1))))
        extra |= {"correct": correct, "total": QUESTIONS}
        extra |= {"provenance": {"asked": 20, "given": 20 if rng.random() > 0.01 else 3, "reading": "float32"}}
    passed = outcome == "pass"
    return {
        "number": test.id,
        "name": test.title,
        "score": test.points if passed else 0.0,
        "max_score": test.points,
        "status": "passed" if passed else "failed",
        "output": "passed" if passed else rng.choice(MESSAGES),
        "visibility": "visible",
        "extra_data": extra,
    }


def changed(results: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The results of a run before, which judged a few graded tests otherwise."""
    tests = [dict(each) for each in results["tests"]]
    for each in rng.sample(tests, rng.choice((0, 0, 1, 2))):
        held = each["status"] == "passed"
        each |= {"status": "failed" if held else "passed", "score": 0.0 if held else each["max_score"]}
        each |= {"output": rng.choice(MESSAGES) if held else "passed"}
        each["extra_data"] = {**each["extra_data"], "outcome": "fail" if held else "pass"}
    return {**results, "score": sum(each["score"] for each in tests), "tests": tests}
