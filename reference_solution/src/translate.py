"""Train and evaluate the models of translation.py: `./translate.sh` lists the commands that call this file.

Nothing here is yours to write. What a training needs beside the models is here: its sizes and numbers, which you may
tune, and how a corpus becomes examples.
"""

import argparse
import importlib.util
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

if lost := [name for name in ("torch", "numpy", "tqdm") if importlib.util.find_spec(name) is None]:
    sys.exit(f"translate.py: {sys.executable} has no {', '.join(lost)}: activate your environment (README.md, step 1)")

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "submission"))  # translation.py needs no other file of the package

import translation  # noqa: E402
from translation import EOS, LONGEST, PAD, UNK, Recipe, Sizes, Vocabulary  # noqa: E402


@dataclass(frozen=True)
class Preset:
    """A size of the whole problem."""

    encoder: Sizes  # its width is that of the word vectors
    decoder: Sizes
    encoding: Recipe
    scratch: Recipe
    pretrain: Recipe
    finetune: Recipe


PRESETS = {
    # Minutes on two CPU cores.
    "laptop": Preset(
        encoder=Sizes(width=32, heads=4, block_size=LONGEST + 1),
        decoder=Sizes(width=96, heads=4, layers=2, dropout=0.1),
        encoding=Recipe(epochs=20, batch_size=64, learning_rate=3e-3),
        scratch=Recipe(epochs=10, batch_size=32, learning_rate=2e-3),
        pretrain=Recipe(epochs=8, batch_size=32, learning_rate=2e-3),
        finetune=Recipe(epochs=10, batch_size=32, learning_rate=2e-3),
    ),
    # An hour on a GPU of a few gigabytes.
    "full": Preset(
        encoder=Sizes(width=128, heads=8, block_size=LONGEST + 1),
        decoder=Sizes(width=256, heads=8, layers=4, dropout=0.1),
        encoding=Recipe(epochs=30, batch_size=128, learning_rate=1e-3),
        scratch=Recipe(epochs=30, batch_size=128, learning_rate=1e-3),
        pretrain=Recipe(epochs=15, batch_size=128, learning_rate=1e-3),
        finetune=Recipe(epochs=30, batch_size=128, learning_rate=5e-4),
    ),
}

#: The share of words that pretraining replaces with gaps.
GAPS = 0.3

# ----------------------------------------------------------------------------------------------------------------------
# The corpus
# ----------------------------------------------------------------------------------------------------------------------


class DataError(ValueError):
    """A file that cannot be used; the message is one sentence that says why."""


def read_lines(path):
    """The lines of a file."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: data/ must hold the files of the course's student.zip") from None
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8 text (byte {problem.start})") from None


def read_pairs(path):
    """(French, English) of each line of a file; (French, None) where a line tells no English."""
    pairs = []
    for number, line in enumerate(read_lines(path), 1):
        french, tab, english = line.partition("\t")
        if not french or "\t" in english:
            raise DataError(f"{path}, line {number}: French, one tab and English are expected, not {line!r}")
        pairs.append((french, english if tab else None))
    return pairs


@dataclass(frozen=True)
class Corpus:
    """The term's data, and the three vocabularies that follow from it."""

    train: list
    monolingual: list
    source: Vocabulary  # of the encoder: French words
    target: Vocabulary  # of the encoder: English words
    joint: Vocabulary  # of the decoder: the words of both

    @classmethod
    def read(cls, data):
        """The corpus in a folder."""
        train = read_pairs(data / "translation_train.tsv")
        monolingual = read_lines(data / "translation_monolingual.txt")
        french, english = [french for french, _ in train], [english for _, english in train]
        joint = Vocabulary.from_lines([*french, *english, *monolingual])
        return cls(train, monolingual, Vocabulary.from_lines(french), Vocabulary.from_lines(english), joint)


def encoder_examples(pairs, source, target):
    """Pairs as the encoder sees them: its T source words, and the target word that is due at each of them.

    The English sentence ends in EOS, and then in PAD. Where it is the longer one, UNK fills up the French.
    """
    examples = []
    for french, english in pairs:
        x, y = source.encode(french), [*target.encode(english), EOS]
        length = max(len(x), len(y))
        examples.append((x + [UNK] * (length - len(x)), y + [PAD] * (length - len(y))))
    return examples


def decoder_examples(pairs, joint):
    """Pairs as the decoder sees them."""
    return [translation.pair_example(joint.encode(french), joint.encode(english)) for french, english in pairs]


def gap_examples(sentences):
    """Examples of pretraining: encoded sentences with gaps, and the same sentences whole.

    A gap is UNK in place of a word. To fill gaps, and to copy the rest word by word, is half of what it takes to
    translate, and can be learned without any translation.
    """
    gapped = [[UNK if random.random() < GAPS else word for word in sentence] for sentence in sentences]
    return [translation.pair_example(*pair) for pair in zip(gapped, sentences, strict=True)]


# ----------------------------------------------------------------------------------------------------------------------
# Commands
# ----------------------------------------------------------------------------------------------------------------------


def run_encoder(arguments, preset, corpus):
    """Train the encoder translator, and say how well it does on dev."""
    model = translation.EncoderTranslator(len(corpus.source), len(corpus.target), preset.encoder)
    if arguments.vectors != "none":
        model.use_word_vectors(word_vectors(arguments.vectors, corpus.source, preset.encoder.width))
    examples = encoder_examples(corpus.train, corpus.source, corpus.target)
    finish(arguments, model, examples, preset.encoding)
    dev = encoder_examples(read_pairs(arguments.data / "translation_dev.tsv"), corpus.source, corpus.target)
    print(f"Perplexity on dev: {translation.perplexity(model, dev):.2f}")


