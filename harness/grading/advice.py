"""What to do about code that does not import, lacks a name or raises: a sentence for each usual cause."""

from __future__ import annotations

import re
import sys

from harness.intake.source import GRADING_PYTHON, named
from harness.sandbox import RemoteError

_OWN = "submission"

#: The exception of a probe that was handed None.
NOTHING_RETURNED = "NothingReturnedError"

#: What is most often used and not imported -> what imports it.
_IMPORTS = {
    "np": "import numpy as np",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
    "init": "from torch.nn import init",
    **{name: f"import {name}" for name in ("copy", "math", "numpy", "os", "random", "re", "torch")},
}

#: The same as below, where it is a line of the student's own that raised and none that it called.
_IN_OWN_LINE: tuple[tuple[str, str, str], ...] = (
    (
        "ValueError|TypeError",
        r"values to unpack|cannot unpack",
        "that line takes apart a value that has more or fewer parts than names stand there: how many has it?",
    ),
    ("KeyError", r"^'..+'$", "nothing is kept under this key: self.stoi is asked for one character at a time"),
    (
        "TypeError|ValueError",
        r"(?:too many dimensions|invalid data type) 'str'",
        "a tensor holds numbers, and self.stoi gives the index of each character",
    ),
    (
        "TypeError",
        r"can only concatenate|unsupported operand .*'(?:str|list)'",
        "text, lists and numbers cannot be added to each other: put all characters together first, then look them up",
    ),
    (
        "TypeError|ValueError",
        r"slice indices must be|'float' object cannot be interpreted as an integer|non-integer",
        "lengths and positions are whole numbers: int() makes one, and // divides to one",
    ),
)

#: (type, pattern of the message) -> what to look at. The first that fits; groups of the pattern go into the sentence.
_USUAL: tuple[tuple[str, str, str], ...] = (
    (
        "TypeError|AttributeError",
        r"NoneType",
        "something is None where a value is needed: does a function of yours end without a return statement?",
    ),
    (
        "UnboundLocalError|NameError",
        r"'(tconf|trainer_obj)'",
        "the given line below your place returns tconf and trainer_obj: give what you make these two names",
    ),
    *(
        ("NameError", rf"'{name}'", f"nothing is imported under the name {name} there: {line} does so")
        for name, line in _IMPORTS.items()
    ),
    ("UnboundLocalError|NameError", r"'(\w+)'", "nothing has the name {0} there: is it spelled as where it is made?"),
    (
        "KeyError",
        r"^'.'$",
        "self.stoi has the index of every character of the text; self.itos goes the other way, from index to character",
    ),
    (
        "TypeError",
        r"(?:missing \d+ required|takes .* positional|unexpected keyword|multiple values for)",
        "compare the call with the first line of what is called: which arguments does it take, and in which order?",
    ),
    (
        "TypeError",
        r"(?:path should be|expected str, bytes or os.PathLike)",
        "a path is expected where something else came: are the arguments of that call in the right order?",
    ),
    (
        "TypeError",
        r"state_dict to be dict-like",
        "load_state_dict takes what the file holds, not its name; load_params in utils.py reads and loads it",
    ),
    (
        "AssertionError|RuntimeError",
        r"compiled with CUDA|NVIDIA driver|CUDA (?:error|GPU|driver)|Invalid device",
        "tests run without a GPU, and run.py finds out whether there is one: name no device in your code",
    ),
    (
        "TypeError",
        r"only (?:length-1|size-1|0-dimensional) arrays",
        "the module math works on one number, numpy on whole arrays: np.exp",
    ),
    (
        "ValueError",
        r"empty range",
        "a number is drawn from an empty range: texts can be as short as 4 characters; is its upper end ever too low?",
    ),
    ("DataError", "", "the text behind DataError says what your code handed on: is it what the function asks for?"),
    (
        "AttributeError",
        r"has no attribute '(\w+)'",
        "there is no '{0}': the text behind the exception's name says what there is",
    ),
    (
        "RuntimeError|ValueError|IndexError",
        r"(?:size of tensor|shapes cannot be|not enough values to unpack|too many values|must match|dimension)",
        "two shapes do not fit: write down the shape of each tensor in that line, as the comments of the given code do",
    ),
)
_NO_NAME = re.compile(rf"module '{_OWN}' has no attribute '(\w+)'")
_NO_MODULE = re.compile(r"No module named '([^']+)'")


def on_import(error: RemoteError | None) -> str:
    """Where to look, and what the grader has, for the student."""
    start = "start at the file and line above"
    if error is None:
        return start
    if error.type in ("SyntaxError", "IndentationError", "TabError"):
        here = named((sys.version_info[0], sys.version_info[1]))
        return (
            f"{start}; it is read by {here} here, Gradescope has {named(GRADING_PYTHON)} as environment.yml has, and "
            "syntax that is newer is an error"
        )
    missing = _NO_MODULE.match(error.message) if error.type == "ModuleNotFoundError" else None
    if missing and missing[1].startswith(f"{_OWN}."):
        return f"{start}; modules in folders of your own are not taken: move what you need into the files to upload"
    if missing:
        return f"{start}; the grader has Python's standard library, torch, numpy and tqdm, and your own files"
    return start


def missing_name(error: RemoteError | None) -> str | None:
    """The name that the package was asked for and does not have."""
    found = _NO_NAME.match(error.message) if error is not None and error.type == "AttributeError" else None
    return found[1] if found else None


def on_exception(error: RemoteError, place: str) -> str:
    """What to look at after an exception in a basic graded test."""
    last = error.frames[-1] if error.frames else None
    is_own = last is not None and place == f"at {last.file}:{last.line} in {last.function}"
    for types, pattern, sentence in (*_IN_OWN_LINE, *_USUAL) if is_own else _USUAL:
        found = re.search(pattern, error.message) if re.fullmatch(types, error.type) else None
        if found:
            return sentence.format(*found.groups())
    if not place:
        return "the message above says what is expected of your function"
    if not place.startswith("at "):
        return "given code cannot go on with what yours made or returned: is it what the docstrings there ask for?"
    return "start at the place above; the text behind the exception's name says what went wrong there"
