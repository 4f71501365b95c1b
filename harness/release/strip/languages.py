"""What stripping must know of a file's language: which lines are comments, what a stub looks like, whether it parses.

Promises: pure, but for `bash -n`, which is asked to read a script and never runs it. YAML has no parser in the standard
library and is checked by its lines only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Collection
from pathlib import PurePosixPath

from harness.release.strip.blocks import Block
from harness.release.strip.python_rules import Fault, Source, parse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Language:
    """Plain text: nothing to parse, and a block leaves one empty line behind."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.fault = self._fault()

    def _fault(self) -> Fault | None:
        """Why the text is not of this language, if so."""
        return None

    def comment_lines(self) -> Collection[int] | None:
        """Numbers of the lines that are comments; None where the language cannot tell."""
        return None

    def check(self, block: Block) -> str | None:
        """Why `block` may not be cut out, if so."""
        return None if any(line.strip() for line in block.body) else "block holds nothing"

    def default_stub(self, block: Block) -> str:  # noqa: ARG002 (other languages ask the block)
        """The line that stands in a block without stub lines."""
        return ""


class Python(Language):
    """Parsed with `ast`, comments told from strings by `tokenize`."""

    def _fault(self) -> Fault | None:
        tree = parse(self.text)
        if isinstance(tree, Fault):
            return tree
        try:
            self._source = Source(self.text, tree)
        except (tokenize.TokenError, SyntaxError) as problem:
            return Fault(1, f"not valid Python: {problem}")
        return self._source.tab()

    def comment_lines(self) -> Collection[int] | None:
        """See Language."""
        return self._source.comment_lines()

    def check(self, block: Block) -> str | None:
        """See Language."""
        return self._source.check(block)

    def default_stub(self, block: Block) -> str:
        """See Language."""
        return self._source.default_stub(block)


class Shell(Language):
    """Read by `bash -n` where there is a bash."""

    def _fault(self) -> Fault | None:
        bash = shutil.which("bash")
        if bash is None:
            return None
        run = subprocess.run(
            [bash, "-n"], input=self.text.encode(), capture_output=True, env={"LC_ALL": "C"}, check=False, timeout=30
        )
        return None if run.returncode == 0 else _bash_fault(run.stderr.decode(errors="replace"))

    def default_stub(self, block: Block) -> str:
        """A command that does nothing: an empty `then` or function body is a syntax error."""
        return f"{block.indent}: # your code"


def _bash_fault(said: str) -> Fault:
    """`bash: line 12: syntax error ...` as a fault; the first line of what bash says."""
    first = said.strip().splitlines()[0] if said.strip() else "syntax error"
    head, _, rest = first.partition(": line ")
    number, _, message = rest.partition(": ")
    return Fault(int(number), f"not valid bash: {message}") if number.isdigit() else Fault(1, f"not valid bash: {head}")


class Settings(Language):
    """Keys and values: a key that is gone changes what its readers find, so a block must bring its stub."""

    def check(self, block: Block) -> str | None:
        """See Language."""
        return super().check(block) or (None if block.stub else "block leaves nothing; give its stub on '#| ' lines")


class Toml(Settings):
    """Read by the standard library's parser."""

    def _fault(self) -> Fault | None:
        try:
            tomllib.loads(self.text)
        except RecursionError:
            return Fault(1, "not valid TOML: nested too deeply")
        except ValueError as problem:
            place = re.search(r"line (\d+)", str(problem))
            return Fault(int(place[1]) if place else 1, f"not valid TOML: {problem}")
        return None


class Yaml(Settings):
    """Read by PyYAML, without making objects of what it says."""

    def _fault(self) -> Fault | None:
        import yaml

        try:
            for _ in yaml.compose_all(self.text, Loader=yaml.SafeLoader):
                pass
        except RecursionError:
            return Fault(1, "not valid YAML: nested too deeply")
        except yaml.YAMLError as problem:
            mark = getattr(problem, "problem_mark", None)
            said = getattr(problem, "problem", None) or str(problem)
            return Fault(mark.line + 1 if mark else 1, f"not valid YAML: {said}")
        return None


_LANGUAGES: dict[str, type[Language]] = {".py": Python, ".sh": Shell, ".toml": Toml, ".yml": Yaml}


def read(name: str, text: str) -> Language:
    """`text` as the language that its file's suffix says."""
    return _LANGUAGES.get(PurePosixPath(name).suffix, Language)(text)
