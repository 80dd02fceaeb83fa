"""Handing accepted answers on: as files for fine-tuning.

This module runs nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core.display import counted
from pipeline.core.errors import JobError

if TYPE_CHECKING:
    from pipeline.job.spec import Job
    from pipeline.runs.tuning.files import Handed, Wanted

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


def wishes(
    fine_tune: tuple[str, Path] | None,
    preference: Path | None,
    split: float | None,
    seed: int | None,
    with_soft: bool,
) -> list[Wanted]:
    """The files that are wished for; `JobError` for options that do not fit together."""
    from pipeline.runs.tuning.files import Wanted

    if split is not None and not 0 < split < 1:
        raise JobError("must be between 0 and 1", where="--split", hint="for example: --split 0.1")
    if seed is not None and split is None:
        raise JobError("works only with --split", where="--seed")
    share = split or 0.0
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
