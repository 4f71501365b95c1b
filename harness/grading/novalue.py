"""What a student reads where their code gave a graded test no value: it raised, took too long, or is not there yet.

A basic graded test tells the exception and the innermost line of the student's own that it passed. A hidden one says no
more than that there was one: code could spell out with exceptions what it was given.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.grading import advice
from harness.grading.feedback import Cause, Failure
from harness.sandbox import Frame, RemoteError, Reply, Status

#: The hint where values have another form: one for all graded tests and all values.
OTHER_FORM = "does the code return what its docstring says: types, shapes and lengths?"

#: The hint where code raises in a hidden graded test, whatever it raises.
HIDDEN_EXCEPTION = (
    "an exception was raised; if a basic test about this part fails as well, start there. If not: does the code work "
    "with longer, shorter and other input, and do functions take the arguments that the handout names?"
)


def of_another_form(said: str) -> Failure:
    """The Failure over a reply that has not the form that its probe declares."""
    return Failure("values in the form that this graded test asks for", said, OTHER_FORM, cause=Cause.UNREADABLE)


@dataclass(frozen=True)
class NoValue:
    """A run that gave no value, told to its author: what to show of it, and what to look at."""

    reply: Reply
    hidden: bool
    lacking: Mapping[str, str]
    """The modules that were not uploaded, or could not be used, and a sentence on each."""
    place: str = ""
    """Where in the student's own code it came from; empty where that is not known."""
    among: str = "among the uploaded files"
    """Where all modules should be, in words."""

    def failure(self) -> Failure:
        """The Failure of the graded test."""
        reply, hidden = self.reply, self.hidden
        match reply.status:
            case Status.IMPORT_FAILED | Status.RAISED if needed := self._missed():
                return self._waits_for_files(needed)
            case Status.IMPORT_FAILED:
                return self._waits_for_import()
            case Status.RAISED if self._is_unwritten():
                return self._waits_for_part()
            case Status.RAISED if not hidden and (name := advice.missing_name(reply.error)):
                return _waits_for_name(name)
            case Status.RAISED:
                return self._raised()
            case Status.TIMED_OUT | Status.OUT_OF_CPU:
                return self._late()
            case Status.OUT_OF_MEMORY:
                return Failure(
                    "work within the memory limit",
                    f"more was asked for: {_detail(reply, hidden)}",
                    "what does the code allocate here?",
                    public=True,
                    cause=Cause.LIMIT,
                )
            case Status.BAD_REPLY if hidden:
                return of_another_form(reply.detail)
            case Status.BAD_REPLY:
                return Failure(
                    "plain tensors and numbers",
                    f"an answer that could not be read: {reply.detail}",
                    "are these ordinary tensors of ordinary size?",
                    public=True,
                    cause=Cause.UNREADABLE,
                )
            case _:
                return Failure(
                    "the code returns",
                    f"its process ended: {_detail(reply, hidden)}",
                    "does the code exit or crash the interpreter?",
                    public=True,
                    cause=Cause.ENDED,
                )

    def _missed(self) -> list[str]:
        """Those of the lacking modules which the code tried to import; in a hidden graded test all or none."""
        error = self.reply.error
        if error is None or error.type not in ("ModuleNotFoundError", "ImportError"):
            return []
        found = [name for name in self.lacking if re.search(rf"\b{re.escape(Path(name).stem)}\b", error.message)]
        return list(self.lacking) if self.hidden and found else found

    def _waits_for_files(self, needed: Sequence[str]) -> Failure:
        hint = (
            f"this graded test waits until the package has its {' and '.join(needed)}: the code imports what is not "
            "there"
        )
        sentences = "; ".join(self.lacking[name] for name in needed)
        return Failure(f"{', '.join(needed)} {self.among}", sentences, hint, public=True, cause=Cause.WAITS)

    def _is_unwritten(self) -> bool:
        """Whether the code stands for a part that is yet to be written, or uploaded."""
        error = self.reply.error
        if error is None:
            return False
        if error.type == "AttributeError" and self.lacking:
            return "module 'submission'" in error.message
        return error.type == "NotImplementedError"

    def _waits_for_part(self) -> Failure:
        expected, lacking = "the part that this graded test looks at", self.lacking
        unusable = [said for name, said in lacking.items() if not said.startswith(f"{name}: missing")]
        if unusable:
            hint, seen = "this graded test waits until all modules of the package can be used", "; ".join(unusable)
            return Failure(expected, seen, hint, public=True, cause=Cause.WAITS)
        if lacking and self._is_lacking():
            seen = f"it belongs to what is not {self.among} ({', '.join(lacking)})"
            hint = f"this graded test waits until {' and '.join(lacking)} is {self.among}"
            return Failure(expected, seen, hint, public=True, cause=Cause.WAITS)
        seen, hint = "it is not written yet", "this graded test waits until the part is written"
        if not self.hidden and self.place:
            seen += f": NotImplementedError {self.place}"
        return Failure(expected, seen, hint, public=True, cause=Cause.WAITS)

    def _is_lacking(self) -> bool:
        """Whether the stand-in for a module that was not uploaded raised, and no code that is to be written."""
        frames = self.reply.error.frames if self.reply.error else ()
        return not frames or (frames[-1].file.endswith("__init__.py") and frames[-1].function == "__getattr__")

    def _waits_for_import(self) -> Failure:
        expected, error = "`import submission` works", self.reply.error
        if self.hidden or error is None:
            hint = "this graded test waits until the code imports; the basic graded tests show the message"
            return Failure(expected, "it does not import", hint, public=True, cause=Cause.WAITS)
        hint = f"this graded test waits until the code imports: {advice.on_import(error)}"
        at = (
            f"at {_last(error.frames)}" if error.frames else ""
        )  # where an import fails, anything may have been changed
        return Failure(expected, f"it raised {_shown(error, at)}", hint, public=True, cause=Cause.WAITS)

    def _raised(self) -> Failure:
        error = self.reply.error
        if self.hidden or error is None:
            return Failure("the code returns", "it raised an exception", HIDDEN_EXCEPTION, cause=Cause.ENDED)
        if error.type == advice.NOTHING_RETURNED:
            hint = "end it with a return statement that hands on what it made"
            return Failure("a value from your function", error.message, hint, public=True)
        return Failure(
            "the code returns",
            f"it raised {_shown(error, self.place)}",
            advice.on_exception(error, self.place),
            public=True,
            raised=_type(error),
            cause=Cause.ENDED,
        )

    def _late(self) -> Failure:
        seen, hint = (
            f"none: {_detail(self.reply, self.hidden)}",
            "does the code train, loop or wait where it should not?",
        )
        if self.place and not self.hidden:
            seen += f", {self.place}"
            hint = "is there a loop that never ends? If not, what takes so long there?"
        return Failure("an answer in time", seen, hint, public=True, cause=Cause.LIMIT)


