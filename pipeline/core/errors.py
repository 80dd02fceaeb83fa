"""The errors that a user can meet, each with the exit code of the command.

    PipelineError
    ├── JobError        2    the job file, a template or an option is wrong: where, what, what to do
    ├── InputError      2    the records are wrong: which file, which line, what to do
    ├── RunStopped      75   a fatal fault stopped the run; the same command goes on
    │   ├── KeyRefused  4    the server refuses the key; only a person can mend that
    │   ├── OutOfQuota  4    the account's quota is spent
    │   │   └── OutOfBudget  the job's budget is spent
    │   ├── Detached    75   everything is in batches; the same command collects them
    │   └── Interrupted 130  Ctrl-C, SIGTERM or SIGHUP
    ├── Locked          75   another run of this job is alive
    └── DiskError       74   the disk is full, failing or not writable; the journal is too new or broken

`EXIT_CODES` says what each code means: the help and the pages are written from it.
What went wrong with one request is a `Fault` (domain.py), not an error: it is kept in its row.
This module knows nothing of files, HTTP or the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

OK = 0
ROWS_FAILED = 3


class ExitCode(NamedTuple):
    """An exit code: what it means in few words, what may have happened, and what to do."""

    short: str
    meaning: str
    todo: str


EXIT_CODES = {
    0: ExitCode("ok", "all rows are there", "nothing"),
    1: ExitCode("error in the program", "an error that the program does not know, with its traceback",
        "report it; what was answered is in the journal"),
    2: ExitCode("job file or records", "the job file, a template, an option or the records are wrong, or "
        "the output format cannot hold the result (the answers are kept)",
        "fix what the message names, run again"),
    3: ExitCode("some rows failed", "the table is there, some rows failed or wait for a person",
        "see `failures.csv`; run again for those that were not paid for, with `--retry-failed` for all"),
    4: ExitCode("key, quota or budget", "the key is refused, or the account's quota or the job's budget is "
        "spent", "set the right key, add money or raise the budget; run the same command"),
    74: ExitCode("disk", "a disk is full or failing, or a file is damaged", "free space, run the same "
        "command"),
    75: ExitCode("can be resumed", "stopped, can be resumed: an outage, a wrong model or address, mostly "
        "failing rows, the end of `--until`, another run alive, or rows that are pending",
        "fix what the message names, if anything; run the same command"),
    130: ExitCode("interrupted", "interrupted (Ctrl-C, SIGTERM, SIGHUP, `ctl stop`)", "run the same command"),
}  # fmt: skip
MOST_TOLD = 10  # the most errors that one message lists
_JSON_FAULT = re.compile(r"([^()\n]{1,200}): line (\d+) column (\d+) \(char \d+\)")
"""how both parsers of JSON write what is wrong, and where"""
_JSON_WORDS = (
    (r"end of data|zero-length|Unterminated", "it ends too early"),
    (r"Extra data|after document", "more text follows where it should end"),
    (r"trailing comma", "a comma stands before a closing bracket"),
    (r"':'", "a colon is missing after a key"),
    (r"','", "a comma or a closing bracket is missing"),
    (r"property name|string key", "a key without double quotes"),
    (r"control character", "a line break or another control character in a text; write it as \\n"),
    (r"escape", "a backslash before a sign that needs none"),
    (r"surrogate|UTF-8|utf-8", "a text that is not Unicode"),
    (r"literal", "a word that is not true, false or null"),
    (r"number|infinity|digit", "a number that is not written as JSON writes it"),
    (r"depth|recursion", "it is nested too deeply"),
    (r"", "a value is missing here, or a text without double quotes"),
)
_OTHER_WORDS = (
    (r".*recursion depth exceeded.*", "it is nested too deeply"),
    (r"conversion from .* failed in column '(.*)' for (\d+) out of (\d+) values: (.*)",
     r"a CAST does not fit \2 of \3 values of '\1', such as \4: TRY_CAST would make them null"),
    (r"casting from .+? to .+? not supported\.?",
     "a CAST from a text to such a type is not possible: compare the text itself"),
)  # fmt: skip


def own_words(said: str) -> str:
    """What a library says of JSON or of a CAST, in the words of this program; the rest stays as it is."""
    for pattern, words in _OTHER_WORDS:
        if found := re.fullmatch(pattern, said):
            return found.expand(words)
    return _JSON_FAULT.sub(_json_fault, said)


def _json_fault(found: re.Match[str]) -> str:
    words = next(words for pattern, words in _JSON_WORDS if re.search(pattern, found[1]))
    return f"{words} (line {found[2]}, character {found[3]})"


class PipelineError(Exception):
    """A sentence for the user: `where` it is, `what` is wrong, `hint`: what to do."""

    exit_code = 1
    outcome = "failed"
    """how a run ends with it, in a word or two, for programs"""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.numbers: dict[str, float | None] = {}
        """the run's counters at that time, for programs"""
        self.more: tuple[PipelineError, ...] = ()
        """what else was found wrong at the same time"""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return "\n".join([f"{text}\n  {self.hint}" if self.hint else text, *self.others()])

    def others(self) -> list[str]:
        """A text for each other error; where they are too many, the last text says how many are left out."""
        told = [str(error) for error in self.more[: MOST_TOLD - 1]]
        left = len(self.more) - len(told)
        return [*told, *([f"and {left:,} more"] if left else [])]


class JobError(PipelineError):
    """The job file, a template or an option is wrong."""

    exit_code = 2


class InputError(PipelineError):
    """The records are wrong; nothing was sent."""

    exit_code = 2


class RunStopped(PipelineError):
    """A fatal fault stopped the run; what is paid for is in the journal."""

    exit_code = 75
    outcome = "stopped"


class KeyRefused(RunStopped):
    """The server refuses the key."""

    exit_code = 4
    outcome = "key refused"


class OutOfQuota(RunStopped):
    """The account's quota is spent."""

    exit_code = 4
    outcome = "out of quota"


class OutOfBudget(OutOfQuota):
    """The job's budget is spent."""

    outcome = "out of budget"


class Interrupted(RunStopped):
    """The user, or the system, asked the run to end."""

    exit_code = 130
    outcome = "interrupted"


class Detached(RunStopped):
    """Everything that could be asked is in batches, and the run was not to wait for them."""

    outcome = "detached"

    def __init__(self, batches: int) -> None:
        what = f"detached: {batches} batch{'es are' if batches != 1 else ' is'} under way"
        super().__init__(what, hint="the same command collects what is done, and goes on")


class Locked(PipelineError):
    """Another run holds the job's folder."""

    exit_code = 75


class DiskError(PipelineError):
    """A file cannot be written or trusted."""

    exit_code = 74


Error = TypeVar("Error", bound=PipelineError)


def together(errors: Sequence[Error]) -> Error:
    """The first of several errors, with the others in its `more`; equal ones only once."""
    first, *others = {str(error): error for error in errors}.values()
    first.more = tuple(others)
    return first


@contextmanager
def one_error() -> Iterator[None]:
    """Let one error out of a group: the first `PipelineError`, or else the first of all.

    A bug fails every task of the pool: one traceback says as much as five hundred.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group.subgroup(PipelineError) or group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
