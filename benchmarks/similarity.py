"""How often honest work is told as a pair, and whether copies are: code, predictions, params. Nothing is asserted.

    python benchmarks/similarity.py [--trained FOLDER] [--size 600]
    python benchmarks/similarity.py --train FOLDER [--count 40]

Code: the tests' variants, each a solution of its own, all pairs of them; what they share is extrapolated to a class.
Predictions and params: small models of the variants, really trained, of which each third keeps the seed as it is given;
`--train` makes them (a minute of one core each). Beside them a class of the full size of made-up models that follow the
cues of the questions, habits of their own and chance. Copies are planted in both.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import math
import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from harness import manifest  # noqa: E402 - the checkout is where it is imported from
from harness.classroom.similarity import answers, code, params  # noqa: E402
from harness.classroom.similarity.material import Material  # noqa: E402
from harness.classroom.similarity.reader import boilerplate, read  # noqa: E402
from harness.problem import problem_of  # noqa: E402
from tests.judging import cases  # noqa: E402

GIVEN = [ROOT / name / "src" / "submission" for name in ("student_template", "reference_solution")]
DATA = ROOT / "build" / "dataset"
#: A variant on the given code of another term; that code belongs to what is given then.
OTHER_GIVEN_CODE = 300
SIZES = {"n_layer": 3, "n_head": 2, "n_embd": 64}
BLOCK_SIZE, LATENTS = 128, 32


def main() -> int:
    """Measure and print, or train what is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trained", type=Path, help="what --train made")
    parser.add_argument("--size", type=int, default=600)
    parser.add_argument("--train", type=Path, help="make uploads of honest variants here")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # VARIANT SEED FOLDER, in a process of its own
    arguments = parser.parse_args()
    if arguments.one:
        train(arguments.one[0], int(arguments.one[1]), Path(arguments.one[2]))
    elif arguments.train:
        train_all(arguments.train, arguments.count)
    else:
        of_code(arguments.size)
        of_made_up_models(arguments.size)
        if arguments.trained:
            of_trained_models(arguments.trained, arguments.size)
    return 0


# --- code -------------------------------------------------------------------------------------------------------------


def of_code(size: int) -> None:
    """Shares of all pairs of variants, and what a normal tail makes of them in a class."""
    given, loaded = boilerplate(GIVEN, manifest.load()), manifest.load()
    names = [each.name for each in loaded.uploads if each.kind == "code" and each.written_in and not each.optional]
    own, block = {}, {}
    for case in cases.load_all(cases.VARIANTS):
        block[case.name] = case.touched
        texts = [case.sources.get(name, cases.reference(name)) for name in names]
        own[case.name] = frozenset().union(*map(code.fingerprints, texts)) - given
    own = {name: hashes for name, hashes in own.items() if len(hashes) < OTHER_GIVEN_CODE}
    found = code.look([Material(name, code=hashes) for name, hashes in own.items()])
    shares = [
        len(own[a] & own[b]) / min(len(own[a]), len(own[b]))
        for a, b in combinations(own, 2)
        if block[a] & block[b] and min(len(own[a]), len(own[b])) >= code.LEAST_SHARED
    ]
    middle, spread = statistics.fmean(shares), statistics.pstdev(shares)
    tail = 0.5 * math.erfc((code.LEAST_SHARE - middle) / spread / math.sqrt(2))
    print(
        f"code: {len(found.pairs)} pairs told of {math.comb(len(own), 2)} of {len(own)} variants; {len(shares)} that "
        f"wrote one block anew share {middle:.2f} +- {spread:.2f}, at most {max(shares):.2f} (told from "
        f"{code.LEAST_SHARE}); a normal tail gives {tail * math.comb(size, 2):.2g} pairs in a class of {size}"
    )


# --- made-up models ---------------------------------------------------------------------------------------------------


