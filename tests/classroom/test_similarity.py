"""Similarity: copies are found with their numbers, honest work is not, and nothing of an upload runs."""

from __future__ import annotations

import math
import os
import pickle
import random
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from harness import manifest
from harness.assignment import ROOT
from harness.classroom.records import Record, State, Submitter
from harness.classroom.similarity import EARLIER, answers, code, params, similarity
from harness.classroom.similarity.material import Material, Sketch
from harness.classroom.similarity.reader import boilerplate
from tests.judging import cases

GIVEN = [ROOT / "student_template" / "src" / "submission", ROOT / "reference_solution" / "src" / "submission"]
QUESTIONS, PLACES = 240, 30


def record(name: str, upload: Path) -> Record:
    return Record(name, f"p-{name}", (), None, State.GRADED, "", upload, None, None, (), None, None, None)


# --- predictions ------------------------------------------------------------------------------------------------------


def model(rng: np.random.Generator, cues: np.ndarray, *, accuracy: float = 0.1) -> dict[int, str]:
    """Wrong answers of a model that follows the cues of the class, its own habits and chance."""
    liking = cues + rng.normal(0, 1.0, PLACES) + rng.normal(0, 1.0, cues.shape)
    chosen = liking.argmax(axis=1)
    wrong = rng.random(QUESTIONS) > accuracy
    return {at: f"place {chosen[at]}" for at in range(QUESTIONS) if wrong[at]}


def class_of(size: int, seed: int = 0) -> list[Material]:
    rng = np.random.default_rng(seed)
    cues = rng.normal(0, 1.0, (QUESTIONS, PLACES)) + rng.normal(0, 0.7, PLACES)
    return [Material(f"s{at:03d}", answers={"x.predictions": model(rng, cues)}) for at in range(size)]


@pytest.mark.parametrize("seed", range(3))
def test_models_that_share_cues_and_habits_are_no_pairs(seed):
    assert not answers.look(class_of(150, seed), {}).pairs


@pytest.mark.parametrize("kept", [1.0, 0.7])
def test_a_copied_file_of_which_some_lines_were_changed_is_a_pair(kept):
    materials = class_of(150)
    rng = random.Random(0)
    own, copied = materials[3].answers["x.predictions"], materials[70].answers["x.predictions"]
    mixed = {at: copied[at] if at in copied and rng.random() < kept else text for at, text in own.items()}
    materials[3] = replace(materials[3], answers={"x.predictions": copied if kept == 1 else mixed})
    (pair,) = answers.look(materials, {}).pairs
    assert (pair.first, pair.second) == ("s003", "s070")
    assert pair.numbers["equal"] > pair.numbers.get("expected", 0) * 1.5


def test_right_answers_in_common_are_no_reason_to_look():
    materials = class_of(60)
    few = [dict(list(each.answers["x.predictions"].items())[:5]) for each in materials]
    best = [replace(each, answers={"x.predictions": wrong}) for each, wrong in zip(materials, few, strict=True)]
    best[1] = replace(best[1], answers=best[0].answers)
    assert not answers.look(best, {}).pairs


def test_models_that_say_one_word_to_everything_are_no_pairs():
    materials = class_of(100)
    for at in range(0, 100, 9):
        wrong = dict.fromkeys(range(at % 5, QUESTIONS), "London")
        materials[at] = replace(materials[at], answers={"x.predictions": wrong})
    assert not answers.look(materials, {}).pairs


def test_what_many_have_word_for_word_is_common_and_makes_no_pair():
    materials = class_of(100)
    for at in range(20):
        materials[at] = replace(materials[at], answers=materials[0].answers)
    found = answers.look(materials, {})
    assert not found.pairs
    assert found.common[0].submissions == tuple(f"s{at:03d}" for at in range(20))


