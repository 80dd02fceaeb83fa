"""Results in words: what the commands say of a run, a plan and a journal. Nothing is printed here."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.results import Plan, Result
from pipeline.screen import clock, safe_text
from pipeline.tally import counted

if TYPE_CHECKING:
    import polars as pl

    from pipeline.job import Job

_ROWS = ("ok", "failed", "skipped", "pending")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table with aligned columns."""
    cells = [list(head), *([safe_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def of_result(result: Result) -> Iterator[str]:
    """The lines that end a run or an export."""
    counts = {name: getattr(result, name) for name in _ROWS}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    yield f"{counted(result.rows, 'row')}: {said or 'none'}"
    yield (
        f"{counted(result.sent, 'request')} sent, {result.recalled:,} answered by the journal; "
        f"{result.input_tokens:,} + {result.output_tokens:,} tokens in + out; {clock(result.seconds)}"
    )
    for target in result.targets:
        yield f"result    {_shown(target)}"
    if result.failures:
        yield f"failures  {_shown(result.failures)}"


def numbers_of_result(result: Result) -> dict[str, Any]:
    """The same for programs."""
    names = (
        *_ROWS,
        "rows",
        "sent",
        "recalled",
        "input_tokens",
        "output_tokens",
        "seconds",
        "targets",
        "failures",
    )
    return {name: getattr(result, name) for name in names}


def of_plan(plan: Plan) -> Iterator[str]:
    """The lines of a plan."""
    failed = f", {plan.failed:,} of them fail as they are" if plan.failed else ""
    size = f"{counted(plan.records, 'record')}, {counted(plan.rows, 'row')}"
    yield f"{size}, {plan.complete:,} of them complete{failed}"
    rows = [
        (
            step.step,
            step.model,
            f"{step.answered:,}",
            f"{step.missing:,}",
            f"up to {step.later:,}" if step.later else "",
            f"{step.input_tokens:,}",
            "no limit set" if step.output_limit is None else f"{step.output_limit:,}",
        )
        for step in plan.steps
    ]
    yield from table(
        ("step", "model", "answered", "missing", "then", "tokens in", "tokens out at most"), rows
    )
    yield "Nothing was sent. Tokens are estimates; steps that wait for missing answers are not in them."


def numbers_of_plan(plan: Plan) -> dict[str, Any]:
    """The same for programs."""
    return {**asdict(plan), "missing": plan.missing, "later": plan.later}


def of_rows(job: Job, frame: pl.DataFrame) -> Iterator[str]:
    """Rows of a result, one under the other: which row it is, how it stands, what the steps wrote."""
    width = shutil.get_terminal_size((100, 24)).columns
    steps = {step.name for step in job.steps}
    heads = [*(job.records.key or frame.columns[:1]), *(name for step in job.steps for name in step.each)]
    written = [name for name in frame.columns if name.split(".")[0] in steps]
    for row in frame.iter_rows(named=True):
        status = [row[name] for name in ("_status", "_reason") if row.get(name)]
        yield safe_text(" ".join(str(row[name]) for name in dict.fromkeys(heads)) + "  " + ", ".join(status))
        for name in written:
            text = safe_text(f"{name}: {row[name] if row[name] is not None else '-'}")
            yield textwrap.fill(text, width, initial_indent="  ", subsequent_indent="    ")


def of_standing(standing: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a job's standing."""
    running = f"running ({standing['running']})" if standing["running"] else "not running"
    yield safe_text(f"{standing['job']}: {running}; last run: {standing['last_run'] or 'none'}")
    rows = [
        (row["step"], row["outcome"], f"{row['attempts']:,}", f"{row['mean_seconds']:.2f}")
        for row in standing["attempts"]
    ]
    yield from table(("step", "outcome", "attempts", "mean s"), rows)


def _shown(path: Path) -> str:
    return safe_text(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
