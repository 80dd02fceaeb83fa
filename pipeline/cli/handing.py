"""Handing accepted answers on: as files for fine-tuning, and to a fine-tuning job.

This module runs nothing itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core.display import counted, safe_text
from pipeline.core.errors import JobError

if TYPE_CHECKING:
    from pipeline.job.spec import Job
    from pipeline.runs.tuning.files import Handed, Wanted
    from pipeline.runs.tuning.state import Tuned

FORMATS = ("chat",)
FineTune = Annotated[
    tuple[str, Path] | None,
    typer.Option(
        "--fine-tune",
        metavar="chat OUT.jsonl",
        help="Write accepted answers in a format of fine-tuning, and no table.",
    ),
]
Preference = Annotated[
    Path | None,
    typer.Option(
        "--preference",
        metavar="OUT.jsonl",
        help="Write pairs of an accepted answer and one that was not: of repairs and picks.",
    ),
]
Step = Annotated[
    str,
    typer.Option(
        "--step",
        metavar="STEP",
        help="Whose answers are handed on, where there are several steps.",
        autocompletion=common.steps_of,
    ),
]
Split = Annotated[
    float | None,
    typer.Option("--split", metavar="0.1", help="The share of questions for OUT.validation.jsonl."),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", metavar="N", parser=common.whole("--seed", 0), help="Draws other questions for it."
    ),
]
WithSoft = Annotated[
    bool, typer.Option("--with-soft", help="Hand on also answers of which a soft check complains.")
]


def share_of(split: float | None, seed: int | None) -> float:
    """The share of questions for validation; `JobError` for one that is none."""
    if split is not None and not 0 < split < 1:
        raise JobError("must be between 0 and 1", where="--split", hint="for example: --split 0.1")
    if seed is not None and split is None:
        raise JobError("works only with --split", where="--seed")
    return split or 0.0


def wishes(
    fine_tune: tuple[str, Path] | None,
    preference: Path | None,
    split: float | None,
    seed: int | None,
    with_soft: bool,
) -> list[Wanted]:
    """The files that are wished for; `JobError` for options that do not fit together."""
    from pipeline.runs.tuning.files import Wanted

    share = share_of(split, seed)
    found = []
    if fine_tune:
        if fine_tune[0] not in FORMATS:
            raise JobError(
                f"there is no format '{fine_tune[0]}'", where="--fine-tune", hint="--fine-tune chat OUT.jsonl"
            )
        found.append(Wanted(fine_tune[1], "chat", share, seed or 0, with_soft))
    if preference:
        found.append(Wanted(preference, "preference", share, seed or 0, with_soft))
    if not found and (split is not None or with_soft):
        where = "--with-soft" if split is None else "--split"
        raise JobError("works only with --fine-tune or --preference", where=where)
    return found


def hand_on(job: Job, step: str, wanted: Sequence[Wanted], as_json: bool) -> None:
    """Write the files, and say what is in them."""
    from pipeline import api
    from pipeline.runs.tuning.export import warnings_of

    handed = api.hand_on(job, step, wanted)
    common.print_warnings([warning for one in handed for warning in warnings_of(one)])
    lines = [line for one in handed for line in of_handed(one)]
    common.show(as_json, {"files": [numbers_of(one) for one in handed]}, lines)


def of_handed(handed: Handed) -> Iterator[str]:
    """What was written, and what was left out, in words."""
    for path, number in handed.files.items():
        yield f"{wording.shown(path)}: {counted(number, 'example')}"
    yield f"some {handed.tokens:,} tokens for each pass over the training file"
    for why, number in handed.left_out.most_common():
        yield f"left out {number:,}: {why}"
    if handed.unanswered:
        yield f"{counted(handed.unanswered, 'row')} without an accepted answer"


def numbers_of(handed: Handed) -> dict[str, Any]:
    """The same for programs."""
    files = {str(path): number for path, number in handed.files.items()}
    left_out = dict(handed.left_out)
    return {"examples": files, "tokens": handed.tokens, "left_out": left_out, "unanswered": handed.unanswered}


_Model = Annotated[
    str,
    typer.Option(
        "--model", metavar="NAME", help="The job's model whose endpoint trains; default: the step's."
    ),
]
_Base = Annotated[
    str, typer.Option("--base", metavar="MODEL", help="What is trained further; default: that model itself.")
]
_Suffix = Annotated[str, typer.Option("--suffix", metavar="TEXT", help="A part of the new model's name.")]
_Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        parser=common.whole("--epochs", 1),
        help="Passes over the examples; default: the server decides.",
    ),
]


def finetune(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    step: Step = "",
    model: _Model = "",
    base: _Base = "",
    suffix: _Suffix = "",
    epochs: _Epochs = None,
    split: Split = None,
    seed: Seed = None,
    with_soft: WithSoft = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put the new model's name into the job file.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Train without asking.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Train again, although the same was trained before.")
    ] = False,
    as_json: common.AsJson = False,
    allow_code: common.AllowCode = False,
) -> None:
    """Train a model with the accepted answers of a step, and follow it to its end. It costs money."""
    share = share_of(split, seed)
    job = common.load_job(job_file, sets, limit, allow_code=allow_code, besides=model)
    from pipeline import api
    from pipeline.runs.tuning.state import Order

    order = Order(step, model, base, suffix, epochs, share, seed or 0, with_soft, again)
    say = partial(typer.echo, err=True)
    try:
        tuned = api.finetune(job, order, partial(_agreed, yes), say)
    except KeyboardInterrupt:
        say(
            "a fine-tuning job that was begun goes on at the server; it is paid for also if nobody follows it"
        )
        raise
    lines = list(_of_tuned(job, tuned, write))
    common.show(as_json, {"model": tuned.name, "job": tuned.job, "for": tuned.model}, lines)


def _agreed(yes: bool, handed: Handed, base: str, epochs: int | None) -> None:
    """Say what is trained, and ask whether it shall be."""
    for line in of_handed(handed):
        typer.echo(safe_text(line), err=True)
    times = (
        f" x {epochs} = {handed.tokens * epochs:,}"
        if epochs
        else " for each pass; the server decides how many"
    )
    typer.echo(safe_text(f"training {base} costs money: some {handed.tokens:,} tokens{times}"), err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise JobError("training costs money", where="pipeline finetune", hint="to train: add --yes")
    if not typer.confirm("train?", err=True):
        raise typer.Abort


def _of_tuned(job: Job, tuned: Tuned, write: bool) -> Iterator[str]:
    from pipeline.runs.tuning.edit import write_model

    yield f"the model is there: {tuned.name}"
    why = write_model(job, tuned.model, tuned.name) if write else "add --write to have it written"
    if not why:
        yield f"written into {wording.shown(job.file)}: models.{tuned.model}.model"
    else:
        where = job.text.where(("models", tuned.model, "model"))
        yield f"to use it, in {where}: model: {tuned.name}" + (f" ({why})" if write else "")
        yield f"or with a command: --set models.{tuned.model}.model={tuned.name}"
    yield "its answers are new requests: the next run asks for all rows again, and pays for them"
