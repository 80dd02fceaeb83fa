"""How a job stands: read from its lock and its journal, also while it runs."""

from __future__ import annotations

from typing import Any

from pipeline.job import Job
from pipeline.journal import Journal
from pipeline.lock import holder


def standing(job: Job) -> dict[str, Any]:
    """Who runs it ('' for nobody), how its last run ended, and the attempts by step and outcome."""
    running = holder(job.folder)
    journal = Journal.read_only(job.folder / "journal.sqlite")
    try:
        last = journal.last_run()
        counts = journal.counts()
    finally:
        journal.close()
    outcome = "" if last is None else last.outcome or ("under way" if running else "killed")
    attempts = [
        {"step": step, "outcome": kind, "attempts": count, "mean_seconds": seconds}
        for step, kind, count, seconds in counts
    ]
    return {"job": job.name, "running": running, "last_run": outcome, "attempts": attempts}
