"""A run's result, its rows, and what stopped it."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.cli.wording._base import NO_RECORDS, shown
from pipeline.core.display import clock, counted, dollars, safe_text
from pipeline.core.domain import DOLLAR
from pipeline.core.progress import Progress
from pipeline.runs.result import Result

if TYPE_CHECKING:
    import polars as pl

    from pipeline.core.errors import PipelineError
    from pipeline.job.spec import Job
    from pipeline.output.folder import Filed

_ROWS = ("ok", "failed", "skipped", "pending")


def of_result(result: Result) -> Iterator[str]:
    """The lines that end a run or an export."""
    counts = {name: getattr(result, name) for name in _ROWS}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    yield f"{counted(result.rows, 'row')}: {said or 'none'}"
    if not result.rows:
        yield NO_RECORDS
    cost = "" if result.cost == 0 or not result.sent else f", {dollars(result.cost)}"
    yield (
        f"{counted(result.sent, 'request')} sent, {result.recalled:,} answered by the journal; "
        f"{result.input_tokens:,} + {result.output_tokens:,} tokens in + out{cost}; {clock(result.seconds)}"
    )
    for target in result.targets:
        yield f"result    {shown(target)}"
    for path in result.kept:
        name = shown(path)
        yield f"kept      {name}: the table before, which was changed or not written by this job"
    if result.filed:
        yield from _of_files(result.filed)
    if result.failures:
        why = ", ".join(f"{count:,} {kind}" for kind, count in result.reasons.items())
        yield f"failures  {shown(result.failures)}: {why}{_paid(result)}"
    yield from (safe_text(f"odd: {remark}") for remark in result.remarks)
    if result.advice:
        yield f"held up by {result.advice}"


def _paid(result: Result) -> str:
    """The sentence about failed rows that were paid for."""
    paid, again = result.paid_failures, "asked again only with --retry-failed"
    if not paid or paid == result.failed:
        return f"; paid for, so {again}" if paid else ""
    return f"; {paid:,} of these {result.failed:,} {'is' if paid == 1 else 'are'} paid for, and {again}"


def _of_files(filed: Filed) -> Iterator[str]:
    """The lines about the files of the rows."""
    done = [f"{filed.written:,} written", *([f"{filed.removed:,} removed"] if filed.removed else [])]
    yield f"files     {shown(filed.folder)}: {counted(filed.listed.files, 'file')}, {', '.join(done)}"
    for remarks, what in ((filed.missing, "row"), (filed.edited, "file")):
        yield from (safe_text(f"  {sentence}") for sentence in remarks.shown)
        more = remarks.count - len(remarks.shown)
        if more:
            yield f"  … and {counted(more, f'more {what}')} like that"


def numbers_of_result(result: Result) -> dict[str, Any]:
    """The same for programs."""
    numbers = ("rows", "sent", "recalled", "input_tokens", "output_tokens", "seconds", "cost")
    names = (*_ROWS, *numbers, "advice", "remarks", "targets", "failures", "reasons", "paid_failures")
    filed = {"filed": asdict(result.filed)} if result.filed else {}
    kept = {"kept": [str(path) for path in result.kept]} if result.kept else {}
    return {**{name: getattr(result, name) for name in names}, **filed, **kept}


def numbers_of_stop(progress: Progress) -> dict[str, float | None]:
    """What a run has done that stopped, for programs."""
    names = ("ok", "failed", "skipped", "sent", "recalled", "input_tokens", "output_tokens")
    cost = None if progress.unpriced else progress.cost / DOLLAR
    return {**{name: getattr(progress, name) for name in names}, "cost": cost}


def numbers_of_error(error: PipelineError) -> dict[str, Any]:
    """An error for programs."""
    said = {"what": error.what, "where": error.where, "hint": error.hint, "more": error.others()}
    return {"error": said, "exit_code": error.exit_code, **error.numbers}


def of_rows(job: Job, frame: pl.DataFrame) -> Iterator[str]:
    """Rows of a result, one under the other: which row it is, how it stands, what the steps wrote."""
    width = shutil.get_terminal_size((100, 24)).columns
    steps = {step.name for step in job.steps}
    heads = [*(job.records.key or frame.columns[:1]), *(name for step in job.steps for name in step.each)]
    written = [name for name in frame.columns if name.split(".")[0] in steps]
    for row in frame.iter_rows(named=True):
        status = [row[name] for name in ("_status", "_reason") if row.get(name)]
        names = ("***" if name in job.records.private else str(row[name]) for name in dict.fromkeys(heads))
        yield safe_text(" ".join(names) + "  " + ", ".join(status))
        for name in written:
            text = safe_text(f"{name}: {row[name] if row[name] is not None else '-'}")
            yield textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ")
