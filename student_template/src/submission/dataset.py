"""The two datasets: span corruption of any text for pretraining, and names with birth places for finetuning.

Run `python dataset.py namedata` or `python dataset.py charcorruption` to look at samples of each. Yours to write, in
part 1e: CharCorruptionDataset.__getitem__.
"""

import argparse
import random
import signal
import sys
from pathlib import Path

import torch
from torch.utils.data import Dataset

MASK_CHAR = "\u2047"  # the doublequestionmark character, for mask
PAD_CHAR = "\u25a1"  # the empty square character, for pad

DATA = Path(__file__).resolve().parent.parent / "data"


def prepare_output():
    """Let every print succeed, for a command: also where the output cannot hold a character, or nobody reads on."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A pipe or a file on Windows has no bytes for MASK, PAD and most letters.
            stream.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly, like every other program in a pipe


class DataError(ValueError):
    """Data that cannot be used; the message is one sentence that says where and why."""


def read_text(path):
    """The UTF-8 text of a data file, without the newlines at its end."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder: give the file of that text in it")
    if not path.is_file():
        raise DataError(f"{path} does not exist: put the course's data files there (see data/README.md)")
    try:
        text = path.read_text(encoding="utf-8-sig").rstrip("\n")
    except UnicodeDecodeError as problem:
        raise DataError(f"{path} is not UTF-8 text (byte {problem.start}): download it again") from problem
    if not text:
        raise DataError(f"{path} is empty: download it again")
    return text


# ----------------------------------------------------------------------------------------------------------------------
# Finetuning
# ----------------------------------------------------------------------------------------------------------------------


class NameDataset(Dataset):
    r"""Names and birth places, one `Where was NAME born?\tPLACE` per line.

    Takes its vocabulary and block size from the dataset of pretraining, so that a pretrained model understands it. For
    the line `Where was Ada born?\tLondon` and a block size of 36, with M for MASK and . for PAD:

        x    W h e r e   w a s   A d a   b o r n ? M L o n d o n M . . . . . . . .
        y    . . . . . . . . . . . . . . . . . . M L o n d o n M . . . . . . . . .

    both block_size - 1 long. y is x moved one to the left, with PAD for all of the question: PAD has index 0, which the
    loss ignores, so the model is taught answers and not questions.
    """

    def __init__(self, data, pretraining_dataset):
        self.MASK_CHAR = pretraining_dataset.MASK_CHAR
        self.PAD_CHAR = pretraining_dataset.PAD_CHAR
        self.itos = pretraining_dataset.itos
        self.stoi = pretraining_dataset.stoi
        self.block_size = pretraining_dataset.block_size
        self.vocab_size = pretraining_dataset.vocab_size
        self.data = data.rstrip("\n").split("\n")
        for number, line in enumerate(self.data, 1):
            self._check(number, line)

    def _check(self, number, line):
        if line.count("\t") != 1:
            raise DataError(f"line {number} of the names must be a question, one tab and a place: {line!r}")
        unknown = next((char for char in line if char != "\t" and char not in self.stoi), None)
        if unknown is not None:
            raise DataError(f"line {number} of the names has {unknown!r}, unknown to the pretraining text: {line!r}")
        if len(line) + 1 > self.block_size:
            raise DataError(f"line {number} of the names does not fit into {self.block_size} tokens: {line!r}")

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        """Line idx as x and y, int64, each (block_size - 1,)."""
        question, place = self.data[idx].split("\t")
        x = question + self.MASK_CHAR + place + self.MASK_CHAR
        x = x + self.PAD_CHAR * (self.block_size - len(x))
        y = self.PAD_CHAR * (len(question) - 1) + x[len(question) :]

        x = torch.tensor([self.stoi[char] for char in x[:-1]], dtype=torch.long)
        y = torch.tensor([self.stoi[char] for char in y], dtype=torch.long)
        return x, y


# ----------------------------------------------------------------------------------------------------------------------
# Pretraining
# ----------------------------------------------------------------------------------------------------------------------