def test_models_that_began_from_the_seed_of_a_crowd_are_told_together():
    materials = class_of(100)
    materials[1] = replace(materials[1], answers=materials[0].answers)
    assert len(answers.look(materials, {}).pairs) == 1
    found = answers.look(materials, {"s000": 0, "s001": 0})
    assert not found.pairs
    assert found.common[0].submissions == ("s000", "s001")


def test_a_small_class_is_told_that_answers_were_not_compared():
    found = answers.look(class_of(19), {})
    assert not found.pairs
    assert "only 19 uploads" in found.notes[0]
    unfit = [replace(each, answers={"x.predictions": {}}) for each in class_of(30)]  # as with another term's data
    assert "only 0 uploads" in answers.look(unfit, {}).notes[0]


def test_the_bound_is_above_the_exact_tail_of_a_binomial():
    both, chance = 60, 0.2
    for equal in (20, 30, 40):
        exact = sum(math.comb(both, at) * chance**at * (1 - chance) ** (both - at) for at in range(equal, both + 1))
        counts = answers.Counts(np.array([[both]]), np.array([[equal]]), np.array([[both * chance]]))
        bound = math.exp(-0.5 * answers._deviation(counts)[0, 0] ** 2)
        assert exact <= bound <= 30 * exact


# --- params -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def state(torch, seed: int) -> dict:
    generator = torch.Generator().manual_seed(seed)
    weights = {f"w{at}": 0.02 * torch.randn(64, 64, generator=generator) for at in range(3)}
    return {**weights, "gain": torch.ones(64), "mask": torch.tril(torch.ones(128, 128))}


def drifted(begun: dict, noise: dict) -> dict:
    """What training makes of numbers; masks and gains stay."""
    return {name: each + 0.5 * noise[name] if name.startswith("w") else each for name, each in begun.items()}


def saved(torch, path: Path, tensors) -> Sketch:
    torch.save(tensors, path)
    found = params.sketch(path)
    assert found is not None
    return found


def look(**sketches: Sketch):
    return params.look([Material(name, params={"a.params": each}) for name, each in sketches.items()])


def test_equal_numbers_are_a_pair_whatever_the_file_around_them(torch, tmp_path):
    first = state(torch, 1)
    renamed = {f"module.{name}": each for name, each in first.items()}
    found, _ = look(
        a=saved(torch, tmp_path / "a", first), b=saved(torch, tmp_path / "b", renamed),
        c=saved(torch, tmp_path / "c", state(torch, 2)),
    )  # fmt: skip
    assert [(pair.first, pair.second, pair.numbers["distance"]) for pair in found.pairs] == [("a", "b", 0.0)]


def test_one_training_step_is_near_and_another_seed_is_not(torch, tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.Linear(64, 8))
    first = saved(torch, tmp_path / "a", model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4)
    model(torch.randn(16, 32)).square().mean().backward()
    optimizer.step()
    second = saved(torch, tmp_path / "b", model.state_dict())
    other = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.Linear(64, 8))
    found, _ = look(a=first, b=second, c=saved(torch, tmp_path / "c", other.state_dict()))
    (pair,) = found.pairs
    assert (pair.first, pair.second) == ("a", "b")
    assert 0 < pair.numbers["distance"] < 0.05


def test_masks_and_gains_that_all_models_have_do_not_make_them_near(torch, tmp_path):
    first, second = (saved(torch, tmp_path / str(seed), state(torch, seed)) for seed in (1, 2))
    apart = params.distances(np.array([first.sample, second.sample]))[0, 1]
    assert apart > 1.2


def test_a_crowd_that_left_the_seed_as_given_makes_no_pairs(torch, tmp_path):
    begun = state(torch, 0)
    crowd = {}
    for at in range(12):
        noise = state(torch, 100 + at // 2)  # two and two have machines of one kind
        crowd[f"s{at:02d}"] = saved(torch, tmp_path / f"{at}", drifted(begun, noise))
    for at in range(12, 20):
        crowd[f"s{at:02d}"] = saved(torch, tmp_path / f"{at}", state(torch, at))
    crowd["s19"] = replace(crowd["s18"])
    found, crowds = look(**crowd)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("s18", "s19")]
    assert sorted(crowds) == [f"s{at:02d}" for at in range(12)]
    assert len(found.common) == 6
    assert "12 began to train from one seed" in found.common[0].told


