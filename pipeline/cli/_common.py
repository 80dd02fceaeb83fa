"""What all commands share: the options they have in common, and printing.

This module knows no command.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from pipeline.cli import wording
from pipeline.core.display import safe_text
from pipeline.core.errors import JobError, PipelineError

if TYPE_CHECKING:
    from pipeline.job.allowlist import Allowed
    from pipeline.job.spec import Job
    from pipeline.runs.result import Result


SHOWN: list[int] = []
"""the exit code of what was printed as JSON, once it was: a program wants one object, and not two"""


def _job_files(incomplete: str) -> list[str]:
    """For completion: the job files whose path begins as typed, here and one folder further down."""
    typed = glob.escape(incomplete)
    return sorted([*glob.glob(f"{typed}*.y*ml"), *glob.glob(f"{typed}*/*.y*ml")])  # noqa: PTH207 - as typed


def steps_of() -> list[str]:
    """For completion: the steps of the job file that is typed already."""
    from pipeline.job import yaml_source

    typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get(
        "COMP_WORDS", ""
    )  # zsh and fish, or bash
    file = next((word for word in typed.split() if word.endswith((".yaml", ".yml"))), "")
    with suppress(OSError, ValueError, PipelineError, LookupError, TypeError):
        found = yaml_source.parse(Path(file).read_text(encoding="utf-8"), file).data
        return [str(step["name"]) for step in found["steps"]]
    return []


def first_sentence(command: Callable[..., None]) -> str:
    """What a command does, in one sentence."""
    return " ".join((command.__doc__ or "").split()).partition(". ")[0].removesuffix(".") + "."


def whole(option: str, least: int, word: str = "") -> Callable[[str], int]:
    """Reads the value of an option: a whole number that is not less than this. `word` could be given, too."""

    def read(given: str | int) -> int:
        text = str(given)  # a default is read, too
        if not re.fullmatch("[0-9]{1,18}", text) or int(text) < least:
            what = f"must be {f'{word} or ' if word else ''}a whole number from {least} on, not '{text[:40]}'"
            raise JobError(what, where=option, hint=f"for example: {option} 20")
        return int(text)

    return read


JobFile = Annotated[
    Path, typer.Argument(metavar="JOB", help="The job file (YAML).", autocompletion=_job_files)
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key: models.writer.model=gpt-5.5"),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", parser=whole("--limit", 0), help="Use only the first N records."),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Pay again for answers that were cut off, refused or rejected.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted",
        help="Somebody else wrote the job: allow it only its folder, and listed hosts and keys.",
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host",
        metavar="HOST[:PORT]",
        help="A host an untrusted job may use; default: api.openai.com.",
    ),
]
AllowKey = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-key",
        metavar="NAME[@HOST]",
        help="A key it may use there; default: OPENAI_API_KEY at OpenAI.",
    ),
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Run the Python files that the job names under plugins.")
]


def stranger(
    untrusted: bool, hosts: Sequence[str] | None, keys: Sequence[str] | None, *, asks: bool = True
) -> Allowed | None:
    """What an untrusted job is allowed; None for a trusted one. `asks`: whether requests are sent."""
    from pipeline.job.allowlist import Allowed

    if (hosts or keys) and not untrusted:
        where = "--allow-host" if hosts else "--allow-key"
        raise JobError("works only with --untrusted: a trusted job may use any host and key", where=where)
    return Allowed(tuple(hosts or ()), tuple(keys or ()), asks) if untrusted else None


def load_job(
    file: Path,
    sets: Sequence[str] | None,
    limit: int | None,
    untrusted: Allowed | None = None,
    allow_code: bool | None = None,
    besides: str = "",
) -> Job:
    """Load a job, and say which code of it runs; `allow_code`: None where its plugins are not needed.

    `besides`: a model that is used though no step asks it.
    """
    from pipeline.job.load import load

    changes = [*(sets or ())]
    if limit is not None:
        changes.append(f"records.limit={limit}")
    if untrusted and allow_code:
        raise JobError("code may never run with --untrusted", where="--allow-code")
    job = load(file, changes, untrusted=untrusted, allow_code=allow_code, besides=besides)
    if job.code.files:
        typer.echo(safe_text(f"code runs: {job.code.said}"), err=True)
    return job


def show_result(result: Result, as_json: bool) -> None:
    """Print a result, and end with its exit code."""
    show(as_json, wording.numbers_of_result(result), wording.of_result(result), result.exit_code)
    raise typer.Exit(result.exit_code)


def show(as_json: bool, numbers: Mapping[str, Any], lines: Iterable[str], code: int = 0) -> None:
    """Print the same for programs, with the exit code, or for people."""
    if as_json:
        print_lines([json.dumps({**numbers, "exit_code": code}, indent=2, default=str)])
        SHOWN.append(code)
    else:
        print_lines(lines)


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(fitted(line, sys.stdout))


def fitted(line: str, stream: TextIO) -> str:
    """A line in as many as it takes at a terminal, which would break it inside words; as it is elsewhere."""
    width = shutil.get_terminal_size().columns
    if len(line) <= width or not stream.isatty():
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.fill(line)


def print_warnings(warnings: Sequence[str]) -> None:
    """Print what is likely to be a slip, on standard error."""
    for warning in warnings:
        typer.echo("warning: " + "\n".join(map(safe_text, warning.splitlines())), err=True)