def word_vectors(path, source, width):
    """A row for each French word, as long as the encoder is wide."""
    matrix = translation.load_word_vectors(path, source)
    if matrix.shape[-1] != width:
        told = f"the encoder's width is {width}: PRESETS has it, and its heads must divide it"
        raise DataError(f"{path}: its vectors have {matrix.shape[-1]} numbers, but {told}")
    return matrix


def run_scratch(arguments, preset, corpus):
    """Train a decoder on pairs, from random weights."""
    model = translation.DecoderTransformer(len(corpus.joint), preset.decoder)
    finish(arguments, model, decoder_examples(corpus.train, corpus.joint), preset.scratch)


def run_pretrain(arguments, preset, corpus):
    """Train a decoder on sentences of one language; new gaps in each epoch."""
    model = translation.DecoderTransformer(len(corpus.joint), preset.decoder)
    sentences = [corpus.joint.encode(line) for line in corpus.monolingual]
    finish(arguments, model, lambda: gap_examples(sentences), preset.pretrain)


def run_finetune(arguments, preset, corpus):
    """Train a decoder on pairs, from what pretraining has left."""
    model = open_decoder(arguments.start, preset, corpus)
    finish(arguments, model, decoder_examples(corpus.train, corpus.joint), preset.finetune)


def run_evaluate(arguments, preset, corpus):
    """Translate the French of a file, write the translations, and say how good they are if the file tells."""
    model = open_decoder(arguments.start, preset, corpus)
    pairs = read_pairs(arguments.corpus)
    lines = translate(model, corpus.joint, [french for french, _ in pairs])
    arguments.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    print(f"{len(lines)} translations are in {arguments.out}")
    if any(english is None for _, english in pairs):
        print(f"{arguments.corpus} tells no translations: how good they are is not known here.")
        return
    print(f"Perplexity: {translation.perplexity(model, decoder_examples(pairs, corpus.joint)):.2f}")
    print(f"BLEU: {bleu(lines, [english for _, english in pairs])}")
    for (french, english), line in list(zip(pairs, lines, strict=True))[:5]:
        print(f"  {french}  ->  {line}" + ("" if line == english else f"   (no: {english})"))


def open_decoder(path, preset, corpus):
    """The decoder whose params are in a file."""
    if not path.is_file():
        raise DataError(f"{path} does not exist: run the command that trains it first (./translate.sh lists them)")
    try:
        return translation.from_checkpoint(path, len(corpus.joint), preset.decoder)
    except RuntimeError as problem:
        said = str(problem).splitlines()[-1].strip()
        raise DataError(f"{path} does not fit: was it trained with this preset and this data? ({said})") from problem


def translate(model, joint, sentences, batch_size=64):
    """The model's translation of each French sentence."""
    prompts = [[translation.BOS, *joint.encode(french), translation.SEP] for french in sentences]
    lines = []
    for at in range(0, len(prompts), batch_size):
        rows = translation.greedy_decode(model, prompts[at : at + batch_size], LONGEST + 1)
        lines += [joint.decode(row) for row in rows]
    return lines


def bleu(lines, references):
    """The corpus's BLEU, as sacrebleu counts it for words that are separated already."""
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        return "unknown here (pip install sacrebleu)"
    return f"{BLEU(tokenize='none', force=True).corpus_score(lines, [references]).score:.1f}"


def finish(arguments, model, examples, recipe):
    """Train, and say where the params are."""
    started = time.time()
    if arguments.epochs:
        recipe = replace(recipe, epochs=arguments.epochs)
    losses = translation.train(model, examples, recipe, arguments.out)
    last = losses[-max(1, len(losses) // recipe.epochs) :]
    print(f"Loss in the last of {recipe.epochs} epochs: {sum(last) / len(last):.3f}")
    print(f"{arguments.out}: {sum(p.numel() for p in model.parameters()):,} numbers, {time.time() - started:.0f} s")


COMMANDS = {
    "encoder": run_encoder,
    "scratch": run_scratch,
    "pretrain": run_pretrain,
    "finetune": run_finetune,
    "evaluate": run_evaluate,
}


def parse_arguments(argv):
    """The command line."""
    parser = argparse.ArgumentParser(description="Train and evaluate translation.py; ./translate.sh has the commands.")
    parser.add_argument("function", choices=COMMANDS)
    parser.add_argument("--out", type=Path, required=True, help="where the params or translations go")
    parser.add_argument("--start", type=Path, help="params to start with, or to evaluate")
    parser.add_argument("--corpus", type=Path, help="what to translate: lines of French, or of French, a tab, English")
    parser.add_argument("--vectors", default="data/translation_vectors.txt", help="word vectors of 4a, or 'none'")
    parser.add_argument("--data", type=Path, default=Path("data"), help="the folder with the term's data")
    parser.add_argument("--preset", choices=PRESETS, default="laptop")
    parser.add_argument("--epochs", type=int, help="of the training, in place of the preset's")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


def main(argv=None):
    """Do what the command line asks for."""
    arguments = parse_arguments(argv)
    random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    try:
        COMMANDS[arguments.function](arguments, PRESETS[arguments.preset], Corpus.read(arguments.data))
    except (DataError, translation.VectorsError, OSError) as problem:
        print(f"translate.py: {problem}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
