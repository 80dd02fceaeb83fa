"""Results in words: what the commands say of a run, a plan and a journal. Nothing is printed here."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.domain import DOLLAR
from pipeline.pilot import Interval, Pilot
from pipeline.results import Plan, Result, StepPlan
from pipeline.screen import clock, safe_text
from pipeline.tally import counted, dollars

if TYPE_CHECKING:
    import polars as pl

    from pipeline.errors import PipelineError
    from pipeline.job import Job
    from pipeline.shelf import Filed
    from pipeline.tally import Tally

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
    cost = "" if result.cost == 0 or not result.sent else f", {dollars(result.cost)}"
    yield (
        f"{counted(result.sent, 'request')} sent, {result.recalled:,} answered by the journal; "
        f"{result.input_tokens:,} + {result.output_tokens:,} tokens in + out{cost}; {clock(result.seconds)}"
    )
    for target in result.targets:
        yield f"result    {shown(target)}"
    if result.filed:
        yield from _of_files(result.filed)
    if result.failures:
        yield f"failures  {shown(result.failures)}"
    if result.advice:
        yield f"held up by {result.advice}"


def _of_files(filed: Filed) -> Iterator[str]:
    """What became of the files of the rows."""
    done = [f"{filed.written:,} written", *([f"{filed.removed:,} removed"] if filed.removed else [])]
    yield f"files     {shown(filed.folder)}: {counted(filed.listed.files, 'file')}, {', '.join(done)}"
    for remarks, what in ((filed.missing, "row"), (filed.edited, "file")):
        yield from (safe_text(f"  {sentence}") for sentence in remarks.shown)
        more = remarks.count - len(remarks.shown)
        if more:
            yield f"  … and {counted(more, f'more {what}')} like that"


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
        "cost",
        "advice",
        "targets",
        "failures",
    )
    filed = {"filed": asdict(result.filed)} if result.filed else {}
    return {**{name: getattr(result, name) for name in names}, **filed}


def numbers_of_stop(tally: Tally) -> dict[str, float | None]:
    """What a run has done that stopped, for programs."""
    names = ("ok", "failed", "skipped", "sent", "recalled", "input_tokens", "output_tokens")
    cost = None if tally.unpriced else tally.cost / DOLLAR
    return {**{name: getattr(tally, name) for name in names}, "cost": cost}


def numbers_of_error(error: PipelineError) -> dict[str, Any]:
    """An error for programs."""
    said = {"what": error.what, "where": error.where, "hint": error.hint}
    return {"error": said, "exit_code": error.exit_code, **error.numbers}


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
            f"{step.output_tokens:,}",
            "no limit set" if step.output_limit is None else f"{step.output_limit:,}",
            _about(step),
        )
        for step in plan.steps
    ]
    head = (
        "step",
        "model",
        "answered",
        "missing",
        "then",
        "tokens in",
        "out about",
        "out at most",
        "cost about",
    )
    yield from table(head, rows)
    yield from _money(plan)


def _about(step: StepPlan) -> str:
    if step.cost is None:
        return "not known"
    later = f" + {dollars(step.later_cost)}" if step.later and step.later_cost is not None else ""
    return f"{dollars(step.cost)}{later}"


def _money(plan: Plan) -> Iterator[str]:
    """What it all comes to, and how sure that is."""
    if plan.cost is None:
        yield "Nothing was sent. A price is not known: state it under models.<name>.price."
        return
    unknown = any(step.later and step.later_cost is None for step in plan.steps)
    more = ", without the steps that wait for missing answers" if unknown else ""
    most = f", at most {dollars(plan.most)} for what is missing" if plan.missing else ""
    maybe = f", and at most {dollars(plan.maybe_spent)} that may have been billed" if plan.maybe_spent else ""
    spent = f"Spent so far: {dollars(plan.spent)}{maybe}"
    yield f"Nothing was sent. To come: about {dollars(plan.cost)}{most}{more}. {spent}."
    if plan.budget is not None:
        left = max(plan.budget - plan.spent - plan.maybe_spent, 0.0)
        short = "; that may not be enough" if plan.cost > left else ""
        yield f"Left of budget.cost: {dollars(left)} of {dollars(plan.budget)}{short}."
    if not all(step.measured for step in plan.steps if step.missing):
        yield "Answers are estimated by their limit, or 500 tokens; `run --pilot 30` measures them."


def of_pilot(pilot: Pilot) -> Iterator[str]:
    """What a pilot has shown."""
    failed = f", {pilot.failed:,} failed" if pilot.failed else ""
    spent = f", {dollars(pilot.spent / DOLLAR)}" if pilot.priced and pilot.requests else ""
    size = f"{counted(pilot.records, 'record')}, {counted(pilot.requests, 'request')} sent"
    yield f"pilot: {size}{spent}; rows: {pilot.ok:,} ok{failed}"
    left = f"left: {counted(pilot.rest, 'record')}"
    if not pilot.rest:
        yield f"{left}; all is answered"
        return
    if not pilot.records:
        yield f"{left}; the records drawn needed no request, so nothing can be said of their cost"
        return
    if pilot.priced:
        yield f"{left}, about {_between(pilot.cost, lambda value: dollars(value / DOLLAR))}"
    else:
        yield f"{left}; what they cost is not known: state it under models.<name>.price"
    yield f"{left}, about {_between(pilot.tokens, lambda value: f'{value:,.0f}', ' tokens')}"


def _between(found: Interval, said: Callable[[float], str], unit: str = "") -> str:
    """An estimate with its bounds; one record alone says nothing of them."""
    if isinf(found.high):
        return f"{said(found.mean)}{unit} (judged by one record alone)"
    return f"{said(found.mean)}{unit} ({said(found.low)} to {said(found.high)}, 95 times in 100)"


def numbers_of_plan(plan: Plan) -> dict[str, Any]:
    """The same for programs."""
    sums = {"missing": plan.missing, "later": plan.later, "cost": plan.cost, "most": plan.most}
    return {**asdict(plan), **sums}


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


def of_standing(standing: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a job's standing."""
    running = f"running ({standing['running']})" if standing["running"] else "not running"
    yield safe_text(f"{standing['job']}: {running}; last run: {standing['last_run'] or 'none'}")
    if not standing["steps"]:
        yield from _of_run(standing["run"])
        return
    yield from _steps(standing)
    without = standing["unpriced"]
    unpriced = f"; the price of {counted(without, 'answer')} is not known" if without else ""
    maybe = (
        f"; at most {dollars(standing['maybe_cost'])} more may have been billed"
        if standing["maybe_cost"]
        else ""
    )
    spent = dollars(standing["cost"] or (None if without else 0.0))
    yield f"spent in all runs: {spent}{maybe}{unpriced}"
    yield ""
    rows = [
        (row["step"], row["outcome"], row["billed"], f"{row['attempts']:,}", f"{row['mean_seconds']:.2f}")
        for row in standing["attempts"]
    ]
    yield from table(("step", "outcome", "billed", "attempts", "mean s"), rows)
    yield from _of_run(standing["run"])