class CharCorruptionDataset(Dataset):
    """Documents, one per line, out of each of which a span of characters is cut and asked for.

    Attributes:
        data: the documents, a list of strings
        block_size: the longest sequence, in characters, that fits into the model
        vocab_size: the number of different characters, PAD and MASK included
        stoi, itos: character -> index and back; PAD has index 0, MASK has index 1
    """

    def __init__(self, data, block_size):
        self.MASK_CHAR = MASK_CHAR
        self.PAD_CHAR = PAD_CHAR
        for char, name in ((MASK_CHAR, "MASK"), (PAD_CHAR, "PAD")):
            if char in data:
                line = data[: data.index(char)].count("\n") + 1
                raise DataError(f"line {line} of the text has {char!r}, which is kept for {name}")

        vocabulary = [PAD_CHAR, MASK_CHAR, *sorted(set(data))]
        self.stoi = {char: index for index, char in enumerate(vocabulary)}
        self.itos = dict(enumerate(vocabulary))
        self.vocab_size = len(vocabulary)
        self.block_size = block_size

        self.data = data.rstrip("\n").split("\n")
        if "" in self.data:
            raise DataError(f"line {self.data.index('') + 1} of the text is empty: every line must be a document")

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        """Document idx, corrupted anew at every call: x and y, int64, each (block_size - 1,)."""
        # [part 1e] Corrupt one span of the document. In this order:
        #
        # 0. Let document = self.data[idx]. Do not change self.data.
        #
        # 1. Draw at random how much of it to keep: no less than 4 characters and no more than
        #    int(self.block_size * 7 / 8), and of course never more than the document has. Keep that much of its
        #    beginning, and forget the rest. (Only the end is cut: what you keep starts where the document starts.)
        #
        # 2. Break what you kept into three pieces, so that [prefix] + [masked_content] + [suffix] is all of it. The
        #    length of [masked_content] is random, and one quarter of what you kept on average. Where it begins is
        #    random, too.
        #
        # 3. Put the pieces together in this order, as the string
        #
        #        [prefix] MASK_CHAR [suffix] MASK_CHAR [masked_content] MASK_CHAR [pads]
        #
        #    with as many PAD_CHARs for [pads] as make the string self.block_size characters long. (The third
        #    MASK_CHAR may be left out. With it, the model learns where an answer ends.)
        #
        # 4. x is that string without its last character, y is it without its first: at every position, y is what
        #    follows. Look both up in self.stoi and return two tensors of dtype torch.long.
        #
        # Draw from the module `random` (torch or numpy will do as well), and set no seed here. For example, with
        # M for MASK, . for PAD and a block size of 32:
        #
        #     document   Ada Lovelace was born in London.
        #     kept       Ada Lovelace was born in L        (26 characters)
        #     pieces     [Ada Love] [lace w] [as born in L]
        #     x          A d a   L o v e M a s   b o r n   i n   L M l a c e   w M . .
        #     y          d a   L o v e M a s   b o r n   i n   L M l a c e   w M . . .
        #
        # `python dataset.py charcorruption` prints a few of yours.
        ### START_CODE_HERE ###
        raise NotImplementedError("CharCorruptionDataset.__getitem__ is not written yet")
        ### END_CODE_HERE ###


def print_samples(dataset, count=4):
    """Print x and y of the first few items, as text."""
    for index in range(min(count, len(dataset))):
        for name, tokens in zip("xy", dataset[index], strict=True):
            print(f"{name}: " + "".join(dataset.itos[int(token)] for token in tokens))


def main():
    """Print samples of one of the datasets."""
    parser = argparse.ArgumentParser(description="Print samples of a dataset.")
    parser.add_argument("dataset_type", choices=["namedata", "charcorruption"])
    choice = parser.parse_args().dataset_type
    try:
        pretraining_dataset = CharCorruptionDataset(read_text(DATA / "wiki.txt"), 128)
        if choice == "charcorruption":
            print_samples(pretraining_dataset)
        else:
            print_samples(NameDataset(read_text(DATA / "birth_places_train.tsv"), pretraining_dataset))
    except DataError as problem:
        sys.exit(f"dataset.py: {problem}")


if __name__ == "__main__":
    prepare_output()
    main()
