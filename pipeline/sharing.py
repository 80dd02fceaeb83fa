"""All records of an input and what each of them asks, so that one learns who asks the same.

This module does not know why one wants to.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.domain import Call, Reply, Request
from pipeline.engines import replay
from pipeline.errors import PipelineError
from pipeline.job import Job
from pipeline.journal import Journal
from pipeline.session import Session
from pipeline.tally import Tally
from pipeline.walk import Walk


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
    recall = replay.recalling(journal, Tally())

    async def ask(request: Request) -> Reply:
        either: Request | None = request
        while either is not None:
            note(either.digest)
            either = either.instead
        return await recall(request)

    call: Call = ask
    return Walk(session.stages, dict.fromkeys(session.job.models, call))
