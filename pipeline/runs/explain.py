"""What models wrote before their answers, read from the journal again for rows that are shown.

A row may have got the answer to another record's request, if both are the same: so the row's templates are
rendered again, and the replies to its requests are looked up. Replies that a record has brought itself are
found without that, also if the job has been changed since. This module sends nothing, and knows no table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import closing, suppress
from typing import Any

from pipeline.core.domain import Fault, Reply, Request
from pipeline.core.dtypes import json_text
from pipeline.core.errors import PipelineError
from pipeline.core.redaction import Redactor
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import preparing, stages_of
from pipeline.job.spec import Job
from pipeline.journal.journal import Journal
from pipeline.journal.recall import chain, knowing
from pipeline.records.source import open_records
from pipeline.wire.conversation import read

_REPLIES = """SELECT hex(digest), record, step, api, body FROM attempts
WHERE record IN (SELECT value FROM json_each(?)) OR hex(digest) IN (SELECT value FROM json_each(?))
ORDER BY seq"""


def reasoning_of(
    job: Job, rows: Sequence[Mapping[str, Any]], steps: Sequence[str]
) -> list[list[tuple[str, str]]]:
    """For each row, the step and the words of the reasoning in each reply to a request of its record."""
    shown = Redactor.before(job.records.private, job.records.key).key
    names = job.records.key or ("_key",)
    values = ([row.get(name) for name in names] for row in rows)
    keys = [shown(str(key[0]) if len(key) == 1 else json_text(key)) for key in values]
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in keys}
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        asked = _asked(job, set(found), journal)
        digests = sorted(set().union(*asked.values()))
        for digest, record, step, api, body in journal.select(
            _REPLIES, (json_text(keys), json_text(digests))
        ):
            if step in steps and (words := _reasoning(api, body)):
                for key in found:
                    if key == record or digest in asked[key]:
                        found[key].append((step, words))
    return [found[key] for key in keys]


def _asked(job: Job, keys: Set[str], journal: Journal) -> dict[str, set[str]]:
    """The digests of all requests that records make, by their keys; none where they cannot be read now."""
    asked: dict[str, set[str]] = {key: set() for key in keys}
    known = knowing(journal)

    def noting(requests: Sequence[Request]) -> Sequence[Reply | Fault]:
        for request in requests:
            asked[request.key].update(one.digest.hex().upper() for one in chain(request))
        return known(requests)

    with suppress(PipelineError):
        walks = InOrder(tuple(stages_of(job, preparing(job))), noting)
        for batch in open_records(job.records, job.file.parent).batches():
            walks.visit([record for record in batch if record.key in keys], lambda place, leaf: None)
    return asked


def _reasoning(api: str, body: bytes) -> str:
    try:
        return read(Reply(api, body), tokens=False).reasoning
    except Fault:
        return ""
