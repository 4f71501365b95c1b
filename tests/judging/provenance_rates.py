"""How often an honest predictions file would be taken for another's: must be never. By hand, minutes.

    python -m tests.judging.provenance_rates [UPLOAD [DATA]] [--trained] [--steps N]

Measures, with UPLOAD (default build/reference_upload) and DATA (default build/dataset):

1. each predictions file of UPLOAD, all lines: how many the reading of its params gives;
2. for every variant in tests/variants: whether its own models with random weights give the logits that our reading of
   their state dict gives (the right way of reading is among those that are tried, and computes the same);
3. with --trained: for every variant whose model is other code than the reference's, models trained briefly by the
   variant's own finetune and train, their answers by the variant's own model, greedily, and how many of these the reading
   gives. This is the whole way of an honest file.

Exit status 1 where an honest line share is below what assignment.toml asks for.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.assignment import ROOT
from harness.manifest import load
from harness.problems.birthplaces.questions import Gold
from harness.sandbox.adapters import stay_on_cpu
from tests.judging import cases

STEMS = {
    "vanilla.nopretrain": "vanilla.model.params",
    "vanilla.pretrain": "vanilla.finetune.params",
    "perceiver.pretrain": "perceiver.finetune.params",
}
SIZES = {"n_layer": 3, "n_head": 4, "n_embd": 32}
LATENTS, BLOCK = 20, 128


def uploaded() -> Any:
    """The probe's module itself."""
    return importlib.import_module("harness.probes.uploaded")


@contextlib.contextmanager
def package(folder: Path) -> Iterator[Any]:
    """The package `submission` in a folder, imported inside the block and gone after it."""
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("submission")
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == "submission"]:
            del sys.modules[name]


def of_upload(upload: Path, gold: Gold) -> dict[str, float]:
    """Predictions file -> the share of its lines that its params give."""
    found = {}
    for stem, params in STEMS.items():
        for split in ("dev", "test"):
            name = f"{stem}.{split}.predictions"
            lines = (upload / name).read_text("utf-8").splitlines()
            questions = [each.text for each in getattr(gold, split)]
            begun = time.process_time()
            reply = uploaded().answers(upload, params, stem.split(".")[0], gold.vocabulary, questions, lines)
            found[name] = sum(reply["given"]) / len(lines)
            print(
                f"{name}: {found[name]:.4f} of {len(lines)} lines, {time.process_time() - begun:.2f} CPU s", flush=True
            )
    return found


def models(submission: Any, characters: int) -> Iterator[tuple[str, Any]]:
    """A vanilla model and a perceiver, by variant."""
    for variant in ("vanilla", "perceiver"):
        config = submission.GPTConfig(characters, BLOCK, **SIZES)
        extra = (LATENTS,) if variant == "perceiver" else ()
        yield variant, getattr(submission, f"initialize_{variant}_model")(config, *extra).cpu().eval()


def compare_random(folder: Path, seed: int) -> dict[str, bool]:
    """Variant -> whether one of the ways to read its state dict gives the logits of its own code, random weights."""
    import torch

    torch.manual_seed(seed)
    found = {}
    with package(folder) as submission:
        for variant, model in models(submission, 40):
            for parameter in model.parameters():
                torch.nn.init.normal_(parameter, 0.0, 0.3)
            x = torch.randint(0, 40, (2, 50))
            with torch.no_grad():
                wanted = model(x)[0]
            ours = uploaded().Model(model.state_dict(), variant, 40)
            kept: dict[Any, Any] = {}
            found[variant] = any(
                torch.allclose(ours.logits(x, reading, kept), wanted, rtol=1e-3, atol=1e-3)
                for reading in ours.readings()
            )
    return found


def of_training(folder: Path, gold: Gold, data: Path, epochs: int) -> dict[str, float]:
    """Variant -> the share of its own answers that the reading gives, after a short training by its own code."""
    import torch

    questions = [each.text for each in gold.dev[:60]]
    found = {}
    with package(folder) as submission, tempfile.TemporaryDirectory() as into:
        torch.manual_seed(0)
        dataset = submission.CharCorruptionDataset("\n".join(gold.documents), BLOCK)
        for variant, model in models(submission, dataset.vocab_size):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                config, trainer = _prepared(submission, dataset, model, data, folder)
                for each in (config, trainer.config):
                    each.max_epochs, each.batch_size, each.learning_rate, each.num_workers = epochs, 32, 5e-3, 0
                    each.lr_decay = False
                submission.train(model, str(Path(into) / "model.params"), trainer)
            lines = [_answer(model.cpu().eval(), dataset, question) for question in questions]
            reply = uploaded().answers(Path(into), "model.params", variant, gold.vocabulary, questions, lines)
            found[variant] = sum(reply["given"]) / len(lines)
            print(
                f"  {variant}: {found[variant]:.3f}, {len(set(lines))} different answers, {reply['reading']}",
                flush=True,
            )
    return found


def _prepared(submission: Any, dataset: Any, model: Any, data: Path, folder: Path) -> Any:
    arguments = (None, str(data / "birth_places_train.tsv"), dataset, BLOCK, model)
    return submission.finetune(*arguments)


def _answer(model: Any, dataset: Any, question: str) -> str:
    import torch

    x = torch.tensor([[*(dataset.stoi[each] for each in question), 1]])
    start = x.shape[1]
    with torch.no_grad():
        while x.shape[1] < start + 32 and (x.shape[1] == start or int(x[0, -1]) != 1):
            x = torch.cat([x, model(x)[0][:, -1:].argmax(dim=-1)], dim=1)
    written = x[0, start:].tolist()
    return "".join(dataset.itos[int(each)] for each in written).split("\u2047")[0].replace("\n", " ")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("upload", nargs="?", type=Path, default=ROOT / "build" / "reference_upload")
    parser.add_argument("data", nargs="?", type=Path, default=ROOT / "build" / "dataset")
    parser.add_argument("--trained", action="store_true", help="train every variant whose model is other code")
    parser.add_argument("--steps", type=int, default=12, help="epochs of that training")
    chosen = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    stay_on_cpu()  # variants of other templates ask for a GPU
    gold, least = Gold(chosen.data), load().problem("birthplaces").settings["provenance"]["agreement"]
    bad = [name for name, share in of_upload(chosen.upload, gold).items() if share < least]
    for case in cases.load_all(cases.VARIANTS):
        with tempfile.TemporaryDirectory() as folder:
            case.build(Path(folder) / "submission")
            alike = compare_random(Path(folder), 3)
            print(f"{case.name}: {alike}", flush=True)
            bad += [f"{case.name} {variant}" for variant, right in alike.items() if not right]
            if chosen.trained and {"model.py", "attention.py"} & set(case.sources):
                shares = of_training(Path(folder), gold, chosen.data, chosen.steps)
                bad += [f"{case.name} {variant}, trained" for variant, share in shares.items() if share < least]
    print(f"honest and doubted: {bad or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
