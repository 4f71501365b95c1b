"""Pretrain, finetune or evaluate a model. `./run.sh` calls this with the right arguments for each step.

Nothing in this file is yours to write. It builds the data set and the model, and asks helper.py for the rest.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from submission import helper
from submission.dataset import CharCorruptionDataset, DataError, read_text
from submission.model import GPTConfig
from submission.trainer import PRESETS, default_device, use_preset
from submission.utils import ParamsError, answer_questions, evaluate_places, load_params, read_questions


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


def run_pretrain(arguments, preset, dataset, model):
    """Pretrain, and write the parameters."""
    rate = preset.pretrain.learning_rate if arguments.pretrain_lr is None else arguments.pretrain_lr
    _, trainer = helper.pretrain(dataset, preset.block_size, model, pretrain_lr=rate)
    helper.train(model, arguments.writing_params_path, trainer)


def run_finetune(arguments, preset, dataset, model):
    """Finetune, and write the parameters."""
    recipe = preset.scratch if arguments.reading_params_path is None else preset.finetune
    rate = recipe.learning_rate if arguments.finetune_lr is None else arguments.finetune_lr
    _, trainer = helper.finetune(
        arguments.reading_params_path,
        arguments.finetune_corpus_path,
        dataset,
        preset.block_size,
        model,
        finetune_lr=rate,
    )
    helper.train(model, arguments.writing_params_path, trainer)


def run_evaluate(arguments, dataset, model):
    """Answer the questions of a file, write the answers, and say how many are right."""
    questions = read_questions(arguments.eval_corpus_path, dataset)
    load_params(model, arguments.reading_params_path)
    answers = answer_questions(model.to(default_device()), questions, dataset)
    with open(arguments.outputs_path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{answer}\n" for answer in answers)
    print(f"{len(answers)} predictions are in {arguments.outputs_path}")
    print_score(arguments.eval_corpus_path, answers)


def run_baseline(arguments):
    """Give the same answer to every question, and say how many are right."""
    questions = read_text(arguments.eval_corpus_path).split("\n")
    print(f"Answering {arguments.baseline_place!r} every time:")
    print_score(arguments.eval_corpus_path, [arguments.baseline_place] * len(questions))


def print_score(path, answers):
    """Say how many answers are right, if the file tells."""
    total, correct = evaluate_places(path, answers)
    if total == 0:
        frequent = ", ".join(f"{answer} ({count})" for answer, count in Counter(answers).most_common(3))
        print(f"No gold birth places in {path}. Most frequent answers: {frequent}")
    else:
        print(f"Correct: {correct} out of {total}: {100 * correct / total:.2f}%")


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
        dataset = CharCorruptionDataset(read_text(arguments.pretrain_corpus_path), preset.block_size)
        model = build_model(arguments, preset, dataset.vocab_size)
        if arguments.function == "pretrain":
            run_pretrain(arguments, preset, dataset, model)
        elif arguments.function == "finetune":
            run_finetune(arguments, preset, dataset, model)
        else:
            run_evaluate(arguments, dataset, model)
    except (DataError, ParamsError, OSError) as problem:
        sys.exit(f"run.py: {problem}")


if __name__ == "__main__":
    main()