def _steps(standing: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for row in standing["steps"]:
        latency = standing["latency"].get(row["step"], {}) if row["answered"] else {}
        speed = " / ".join(f"{seconds:.2f}" for seconds in latency.values())
        tokens = (f"{row['input']:,}", f"{row['cached']:,}", f"{row['output']:,}", f"{row['reasoning']:,}")
        priced = "not known" if row["unpriced"] else dollars(row["cost"])
        rows.append((row["step"], row["model"], f"{row['answered']:,}", *tokens, priced, speed))
    head = ("step", "model", "answered", "tokens in", "cached", "out", "reasoning", "cost", "s p50/95/99")
    yield from table(head, rows)


def of_live(run: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a live run's state."""
    rows, asked, tokens = run["rows"], run["requests"], run["tokens"]
    done = rows["ok"] + rows["skipped"]
    yield f"{run['phase']}: {done:,} of {rows['expected']:,} rows done, {rows['failed']:,} failed"
    waiting = f", {asked['retrying']:,} wait to try again" if asked["retrying"] else ""
    sent = f"{counted(asked['sent'], 'request')} sent, {asked['answered']:,} answered"
    yield f"{sent}, {asked['in_flight']:,} in flight{waiting}"
    cost = f", {dollars(run['cost'])}" if run["cost"] else ""
    yield f"this run: {tokens['input']:,} + {tokens['output']:,} tokens in + out{cost}"
    if run["faults"]:
        faults = ", ".join(f"{count:,} {kind}" for kind, count in run["faults"].items())
        yield safe_text(f"faults: {faults}; the last: {run['last_error']}")
    for name, found in (("latency", run["latency"]), ("wait for a turn", run.get("wait", {}))):
        if found:
            yield f"{name}, seconds: " + ", ".join(f"{share} {value:.2f}" for share, value in found.items())
    yield from _of_run(run)


def _of_run(run: Mapping[str, Any]) -> Iterator[str]:
    """What the live run, or the last one, was held up by."""
    for lane in run.get("lanes", ()):
        found = " (found)" if lane["found_rpm"] else ""
        used = [f"{name} {lane['used'][name]:.0%} of {limit:,}" for name, limit in lane["limits"].items()]
        used = [f"{text}{found}" if text.startswith("rpm") else text for text in used]
        said = f"{lane['in_flight']} in flight of {lane['concurrency']}, {lane['waiting']} waiting"
        state = [lane["state"]] if lane["state"] else []
        yield safe_text(f"{lane['name']}: {', '.join([*state, said, *used])}")
    if run.get("advice"):
        yield safe_text(f"held up by {run['advice']}")
    for remark, count in run.get("remarks", {}).items():
        yield safe_text(f"odd: {remark} ({counted(count, 'time')})")


def shown(path: Path) -> str:
    """A path as a person would type it."""
    return safe_text(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
