"""Who is meant by a key: the records of that name, what they ask, and who else asks the same.

This module changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import anyio

from pipeline.core.domain import Call, Record, Reply, Request
from pipeline.core.errors import PipelineError
from pipeline.core.progress import Progress
from pipeline.core.redaction import label
from pipeline.engine.walk import Walk
from pipeline.job.spec import Job
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.runs.session import Session


@dataclass
class Meant:
    """What is known of a record."""

    names: set[str]
    """its key, as it is given and as it is shown, and the keys of all records that are equal to it"""
    records: int = 0
    """of the input"""
    digests: set[bytes] = field(default_factory=set)
    """requests that it asks today, or that stand under its name"""
    sharers: dict[bytes, str] = field(default_factory=dict)
    """those of them that others ask, too, with the key of one of them"""
    notices: list[str] = field(default_factory=list)


def who_is_meant(job: Job, key: str, journal: Journal) -> Meant:
    """Find the record that this key names, or the digest shown for it."""
    meant = Meant({key, label(key)})
    try:
        session: Session | None = _with_all_records(job, meant.notices.append)
        records = list(_of_that_name(session, meant.names)) if session else []
    except PipelineError as error:
        said = f"the records could not be read ({error.what}); only what stands under the key is forgotten"
        meant.notices.append(said)
        session, records = None, []
    meant.records = len(records)
    meant.names |= {record.key for record in records}
    if session:
        anyio.run(_walk_own, session, journal, records, meant)
    marks = ", ".join("?" * len(meant.names))
    sql = f"SELECT DISTINCT digest FROM attempts WHERE record IN ({marks})"  # noqa: S608 - marks alone
    meant.digests |= {digest for (digest,) in journal.select(sql, tuple(meant.names))}
    if session:
        anyio.run(_walk_others, session, journal, meant)
    return meant


def _with_all_records(job: Job, say: Callable[[str], None]) -> Session:
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
        said = f"records that the job does not choose could not be read ({error.what})"
        say(f"{said}: answers that one of them shares are forgotten, too")
        return session


def _of_that_name(session: Session, names: set[str]) -> Iterator[Record]:
    """The records of these names. One without a key is named by its content: equal ones go together."""
    keyed = bool(session.job.records.key)
    contents = {name.partition("#")[0] for name in names}
    for batch in session.source.batches():
        for record in batch:
            if record.key in names or (not keyed and record.key.partition("#")[0] in contents):
                yield record


async def _walk_own(session: Session, journal: Journal, records: list[Record], meant: Meant) -> None:
    walk = _noting(session, journal, meant.digests.add)
    for record in records:
        await walk.leaves(record)


async def _walk_others(session: Session, journal: Journal, meant: Meant) -> None:
    asking = ""

    def note(digest: bytes) -> None:
        if digest in meant.digests:
            meant.sharers.setdefault(digest, asking)

    walk = _noting(session, journal, note)
    for batch in session.source.batches():
        for record in batch:
            if record.key not in meant.names:
                asking = record.key
                await walk.leaves(record)


def _noting(session: Session, journal: Journal, note: Callable[[bytes], None]) -> Walk:
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
