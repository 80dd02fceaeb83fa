"""The state of a job, read from its lock and its journal, also while it runs."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import asdict
from typing import Any

from pipeline.core.domain import DOLLAR
from pipeline.core.errors import PipelineError
from pipeline.job.spec import Job
from pipeline.journal import accounts, batches
from pipeline.journal.journal import Journal
from pipeline.money.tariff import rehearsed
from pipeline.runs.control.client import command
from pipeline.system.lock import holder

BATCH = ("id", "name", "state", "status", "total", "done", "failed", "made", "changed", "message")
SHARES = (0.5, 0.95, 0.99)
ATTEMPTS = ("step", "outcome", "billed", "attempts", "mean_seconds")


def status_of(job: Job) -> dict[str, Any]:
    """Who runs it ('' for nobody), how its last run ended, the attempts, the tokens and the money.

    `cost` is dollars over all attempts of all runs; `maybe_cost` is what attempts that may have been billed
    have cost at the most; `unpriced` counts paid replies whose price is not known. `run` has the numbers of
    the run that goes on, or else of the last one.
    """
    running = holder(job.folder)
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        last = journal.last_run()
        steps = accounts.by_step(journal)
        attempts = accounts.by_outcome(journal)
        latency = accounts.percentiles(journal, SHARES)
        known = batches.all_of(journal.select)
    but = rehearsed(job)
    real = [step for step in steps if not but or not step.model.startswith(but)]
    outcome = "" if last is None else last.outcome or ("under way" if running else "killed")
    return {
        "job": job.name,
        "running": running,
        "last_run": outcome,
        "cost": sum(step.cost for step in real) / DOLLAR,
        "maybe_cost": sum(step.maybe for step in real) / DOLLAR,
        "unpriced": sum(step.unpriced for step in real),
        "steps": [{**asdict(one), "cost": one.cost / DOLLAR, "maybe": one.maybe / DOLLAR} for one in steps],
        "attempts": [dict(zip(ATTEMPTS, row, strict=True)) for row in attempts],
        "latency": {
            step: {f"p{share * 100:.0f}": round(at, 4) for share, at in zip(SHARES, found, strict=True)}
            for step, found in latency.items()
        },
        "batches": [{name: getattr(one, name) for name in BATCH} for one in known],
        "run": _live(job) if running else last.numbers if last else {},
    }


def _live(job: Job) -> dict[str, Any]:
    with suppress(PipelineError):  # while it looks up or writes, it takes no commands
        return command(job.folder, "status")
    return {}
