"""What is said of a run that has ended: counts, money, time, and where its result is.

It holds no prompt, no answer, no key, and no word of a record or a server.
"""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from pipeline.core.display import clock, counted, dollars
from pipeline.core.domain import DOLLAR, Fault
from pipeline.core.errors import EXIT_CODES, Interrupted, PipelineError, RunStopped
from pipeline.core.progress import Progress
from pipeline.job.outside.on_end import FACTS
from pipeline.job.spec import Job
from pipeline.runs.result import Result

if TYPE_CHECKING:
    from pipeline.runs.state import RunState

FAILED = "failed"


def code_of(error: BaseException | None, result: Result | None) -> int:
    """The exit code of a command that ends with this error or result."""
    if isinstance(error, PipelineError):
        return error.exit_code
    if error is not None:
        own = RunStopped.exit_code if isinstance(error, MemoryError) else 1
        return own if isinstance(error, Exception) else Interrupted.exit_code
    return result.exit_code if result else 0


def outcome_of(error: BaseException | None, run: RunState | None) -> str:
    """How it ended, in a word or two."""
    if isinstance(error, PipelineError):
        return error.outcome
    if error is not None:
        return FAILED if isinstance(error, Exception) else Interrupted.outcome
    return run.ended if run else FAILED


def facts_of(
    job: Job,
    progress: Progress,
    run: RunState | None,
    result: Result | None,
    error: BaseException | None,
    seconds: float,
) -> dict[str, Any]:
    """All facts by name; an `id` tells a second try of the same POST from another end."""
    t, code, outcome = result or progress, code_of(error, result), outcome_of(error, run)
    rows = {name: getattr(t, name) for name in ("ok", FAILED, "skipped", "pending")}
    if result is None:
        rows["pending"] = max(progress.rows_expected - sum(rows.values()) + rows["pending"], 0)
    reason = run.fuse.reason.kind if run and isinstance(run.fuse.reason, Fault) else ""
    cost = None if progress.unpriced else progress.cost / DOLLAR
    facts = {
        "job": job.name,
        "outcome": outcome,
        "reason": reason or ("" if code == 0 else EXIT_CODES[code].short),
        "exit_code": code,
        **rows,
        "sent": progress.sent,
        "recalled": progress.recalled,
        "cost": cost,
        "most_cost": None if progress.most is None else progress.most / DOLLAR,
        "seconds": round(seconds, 3),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "result": [str(path) for path in result.targets] if result else [],
        "failures": str(result.failures) if result and result.failures else None,
        "folder": str(job.folder),
    }
    assert facts.keys() == set(FACTS)  # noqa: S101 - the job file's names are checked against these
    said = ", ".join(f"{count:,} {name}" for name, count in rows.items() if count) or "none"
    paid = f"; {dollars(cost)}" if cost else ""
    text = f"{job.name}: {outcome}; {counted(sum(rows.values()), 'row')}: {said}{paid}; {clock(seconds)}"
    return {"id": token_hex(8), "text": f"{text} (exit code {code})", **facts}


def as_text(value: Any) -> str:
    """A fact as an argument or a variable has it; paths in lines."""
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else str(value)