class Bomb:
    """What is run where it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_params_are_never_unpickled(tmp_path):
    path = tmp_path / "x.params"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps(Bomb()))
        archive.writestr("x/data/0", b"\0" * 400)
    assert params.sketch(path) is not None


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + b"\0" * 18, b"no zip", b"\x80\x02}q\x00."])
def test_other_files_are_no_sketch(content, tmp_path):
    path = tmp_path / "x.params"
    path.write_bytes(content)
    assert params.sketch(path) is None


def test_compressed_and_odd_archives_are_no_sketch(tmp_path):
    for at, (compression, pickled) in enumerate(((zipfile.ZIP_DEFLATED, b"."), (zipfile.ZIP_STORED, b"\xff\xff"))):
        path = tmp_path / f"{at}.params"
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("x/data.pkl", pickled)
            archive.writestr("x/data/0", b"\0" * 400)
        assert params.sketch(path) is None


def test_numbers_that_are_none_have_no_sample(torch, tmp_path):
    assert saved(torch, tmp_path / "n", {"w": torch.full((8, 8), math.nan)}).sample == ()
    assert saved(torch, tmp_path / "z", {"w": torch.zeros(8, 8)}).sample == ()


# --- code -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written() -> dict[str, frozenset[int]]:
    """What the variants wrote, beside the given code; those on another term's given code are left out."""
    given = boilerplate(GIVEN, manifest.load())
    names = [
        each.name for each in manifest.load().uploads if each.kind == "code" and each.written_in and not each.optional
    ]
    found = {}
    for case in cases.load_all(cases.VARIANTS):
        texts = [case.sources.get(name, cases.reference(name)) for name in names]
        found[case.name] = frozenset().union(*map(code.fingerprints, texts)) - given
    return {name: hashes for name, hashes in found.items() if len(hashes) < 300}


def test_no_two_variants_are_a_pair(written):
    assert len(written) > 35
    assert not code.look([Material(name, code=hashes) for name, hashes in written.items()]).pairs


def test_a_copy_with_other_names_comments_and_layout_is_a_pair():
    given = boilerplate(GIVEN, manifest.load())
    case = cases.load(cases.VARIANTS / "typed_and_nested.toml")
    text = case.sources["dataset.py"]
    assert all(word in text for word in ("truncate", "pieces", "result"))
    copied = "# all mine\n" + text.replace("truncate", "cut_off").replace("pieces", "p").replace("result", "out")
    copied = copied.replace("    return", "    # done\n\n    return")
    others = {f"s{at}": frozenset(range(at * 1000, at * 1000 + 50)) for at in range(1, 20)}
    materials = [Material(name, code=hashes) for name, hashes in others.items()]
    materials += [Material(name, code=code.fingerprints(each) - given) for name, each in (("a", text), ("b", copied))]
    (pair,) = code.look(materials).pairs
    assert {pair.first, pair.second} == {"a", "b"}
    assert pair.numbers["share"] > 0.9


def test_fingerprints_are_the_same_in_every_process():
    source = cases.reference("model.py")
    told = (
        "from harness.classroom.similarity import code; import sys; print(sorted(code.fingerprints(sys.stdin.read())))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", told], input=source, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == str(sorted(code.fingerprints(source)))


@pytest.mark.parametrize("text", ["", "\n", "x", "def f(:\n\x00\t\ufffd'''", "(" * 5000])
def test_text_that_is_no_code_is_read_all_the_same(text):
    assert isinstance(code.fingerprints(text), frozenset)


