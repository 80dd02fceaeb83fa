"""What a key names: the records with that key, their requests, and other records with the same requests.

This module changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.core.domain import Fault, Record, Reply, Request
from pipeline.core.errors import PipelineError
from pipeline.core.progress import Progress
from pipeline.core.redaction import label
from pipeline.engine.in_order import InOrder
from pipeline.job.spec import Job
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.journal.segments import asking, keys_in
from pipeline.runs.meaning.review import STEP
from pipeline.runs.session import Session
from pipeline.translation import memory


@dataclass
class Meant:
    """What is known of a record."""

    names: set[str]
    """the record's key, as given and as shown, and the keys of all records that are equal to it"""
    records: int = 0  # how many records of the input have these names
    digests: set[bytes] = field(default_factory=set)
    """requests that the record makes today, or that the journal keeps under its name"""
    sharers: dict[bytes, str] = field(default_factory=dict)
    """those of them that other records make, too, each with the key of one such record"""
    segments: set[bytes] = field(default_factory=set)
    """the keys of the segments of the record, where it is a document"""
    shared: dict[bytes, str] = field(default_factory=dict)
    """segments of other documents, with the key of one of them: those that stand in an answer to this one"""
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
        notes = (lambda digest, _: meant.digests.add(digest)), (lambda keys, _: meant.segments.update(keys))
        _noting(session, journal, *notes).leaves(records)
    marks = ", ".join("?" * len(meant.names))
    sql = f"SELECT DISTINCT digest FROM attempts WHERE record IN ({marks})"  # noqa: S608 - marks alone
    meant.digests |= {digest for (digest,) in journal.select(sql, tuple(meant.names))}
    judged = journal.select("SELECT DISTINCT digest FROM attempts WHERE step GLOB ?", (f"*{STEP}",))
    if judged and meant.digests:
        meant.digests |= {digest for (digest,) in judged}
        meant.notices.append("all answers of the judge are forgotten: each is about several documents")
    digests = list(meant.digests | asking(journal.select, list(meant.segments)))
    asked = keys_in(journal.select, digests)
    if session:
        _find_sharers(session, journal, meant, meant.segments.union(*asked.values()))
    for digest, keys in asked.items():
        if digest in meant.digests and keys.keys() <= meant.shared.keys():
            meant.sharers.setdefault(digest, meant.shared[next(iter(keys))])
        elif not keys.keys().isdisjoint(meant.segments - meant.shared.keys()):
            meant.digests.add(digest)
    return meant


def _find_sharers(session: Session, journal: Journal, meant: Meant, wanted: set[bytes]) -> None:
    def note(digest: bytes, key: str) -> None:
        if digest in meant.digests:
            meant.sharers.setdefault(digest, key)

    def note_segments(keys: Sequence[bytes], key: str) -> None:
        meant.shared.update(dict.fromkeys(wanted.intersection(keys), key))

    walks = _noting(session, journal, note, note_segments)
    for batch in session.source.batches():
        walks.leaves([record for record in batch if record.key not in meant.names])


def _with_all_records(job: Job, say: Callable[[str], None]) -> Session:
    """The job with all records of its input: a record that shares an answer may be left out of the job today.

    Where not all records can be read, it is the job as it is, and `say` is told so.
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
    """The records with these names. Without a key column, records of equal content go together."""
    keyed = session.source.keyed
    contents = {name.partition("#")[0] for name in names}
    for batch in session.source.batches():
        for record in batch:
            if record.key in names or (not keyed and record.key.partition("#")[0] in contents):
                yield record


def _noting(
    session: Session,
    journal: Journal,
    note: Callable[[bytes, str], object],
    note_segments: Callable[[Sequence[bytes], str], object],
) -> InOrder:
    """Walks over what the journal knows, that note each digest and segment they meet, and who asks."""
    recalled = recall.recalling(journal, Progress())

    def look_up(requests: Sequence[Request]) -> Sequence[Reply | Fault]:
        for request in requests:
            if request.api == memory.API:
                note_segments(memory.asked(request)[0], request.key)
                continue
            for one in request.either:
                note(one.digest, request.key)
        return recalled(requests)

    return InOrder(session.stages, look_up)