def of_made_up_models(size: int, classes: int = 5, planted: int = 20) -> None:
    """False alarms over several classes of the full size, and how many copies with ever more changes are found."""
    told = [len(answers.look(made_up(size, seed), {}).pairs) for seed in range(classes)]
    print(f"predictions: {told} pairs told in {classes} made-up classes of {size}, {6} files each")
    for kept in (1.0, 0.8, 0.6, 0.4):
        materials = made_up(size, 99)
        expected = {plant(materials, at, size // 2 + at, kept, random.Random(at)) for at in range(planted)}
        found = {(pair.first, pair.second) for pair in answers.look(materials, {}).pairs}
        print(f"predictions: {len(expected & found)} of {planted} copies with {kept:.0%} of the wrong answers are told")


def made_up(size: int, seed: int, questions: int = 240, places: int = 65) -> list[Material]:
    """Honest models: they follow the cues of the questions, habits of their own, and chance."""
    rng = np.random.default_rng(seed)
    materials = [Material(f"s{at:04d}") for at in range(size)]
    for file in range(6):
        cues = rng.normal(0, 1.0, (questions, places)) + rng.normal(0, 0.7, places)
        for at, each in enumerate(materials):
            liking = cues + rng.normal(0, 1.0, places) + rng.normal(0, 1.0, cues.shape)
            wrong = rng.random(questions) > rng.uniform(0.02, 0.5)
            chosen = liking.argmax(axis=1)
            row = {question: f"place {chosen[question]}" for question in np.flatnonzero(wrong).tolist()}
            materials[at] = replace(each, answers={**each.answers, f"{file}.predictions": row})
    return materials


def plant(materials: list[Material], at: int, source: int, kept: float, rng: random.Random) -> tuple[str, str]:
    """Let one upload have part of another one's wrong answers in one file."""
    own, copied = materials[at].answers["0.predictions"], materials[source].answers["0.predictions"]
    mixed = {each: text for each, text in copied.items() if rng.random() < kept}
    mixed = {**{each: text for each, text in own.items() if each not in copied}, **mixed}
    materials[at] = replace(materials[at], answers={**materials[at].answers, "0.predictions": mixed})
    return materials[at].submission, materials[source].submission


# --- trained models ---------------------------------------------------------------------------------------------------


def of_trained_models(folder: Path, size: int) -> None:
    """All pairs of really trained models, corrected as in a class of the full size."""
    loaded = manifest.load()
    entry = loaded.problem("birthplaces")
    hook = problem_of(entry).wrong_answers
    assert hook is not None
    wrong = {file.name: hook(file, DATA) for file in entry.deliverables if file.kind == "predictions"}
    given = boilerplate(GIVEN, loaded)
    uploads = [each for each in sorted(folder.iterdir()) if (each / "submission" / "trained").is_file()]
    materials = [read(each.name, each, loaded, wrong, given, is_earlier=False) for each in uploads]
    for file in sorted(materials[0].params):
        of_params(file, materials)
    default = {each.submission for each in materials if each.submission.endswith("_0")}
    own = [each for each in materials if each.submission not in default]
    print(f"trained models: {len(materials)} of variants, {len(default)} of them with the seed as it is given")
    for told, class_, crowd in (
        ("seeds of their own", own, {}),
        ("all, the given seed a crowd", materials, dict.fromkeys(default, 0)),
    ):
        compared = 6 * math.comb(size, 2)
        alarms = [pair for file in wrong for pair in alarms_of(file, class_, compared, crowd)]
        print(
            f"predictions of {told}: {len(alarms)} told of {len(wrong) * math.comb(len(class_), 2)} pairs {alarms[:3]}"
        )


def of_params(file: str, materials: Sequence[Material]) -> None:
    """Distances of one file, by whether the seed is the given one."""
    held = [each for each in materials if file in each.params]
    rows = np.array([each.params[file].sample for each in held])
    apart = params.distances(rows)
    pairs = [(one, other) for one, other in combinations(range(len(held)), 2)
             if held[one].params[file].moved == held[other].params[file].moved]  # fmt: skip
    same = [apart[pair] for pair in pairs if all(held[at].submission.endswith("_0") for at in pair)]
    others = [apart[pair] for pair in pairs if not all(held[at].submission.endswith("_0") for at in pair)]
    exact = sum(each < 1e-6 for each in same)
    rest = [each for each in same if each >= 1e-6] or [math.nan]
    print(
        f"{file}: seeds of their own {min(others):.2f} to {max(others):.2f} apart (n = {len(others)}); the given seed: "
        f"{exact} of {len(same)} pairs equal, the others {min(rest):.2f} to {max(rest):.2f}"
    )


def alarms_of(
    file: str, materials: Sequence[Material], compared: int, crowd: dict[str, int]
) -> list[tuple[str, str, str]]:
    """The pairs that are told of one file, were it one of a class in which so many pairs are compared."""
    rows = {each.submission: each.answers[file] for each in materials if file in each.answers}
    names = sorted(rows)
    counts = answers.counted([rows[name] for name in names])
    chances = answers.corrected(counts, compared)
    hits = np.argwhere(np.triu((chances < answers.LEVEL) & (counts.equal >= answers.LEAST_SHARED), 1)).tolist()
    pairs = [(file, names[one], names[other]) for one, other in hits]
    return [each for each in pairs if not params.same_crowd(crowd, each[1], each[2])]


def train_all(folder: Path, count: int) -> None:
    """One upload of each of so many variants, one after the other; every third keeps the seed that is given."""
    names = [case.name for case in cases.load_all(cases.VARIANTS)]
    random.Random(0).shuffle(names)
    for at, name in enumerate(names[:count], start=2):
        seed = 0 if at % 3 == 0 else at
        out = folder / f"{name}_{seed}"
        done = subprocess.run([sys.executable, __file__, "--one", name, str(seed), str(out)], check=False)
        print(f"{out}: {'trained' if done.returncode == 0 else 'this variant cannot be trained here'}", flush=True)


def train(name: str, seed: int, out: Path) -> None:
    """Small models of one variant, and what they answer."""
    import torch

    folder = out / "submission"
    next(case for case in cases.load_all(cases.VARIANTS) if case.name == name).build(folder)
    torch.set_num_threads(1)
    sys.path.insert(0, str(out))
    submission = importlib.import_module("submission")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for model in ("vanilla.nopretrain", "vanilla.pretrain", "perceiver.pretrain"):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - the stream that run.py seeds, and students may draw from
            torch.manual_seed(seed)
            train_model(torch, submission, model, folder)
    (folder / "trained").touch()


def train_model(torch: Any, submission: Any, name: str, folder: Path) -> None:
    """Pretraining where the name says so, finetuning, dev and test."""
    variant, stage = name.split(".")
    dataset = submission.CharCorruptionDataset((DATA / "wiki.txt").read_text(encoding="utf-8"), BLOCK_SIZE)
    config = submission.GPTConfig(
        dataset.vocab_size, BLOCK_SIZE, **SIZES, embd_pdrop=0.1, attn_pdrop=0.1, resid_pdrop=0.1
    )
    if variant == "perceiver":
        model = submission.initialize_perceiver_model(config, LATENTS)
    else:
        model = submission.initialize_vanilla_model(config)
    if stage == "pretrain":
        run(submission.pretrain(dataset, BLOCK_SIZE, model), 6)
        torch.save(model.state_dict(), folder / f"{variant}.pretrain.params")
    run(submission.finetune(None, str(DATA / "birth_places_train.tsv"), dataset, BLOCK_SIZE, model), 10)
    torch.save(model.state_dict(), folder / f"{variant}.{'finetune' if stage == 'pretrain' else 'model'}.params")
    for split in ("dev", "test"):
        lines = (DATA / f"birth_{split}.tsv").read_text(encoding="utf-8").splitlines()
        given = submission.utils.answer_questions(model.eval(), [line.split("\t")[0] for line in lines], dataset)
        (folder / f"{name}.{split}.predictions").write_text("".join(f"{each}\n" for each in given), encoding="utf-8")


def run(prepared: Any, epochs: int) -> None:
    """Train with settings that suit so small a model."""
    config, trainer = prepared
    for each in (config, trainer.config):
        each.max_epochs, each.batch_size, each.learning_rate, each.optimizer = epochs, 20, 5e-3, "muon"
        each.warmup_tokens, each.final_tokens = 2000, epochs * len(trainer.train_dataset) * BLOCK_SIZE
    trainer.train()


if __name__ == "__main__":
    sys.exit(main())