def _detail(reply: Reply, hidden: bool) -> str:
    """How the run ended. Exit codes, signals and times are the student's to choose: hidden graded tests repeat none."""
    if not hidden:
        return reply.detail
    return {
        Status.TIMED_OUT: "stopped at the time limit",
        Status.OUT_OF_CPU: "stopped at the time limit",
        Status.OUT_OF_MEMORY: "stopped at the memory limit",
    }.get(reply.status, "without an answer")


def _waits_for_name(name: str) -> Failure:
    return Failure(
        f"the package submission offers {name}",
        f"it has no {name}",
        "submission/__init__.py came with the template and takes all names from the other files: put it back as it was",
        public=True,
        cause=Cause.WAITS,
    )


def _type(error: RemoteError) -> str:
    """The exception's type where Python itself defines it."""
    known = getattr(builtins, error.type, None) if error.type.isidentifier() else None
    return error.type if isinstance(known, type) and issubclass(known, BaseException) else ""


def _shown(error: RemoteError, place: str) -> str:
    """The exception, and the place in a line of its own."""
    said = f"{error.type}: {error.message}" if error.message else error.type
    return f"{said}\n          {place}" if place else said


def _last(frames: Sequence[Frame]) -> str:
    return f"{frames[-1].file}:{frames[-1].line} in {frames[-1].function}"
