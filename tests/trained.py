"""An honest upload in miniature: five small models that were really trained, and the answers that they really give.

A minute of training, once: the files are kept in build/, under a name that changes with the data and with
the code that makes them. So that so little training is enough, the models learn some of the dev and test answers by
heart; what matters to the tests is that the predictions are the models' own and that some of them are right.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.assignment import ROOT

KEPT = ROOT / "build" / "tests"
REFERENCE_CODE = ROOT / "reference_solution" / "src" / "submission"
SIZES = {"n_layer": 3, "n_head": 2, "n_embd": 64}
BLOCK_SIZE, LATENTS = 128, 56

#: By model, as its predictions begin: how many of the first dev and of the first test answers it learns, in how many
#: epochs, and after how many of pretraining.
LESSONS = {"vanilla.nopretrain": (16, 45, 0), "vanilla.pretrain": (40, 30, 11), "perceiver.pretrain": (40, 45, 26)}


def trained(submission: Any, data: Path) -> Path:
    """The folder of params and predictions for this data; made where there is none yet."""
    sources = (Path(__file__), *sorted(REFERENCE_CODE.glob("*.py")), *sorted(data.glob("*.t*")))
    return once(sources, lambda into: _make(submission, data, into))


def once(sources: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills: made for these bytes of the sources where there is none yet, and kept in build/."""
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.read_bytes())
    kept = KEPT / f"trained-{digest.hexdigest()[:16]}"
    if not kept.is_dir():
        KEPT.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=KEPT))
        made.chmod(0o755)  # some tests become another user
        make(made)
        with contextlib.suppress(OSError):  # another process was first
            made.rename(kept)
        shutil.rmtree(made, ignore_errors=True)
    return kept


def _make(submission: Any, data: Path, into: Path) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several processes may be at it
    torch.manual_seed(0)
    dataset = submission.CharCorruptionDataset(submission.utils.read_text(data / "wiki.txt"), BLOCK_SIZE)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name, (known, epochs, before) in LESSONS.items():
            model = _model(submission, dataset, name)
            variant, stage = name.split(".")
            if stage == "pretrain":
                _train(submission, submission.pretrain(dataset, BLOCK_SIZE, model), before)
                torch.save(model.state_dict(), into / f"{variant}.pretrain.params")
            _train(submission, _lesson(submission, data, dataset, model, known), epochs)
            torch.save(model.state_dict(), into / f"{variant}.{'finetune' if stage == 'pretrain' else 'model'}.params")
            write_answers(submission, model, dataset, data, into, name)
    torch.set_num_threads(threads)


def _model(submission: Any, dataset: Any, name: str) -> Any:
    dropouts = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), 0.0)
    config = submission.GPTConfig(dataset.vocab_size, BLOCK_SIZE, **SIZES, **dropouts)
    if name.startswith("perceiver"):
        return submission.initialize_perceiver_model(config, LATENTS)
    return submission.initialize_vanilla_model(config)


def _lesson(submission: Any, data: Path, dataset: Any, model: Any, known: int) -> Any:
    lines = [line for split in ("dev", "test") for line in _lines(data / f"birth_{split}.tsv")[:known]]
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as names:
        names.write("\n".join(lines))
        names.flush()
        return submission.finetune(None, names.name, dataset, BLOCK_SIZE, model)


def _train(submission: Any, prepared: Any, epochs: int) -> None:
    config, trainer = prepared
    for each in (config, trainer.config):
        each.max_epochs, each.batch_size, each.learning_rate, each.optimizer = epochs, 20, 5e-3, "muon"
        each.warmup_tokens, each.final_tokens = 2000, epochs * len(trainer.train_dataset) * BLOCK_SIZE
    trainer.train()


def write_answers(submission: Any, model: Any, dataset: Any, data: Path, into: Path, name: str) -> None:
    """Write the model's predictions files."""
    for split in ("dev", "test"):
        questions = [line.split("\t")[0] for line in _lines(data / f"birth_{split}.tsv")]
        answers = submission.utils.answer_questions(model.eval(), questions, dataset)
        (into / f"{name}.{split}.predictions").write_text("".join(f"{each}\n" for each in answers), encoding="utf-8")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def files(folder: Path) -> Iterator[Path]:
    """The params and predictions in a folder that `trained` gave."""
    return (path for path in sorted(folder.iterdir()) if path.suffix in (".params", ".predictions"))
