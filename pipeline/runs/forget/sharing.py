"""All records of an input and what each of them asks, so that one learns who asks the same.

This module does not know why one wants to.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.domain import Call, Reply, Request
from pipeline.core.errors import PipelineError
from pipeline.core.progress import Progress
from pipeline.engine.walk import Walk
from pipeline.job.spec import Job
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.runs.session import Session


def opened(job: Job, say: Callable[[str], None]) -> Session:
    """The job with all records of its input: who shares an answer need not be chosen by it today.

    Where they cannot be taken, it is the job as it is, and that is said.
    """
    everyone = job.records.model_copy(update={"where": None, "limit": None, "sample": None})
    try:
        return Session.open(job.model_copy(update={"records": everyone}))
    except PipelineError as error:
        if everyone == job.records:
            raise
        session = Session.open(job)
        said = f"records that the job does not choose were not looked at ({error.what})"
        say(f"{said}: answers that one of them shares are forgotten, too")
        return session


def noting(session: Session, journal: Journal, note: Callable[[bytes], None]) -> Walk:
    """A walk over what the journal knows, that notes the digest of every request it meets."""
    look_up = recall.one_by_one(recall.recalling(journal, Progress()))

    async def ask(request: Request) -> Reply:
        either: Request | None = request
        while either is not None:
            note(either.digest)
            either = either.instead
        return await look_up(request)

    call: Call = ask
    return Walk(session.stages, dict.fromkeys(session.job.models, call))