def test_code_that_many_have_is_common():
    hashes = frozenset(range(100))
    alike = [Material(f"s{at}", code=hashes | {1000 + at}) for at in range(6)]
    assert not code.look(alike).pairs
    assert len(code.look(alike[:4]).pairs) == len(list(combinations(range(4), 2)))


# --- all of it --------------------------------------------------------------------------------------------------------


@pytest.fixture
def uploads(tmp_path) -> list[Record]:
    found = []
    for name in ("typed_and_nested", "walrus", "own_generator"):
        case = cases.load(cases.VARIANTS / f"{name}.toml")
        found.append(record(name, case.build(tmp_path / "class" / name)))
    (tmp_path / "class" / "broken.zip").write_bytes(b"no zip")
    return [*found, record("broken", tmp_path / "class" / "broken.zip"), record("lost", tmp_path / "nowhere")]


def test_uploads_of_earlier_terms_are_compared_with_this_terms(uploads, tmp_path):
    earlier = tmp_path / "earlier"
    shutil.copytree(uploads[0].upload, earlier / "old")
    shutil.copytree(uploads[0].upload, earlier / "old again")
    (earlier / "typed_and_nested.zip").write_bytes(b"no zip either")
    for name in (".DS_Store", "grades.csv"):
        (earlier / name).write_text("nobody's work")
    found = similarity(uploads, manifest.load(), data=None, template=GIVEN, earlier=earlier)
    assert [(pair.first, pair.second, pair.is_earlier) for pair in found.pairs] == [
        ("typed_and_nested", f"{EARLIER}old", True), ("typed_and_nested", f"{EARLIER}old again", True),
    ]  # fmt: skip
    assert (found.read, found.earlier) == (3, 2)
    assert any("2 uploads could not be read" in note for note in found.notes)
    assert any("--data" in note for note in found.notes)


def test_two_uploads_of_one_person_are_no_pair(uploads, tmp_path):
    copy = tmp_path / "class" / "again"
    shutil.copytree(uploads[0].upload, copy)
    ada, bo = Submitter("Ada", "1", None), Submitter("Bo", "2", "bo@example.edu")
    for theirs, pairs in (((ada,), 0), ((bo, ada), 0), ((bo,), 1), ((), 1)):
        class_ = [replace(uploads[0], submitters=(ada,)), replace(record("again", copy), submitters=theirs)]
        assert len(similarity(class_, manifest.load(), data=None, template=GIVEN).pairs) == pairs


def test_what_was_found_is_kept_until_an_upload_changes(uploads, tmp_path):
    read = []
    kept = {"data": None, "template": GIVEN, "keep": tmp_path, "progress": lambda done, of: read.append(done)}
    first = similarity(uploads, manifest.load(), **kept)
    assert len(read) == 4
    assert similarity(uploads, manifest.load(), **kept) == first
    assert len(read) == 4
    (uploads[1].upload / "model.py").write_text("# other\n")
    similarity(uploads, manifest.load(), **kept)
    assert len(read) == 8
    (tmp_path / "similarity.json").write_text("{")
    assert similarity(uploads, manifest.load(), **kept).read == 3


def test_wrong_answers_come_from_the_terms_data(data, tmp_path):
    from harness.problem import problem_of

    entry = manifest.load().problem("birthplaces")
    file = next(each for each in entry.deliverables if each.name == "vanilla.pretrain.test.predictions")
    hook = problem_of(entry).wrong_answers
    assert hook is not None
    gold = [line.split("\t")[1] for line in (data / "birth_test.tsv").read_text(encoding="utf-8").splitlines()]
    gold[4] = "Nowhere"
    assert hook(file, data)("".join(f"{each}\r\n" for each in gold).encode()) == {4: "Nowhere"}
    assert hook(file, data)(b"one line\n") == {}
    assert hook(file, data)(b"\xff\xfe") == {}
