"""A run's result, its rows, and what stopped it."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.cli.wording._base import NO_RECORDS, of_sharing, of_told, shown
from pipeline.core.display import clock, counted, dollars, safe_text
from pipeline.core.domain import DOLLAR
from pipeline.core.progress import Progress
from pipeline.runs.result import Commonest, Result

if TYPE_CHECKING:
    from pipeline.core.errors import PipelineError
    from pipeline.job.spec import Job
    from pipeline.output.folder import Filed
    from pipeline.output.published import Shown
    from pipeline.output.translated.filing import Segments
    from pipeline.output.translated.judged import Judged
    from pipeline.runs.reviewing.story import Chapter

LONGEST_REASON = 300
MOST_REMARKS = 10
_ROWS = ("ok", "failed", "skipped", "pending")


def of_result(result: Result) -> Iterator[str]:
    """The lines that end a run or an export."""
    counts = {name: getattr(result, name) for name in _ROWS}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    yield f"{counted(result.rows, 'row')}: {said or 'none'}"
    yield from _accepted(result)
    if result.chosen:
        yield f"only {result.chosen}"
    if not result.rows:
        yield NO_RECORDS
    most = f"at most {dollars(result.most_cost)}" if result.most_cost else dollars(None)
    cost = (
        ""
        if result.cost == 0 or not result.sent
        else f", {most if result.cost is None else dollars(result.cost)}"
    )
    rate = result.cache_hit_rate
    cached = "" if rate is None else f", {rate:.0%} of the input from a cache"
    tokens = f"{result.input_tokens:,} + {result.output_tokens:,} tokens in + out{cached}"
    yield (
        f"{counted(result.sent, 'request')} sent, {result.recalled:,} answered by the journal; "
        f"{tokens}{cost}; {clock(result.seconds)}"
    )
    yield from of_sharing(result.sharing)
    yield from _of_tables(result)
    if result.filed:
        yield from _of_files(result.filed)
    if result.segments:
        yield from _of_segments(result.segments)
    if result.meaning:
        yield from (safe_text(f"meaning   {line}") for line in result.meaning.said())
    if result.failures:
        why = ", ".join(f"{count:,} {kind}" for kind, count in result.reasons.items())
        yield f"failures  {shown(result.failures)}: {why}{_paid(result)}"
        yield from (safe_text(f"  {_reason(one)}") for one in result.commonest)
    yield from of_told(result.told)
    yield from _of_review(result)
    yield from (safe_text(f"odd: {remark}") for remark in result.remarks)
    if result.advice:
        yield f"held up by {result.advice}"


def _of_tables(result: Result) -> Iterator[str]:
    """Where the table stands, and what stood there before and was kept."""
    for target in result.targets:
        before = f": the table before had {counted(result.rows_before, 'row')}" if result.rows_before else ""
        yield f"result    {shown(target)}{before}"
    for url in result.uploaded:
        yield f"store     {safe_text(url)}"
    for path in result.kept:
        name = safe_text(path) if isinstance(path, str) else shown(path)
        yield f"kept      {name}: the table before, which was changed or not written by this job"


def _accepted(result: Result) -> Iterator[str]:
    """How many of the wanted rows there are, where the job wants a number."""
    if result.accept is not None:
        said = f"accepted  {result.ok:,} of {result.accept:,}"
        used_up = result.ok < result.accept and not result.pending
        all_tried = f": all {counted(result.rows, 'candidate')} are used up; add records, or mend the prompt"
        yield said + (all_tried if used_up else "")


def _reason(one: Commonest) -> str:
    """Why most rows failed at a step: "post: 14 of 16 rejected: the answer is not JSON"."""
    shown = one.message if len(one.message) <= LONGEST_REASON else f"{one.message[: LONGEST_REASON - 1]}…"
    if one.failed == 1:
        return f"{one.step}: {one.kind}: {shown}"
    most = "" if one.alike == one.count else "for example "
    return f"{one.step}: {one.count:,} of {one.failed:,} {one.kind}: {most}{shown}"


def _paid(result: Result) -> str:
    paid, again = result.paid_failures, "asked again only with --retry-failed"
    if not paid or paid == result.failed:
        return f"; paid for, so {again}" if paid else ""
    return f"; {paid:,} of these {result.failed:,} {'is' if paid == 1 else 'are'} paid for, and {again}"


def _of_review(result: Result) -> Iterator[str]:
    if result.review:
        what = counted(result.to_review, "row")
        todo = "change `answer`, or write yes into `accept`, and run again"
        yield f"review    {shown(result.review)}: {what}; {todo}"
    if result.by_hand:
        yield f"by hand   {counted(result.by_hand, 'answer')} of people used"
    yield from (safe_text(f"  {remark}") for remark in result.review_remarks[:MOST_REMARKS])
    more = len(result.review_remarks) - MOST_REMARKS
    if more > 0:
        yield f"  … and {counted(more, 'more remark')}"


def _of_files(filed: Filed) -> Iterator[str]:
    done = [f"{filed.written:,} written", *([f"{filed.removed:,} removed"] if filed.removed else [])]
    yield f"files     {shown(filed.folder)}: {counted(filed.listed.files, 'file')}, {', '.join(done)}"
    for remarks, what in ((filed.missing, "row"), (filed.edited, "file")):
        yield from (safe_text(f"  {sentence}") for sentence in remarks.shown)
        more = remarks.count - len(remarks.shown)
        if more:
            yield f"  … and {counted(more, f'more {what}')} like that"


def _of_segments(segments: Segments) -> Iterator[str]:
    states = segments.states
    words = {
        "edited": "changed by people and kept",
        "conflict": "in conflict",
        "gone": "without their source",
    }
    said = [f"{segments.review:,} to review"] if segments.review else []
    said += [f"{states[state]:,} {words[state]}" for state in words if states[state]]
    total = states.total() - states["gone"]
    yield f"segments  {total:,}{': ' if said else ''}{', '.join(said)}; more in {shown(segments.report)}"
    for place in segments.conflicts:
        yield safe_text(f"  conflict: {place}: its source has changed, and a person's text is kept")
    more = states["conflict"] - len(segments.conflicts)
    if more > 0:
        yield f"  … and {counted(more, 'more conflict')}"


def numbers_of_result(result: Result) -> dict[str, Any]:
    """The same for programs."""
    numbers = ("rows", "sent", "recalled", "input_tokens", "output_tokens", "seconds", "cost", "most_cost")
    lists = ("advice", "remarks", "targets", "failures", "reasons", "paid_failures", "sharing", "chosen")
    reviewed = ("review", "to_review", "by_hand", "review_remarks", "told")
    wanted = ("accept",) if result.accept is not None else ()
    names = ("outcome", *_ROWS, *numbers, "rows_before", *lists, *reviewed, *wanted)
    filed = {"filed": asdict(result.filed)} if result.filed else {}
    commonest = [asdict(one) for one in result.commonest]
    kept = {"kept": [str(path) for path in result.kept]} if result.kept else {}
    kept |= {"uploaded": list(result.uploaded)} if result.uploaded else {}
    numbered = {name: getattr(result, name) for name in names}
    segments = {"segments": dict(result.segments.states)} if result.segments else {}
    judged = {"meaning": _meaning(result.meaning)} if result.meaning else {}
    cached = {"cached_tokens": result.cached_tokens, "cache_hit_rate": result.cache_hit_rate}
    cached = {} if result.cache_hit_rate is None else cached
    return {**numbered, **cached, "commonest": commonest, **filed, **kept, **segments, **judged}


def _meaning(judged: Judged) -> dict[str, Any]:
    return {
        language: {
            **{name: getattr(found.estimate, name) for name in ("rate", "low", "high", "wrong", "judged")},
            "total": found.total,
            "not_judged": found.drawn - found.judged,
        }
        for language, found in judged.languages.items()
    }


def numbers_of_stop(progress: Progress) -> dict[str, float | None]:
    """What a run has done that stopped, for programs."""
    names = ("ok", "failed", "skipped", "sent", "recalled", "input_tokens", "output_tokens")
    cost = None if progress.unpriced else progress.cost / DOLLAR
    return {**{name: getattr(progress, name) for name in names}, "cost": cost}


def numbers_of_error(error: PipelineError) -> dict[str, Any]:
    """An error for programs."""
    said = {"what": error.what, "where": error.where, "hint": error.hint, "more": error.others()}
    return {"error": said, "outcome": error.outcome, **error.numbers, "exit_code": error.exit_code}


def _beside(found: Shown, explain: bool) -> Iterator[str]:
    """What to say below rows: which they are of how many, and where more is told of one."""
    if explain and len(found.rows) > 1:
        yield "to see all that was asked and answered for one row, name it: --explain --key KEY"
    if found.chosen:
        yield safe_text(f"only {found.chosen}")
    more = found.total - len(found.rows)
    if more:
        yield f"… and {counted(more, 'more row')} (--rows {found.total} shows all)"
    if not found.rows:
        yield "no rows"


def of_rows(
    job: Job,
    found: Shown,
    steps: Sequence[str],
    words: Sequence[Sequence[tuple[str, str]]] | None = None,
    explain: bool = False,
) -> Iterator[str]:
    """Rows of a result, one under the other: which row it is, how it stands, what the steps wrote.

    `words` are what else models wrote for each row, with what it is; to `explain` is to say so of none, too.
    """
    width = shutil.get_terminal_size((100, 24)).columns
    columns = list(found.rows[0]) if found.rows else []
    heads = [*(job.records.key or columns[:1]), *(name for step in job.steps for name in step.forks)]
    written = [name for name in columns if name.split(".")[0] in steps]
    if not found.unchanged:
        yield f"the table was changed after a run of '{job.name}' wrote it: why rows failed is not known"
    for number, (row, why) in enumerate(zip(found.rows, found.reasons, strict=True)):
        names = ("***" if name in job.records.private else str(row[name]) for name in dict.fromkeys(heads))
        status = f"  {row['_status']}" if row.get("_status") else ""
        yield from _folded(" ".join(names) + status + (f" at {why}" if why else ""), "", width)
        for name in written:
            if not (why and row[name] is None):
                yield from _folded(f"{name}: {row[name] if row[name] is not None else '-'}", "  ", width)
        said = words[number] if words else ()
        for what, text in said:
            yield from _folded(f"{what}: {text}", "  ", width)
        if explain and not any(what.endswith(", reasoning") for what, _ in said):
            yield "  no reasoning came with its answers"
    yield from _beside(found, explain)


def numbers_of_rows(
    job: Job,
    found: Shown,
    steps: Sequence[str],
    words: Sequence[Sequence[tuple[str, str]]] | None,
    story: Sequence[Chapter],
) -> dict[str, Any]:
    """The same for programs, with the whole texts: private columns are masked."""
    others = {step.name for step in job.steps}.difference(steps)
    rows = [
        {
            "columns": {
                name: "***" if name in job.records.private else _in_json(value)
                for name, value in row.items()
                if name.split(".")[0] not in others
            },
            "why": why,
            "words": [{"what": what, "text": text} for what, text in (words[number] if words else ())],
        }
        for number, (row, why) in enumerate(zip(found.rows, found.reasons, strict=True))
    ]
    chapters = [
        {
            "step": one.step,
            "title": one.title,
            "parts": [{"what": what, "text": text} for what, text in one.parts],
        }
        for one in story
    ]
    about = {"total": found.total, "only": found.chosen, "unchanged": found.unchanged}
    return {**about, "rows": rows, "story": chapters}


def _in_json(value: Any) -> Any:
    """A value as JSON has it, which knows neither NaN nor infinite numbers."""
    return json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)


def _folded(text: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(safe_text(text), width, initial_indent=indent, subsequent_indent=f"{indent}  ")
