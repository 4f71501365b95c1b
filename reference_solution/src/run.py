"""Pretrain, finetune or evaluate a model. `./run.sh` calls this with the right arguments for each step.

Nothing in this file is yours to write. It builds the dataset and the model, and asks helper.py for the rest.
"""

import argparse
import contextlib
import glob
import importlib.util
import random
import re
import sys
from collections import Counter
from itertools import zip_longest
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - before anything that an older one cannot read
    sys.exit("run.py: Python 3.10 or newer is needed, and this is " + sys.version.split()[0])
if lost := [name for name in ("torch", "numpy", "tqdm") if importlib.util.find_spec(name) is None]:
    sys.exit(f"run.py: {sys.executable} has no {', '.join(lost)}: activate your environment (README.md, step 1)")

import numpy as np
import torch
from submission import helper
from submission.dataset import CharCorruptionDataset, DataError, prepare_output, read_text
from submission.model import GPTConfig
from submission.trainer import PRESETS, default_device, use_preset
from submission.utils import ParamsError, answer_questions, evaluate_places, load_params, read_places, read_questions

PICTURES = Path("pictures")
RUNS = Path("runs")  # `tensorboard --logdir runs`


def parse_arguments(argv=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", required=True, choices=["pretrain", "finetune", "evaluate", "baseline"])
    parser.add_argument("--variant", default="vanilla", choices=["vanilla", "perceiver"])
    parser.add_argument("--preset", default="laptop", choices=list(PRESETS), help="the size of everything")
    parser.add_argument("--pretrain_corpus_path", default="data/wiki.txt", help="the text; decides the vocabulary")
    parser.add_argument("--finetune_corpus_path", default="data/birth_places_train.tsv")
    parser.add_argument("--eval_corpus_path", default="data/birth_dev.tsv")
    parser.add_argument("--reading_params_path", help="parameters to start from, or to evaluate")
    parser.add_argument("--writing_params_path", help="where the trained parameters go")
    parser.add_argument("--outputs_path", help="where the predictions go")
    parser.add_argument("--bottleneck_dim", type=int, help="the perceiver's latents (default: the preset's)")
    parser.add_argument("--pretrain_lr", type=float, help="default: the preset's")
    parser.add_argument("--finetune_lr", type=float, help="default: the preset's")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument("--baseline_place", default="London", help="the answer of --function=baseline")
    arguments = parser.parse_args(argv)
    needed = {
        "pretrain": ["writing_params_path"],
        "finetune": ["writing_params_path"],
        "evaluate": ["reading_params_path", "outputs_path"],
        "baseline": [],
    }
    for name in needed[arguments.function]:
        if getattr(arguments, name) is None:
            parser.error(f"--function={arguments.function} needs --{name}")
    for name in ("writing_params_path", "outputs_path"):
        path = getattr(arguments, name)
        if path is not None and not Path(path).parent.is_dir():
            parser.error(f"--{name}={path}: there is no folder {Path(path).parent} (are you in src/?)")
        if path is not None and Path(path).is_dir():
            parser.error(f"--{name}={path}: is a folder; give the name of a file in it")
    return arguments


def build_model(arguments, preset, vocab_size):
    """A new model of the variant that was asked for."""
    config = GPTConfig(
        vocab_size,
        preset.block_size,
        n_layer=preset.n_layer,
        n_head=preset.n_head,
        n_embd=preset.n_embd,
        embd_pdrop=preset.dropout,
        resid_pdrop=preset.dropout,
        attn_pdrop=preset.dropout,
    )
    if arguments.variant == "vanilla":
        return helper.initialize_vanilla_model(config)
    bottleneck_dim = preset.bottleneck_dim if arguments.bottleneck_dim is None else arguments.bottleneck_dim
    return helper.initialize_perceiver_model(config, bottleneck_dim)


@contextlib.contextmanager
def data_of(path):
    """Inside, complaints about data say which file they are about."""
    try:
        yield
    except DataError as problem:
        raise problem if str(path) in str(problem) else DataError(f"{path}: {problem}") from problem


# ----------------------------------------------------------------------------------------------------------------------
# The commands
# ----------------------------------------------------------------------------------------------------------------------


def run_pretrain(arguments, preset, dataset, model):
    """Pretrain, and write the parameters."""
    rate = preset.pretrain.learning_rate if arguments.pretrain_lr is None else arguments.pretrain_lr
    with open_writer(arguments) as writer:
        _, trainer = helper.pretrain(dataset, preset.block_size, model, pretrain_lr=rate, writer=writer)
        trainer.config.optimizer = preset.pretrain.optimizer
        helper.train(model, arguments.writing_params_path, trainer)
    draw_losses(arguments, trainer)


def run_finetune(arguments, preset, dataset, model):
    """Finetune, and write the parameters."""
    recipe = preset.scratch if arguments.reading_params_path is None else preset.finetune
    rate = recipe.learning_rate if arguments.finetune_lr is None else arguments.finetune_lr
    with open_writer(arguments) as writer, data_of(arguments.finetune_corpus_path):
        _, trainer = helper.finetune(
            arguments.reading_params_path,
            arguments.finetune_corpus_path,
            dataset,
            preset.block_size,
            model,
            finetune_lr=rate,
            writer=writer,
        )
        trainer.config.optimizer = recipe.optimizer
        helper.train(model, arguments.writing_params_path, trainer)
    draw_losses(arguments, trainer)


def run_evaluate(arguments, dataset, model):
    """Answer the questions of a file, write the answers, and say how many are right."""
    questions = read_questions(arguments.eval_corpus_path, dataset)
    places = read_places(arguments.eval_corpus_path)
    load_params(model, arguments.reading_params_path)
    answers = answer_questions(model.to(default_device()), questions, dataset)
    with open(arguments.outputs_path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{answer}\n" for answer in answers)
    print(f"{len(answers)} predictions are in {arguments.outputs_path}")
    frequent = ", ".join(f"{answer} ({count})" for answer, count in Counter(answers).most_common(3))
    print(f"Most frequent answers: {frequent}")
    if not places:
        print(f"{arguments.eval_corpus_path} tells no birth places: how many are right is not known here.")
        return
    print_score(arguments.eval_corpus_path, answers)
    print_groups(arguments, questions, answers, places)
    compare_models(arguments)
    print_examples(questions, answers, places)


def run_baseline(arguments):
    """Give the same answer to every question, and say how many are right."""
    questions = read_text(arguments.eval_corpus_path).split("\n")
    print(f"Answering {arguments.baseline_place!r} every time:")
    print_score(arguments.eval_corpus_path, [arguments.baseline_place] * len(questions))


# ----------------------------------------------------------------------------------------------------------------------
# What a trained model knows
# ----------------------------------------------------------------------------------------------------------------------


def print_score(path, answers):
    """Say how many answers are right, if the file tells."""
    total, correct = evaluate_places(path, answers)
    if total == 0:
        print(f"{path} tells no birth places.")
    else:
        print(f"Correct: {correct} out of {total}: {100 * correct / total:.2f}%")


def print_groups(arguments, questions, answers, places):
    """A table: how many answers are right, of people whom the pretraining text has and of people whom it has not."""
    text = read_text(arguments.pretrain_corpus_path)
    right = [answer == place for answer, place in zip(answers, places, strict=True)]
    seen = [re.sub(r"^Where was | born\?$", "", question) in text for question in questions]
    london = [arguments.baseline_place == place for place in places]
    rows = [
        ("everyone", right),
        (f"  with a biography in {arguments.pretrain_corpus_path}", [r for r, s in zip(right, seen, strict=True) if s]),
        ("  with none there", [r for r, s in zip(right, seen, strict=True) if not s]),
        (f"always {arguments.baseline_place!r} instead", london),
    ]
    print()
    for name, group in rows:
        if group:
            share = 100 * sum(group) / len(group)
            print(f"{name:<44}{sum(group):5} right of {len(group):4}{share:6.1f}%")


def compare_models(arguments):
    """A chart: the accuracy of every model that has answered these questions so far, in the terminal and as a file."""
    name = re.fullmatch(r".+\.(.+)\.predictions", Path(arguments.outputs_path).name)
    if name is None:  # a name of your own, which tells no split
        return
    split = name[1]  # vanilla.pretrain.dev.predictions -> dev
    shares = {}
    for path in sorted(Path(arguments.outputs_path).parent.glob(f"*.{glob.escape(split)}.predictions")):
        with contextlib.suppress(DataError):  # predictions for other questions
            answers = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
            total, correct = evaluate_places(arguments.eval_corpus_path, answers)
            shares[path.name.removesuffix(f".{split}.predictions")] = 100 * correct / total
    places = read_places(arguments.eval_corpus_path)
    shares[f"always {arguments.baseline_place}"] = 100 * places.count(arguments.baseline_place) / len(places)

    print(f"\n{'right answers on ' + split:<24}0%{'50%':>24}{'100%':>25}")
    for name, share in shares.items():
        print(f"{name:<24}{'#' * round(share / 2):<50}{share:6.1f}%")

    def bars(axes):
        axes.barh(list(shares), list(shares.values()))
        axes.invert_yaxis()
        axes.set_xlabel(f"right answers on {split}, percent")

    draw(PICTURES / f"accuracy.{split}.svg", bars)


def print_examples(questions, answers, places, count=5):
    """A few right and wrong answers side by side. Could you tell which is which?"""
    triples = list(zip(questions, answers, places, strict=True))
    right = [f"{question} {answer}" for question, answer, place in triples if answer == place]
    wrong = [f"{question} {answer}   (no: {place})" for question, answer, place in triples if answer != place]
    print(f"\n{'right':<60}wrong")
    for left, other in zip_longest(right[:count], wrong[:count], fillvalue=""):
        print(f"{left:<60}{other}".rstrip())


# ----------------------------------------------------------------------------------------------------------------------
# Pictures of a training
# ----------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_writer(arguments):
    """A TensorBoard SummaryWriter for this training, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        yield None
        return
    with SummaryWriter(RUNS / Path(arguments.writing_params_path).stem) as writer:
        yield writer


def draw_losses(arguments, trainer):
    """The mean loss of each epoch, as a curve."""

    def curve(axes):
        axes.plot(range(1, len(trainer.losses) + 1), trainer.losses)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.set_ylim(bottom=0)

    draw(PICTURES / f"{Path(arguments.writing_params_path).stem}.loss.svg", curve)


def draw(path, paint):
    """Let paint(axes) make a picture, and write it to a file, the same bytes each time; needs Matplotlib."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        print(f"No {path}: that needs Matplotlib (pip install matplotlib).")
        return
    with rc_context({"svg.hashsalt": "0"}):
        figure = Figure(figsize=(7, 3.5), layout="constrained")
        paint(figure.subplots())
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, metadata={"Date": None})
    print(f"Drawn: {path}")


def main(argv=None):
    """Do what the command line asks for."""
    arguments = parse_arguments(argv)
    preset = use_preset(arguments.preset)
    random.seed(arguments.seed)
    np.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    try:
        if arguments.function == "baseline":
            run_baseline(arguments)
            return
        text = read_text(arguments.pretrain_corpus_path)
        with data_of(arguments.pretrain_corpus_path):
            dataset = CharCorruptionDataset(text, preset.block_size)
        model = build_model(arguments, preset, dataset.vocab_size)
        if arguments.function == "pretrain":
            run_pretrain(arguments, preset, dataset, model)
        elif arguments.function == "finetune":
            run_finetune(arguments, preset, dataset, model)
        else:
            run_evaluate(arguments, dataset, model)
    except (DataError, ParamsError, OSError) as problem:
        print(f"run.py: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("run.py: stopped; a training goes on after its last whole epoch when you give the command again")
        sys.exit(130)


if __name__ == "__main__":
    prepare_output()
    main()
