"""What models wrote for rows that are shown, read from the journal again: reasoning, and unusable answers.

A row may have got the answer to another record's request, if both are the same: so the row's templates are
rendered again, and the replies to its requests are looked up. Replies that a record has brought itself are
found without that, also if the job has been changed since. This module sends nothing, and knows no table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio

from pipeline.core.domain import Fault, LookUp, Rejected, Reply, Request
from pipeline.core.dtypes import json_text
from pipeline.core.errors import PipelineError
from pipeline.core.redaction import Redactor, without
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import preparing, stages_of
from pipeline.engine.walk import Branch
from pipeline.job.spec import Job
from pipeline.journal.journal import Journal
from pipeline.journal.recall import chain, knowing
from pipeline.output.translated.tree import Tree
from pipeline.records.documents import key_columns
from pipeline.runs.crowd.notes import Notes
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.reviewing.by_hand import ByHand
from pipeline.runs.session import source_of
from pipeline.wire.conversation import read

_REPLIES = """SELECT hex(digest), record, step, api, body FROM attempts
WHERE record IN (SELECT value FROM json_each(?)) OR hex(digest) IN (SELECT value FROM json_each(?))
ORDER BY seq"""
Words = list[tuple[str, str]]
"""what it is, such as "post, reasoning", and the words"""


@dataclass
class _Found:
    """What a walk has found for some records: digests of their requests by key, unusable answers by row."""

    asked: dict[str, set[str]]
    unusable: dict[tuple[str, ...], Words] = field(default_factory=dict)


def words_of(
    job: Job, rows: Sequence[Mapping[str, Any]], steps: Sequence[str], reasoning: bool
) -> list[Words]:
    """For each row, the paid answers that made it fail; with `reasoning` also that in all its replies."""
    keys = keys_of(job, rows)
    thoughts: dict[str, Words] = {key: [] for key in keys}
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        found = _walked(job, keys, journal)
        digests = sorted(set().union(*found.asked.values())) if reasoning else []
        for digest, record, step, api, body in (
            journal.select(_REPLIES, (json_text(keys), json_text(digests))) if reasoning else ()
        ):
            if step in steps and (words := _reasoning(api, body)):
                for key, said in thoughts.items():
                    if key == record or digest in found.asked[key]:
                        said.append((f"{step}, reasoning", words))
    each = [name for step in job.steps for name in step.forks]
    places = [(key, *(str(row.get(name)) for name in each)) for key, row in zip(keys, rows, strict=True)]
    wanted = tuple(f"{step}, " for step in steps)
    return [
        [*thoughts[place[0]], *(one for one in found.unusable.get(place, ()) if one[0].startswith(wanted))]
        for place in places
    ]


def keys_of(job: Job, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of the records that rows of the result are of, as they are shown."""
    shown = Redactor.before(job.records.private, job.records.key).key
    names = key_columns(job.records, job.file.parent) or ("_key",)
    values = ([row.get(name) for name in names] for row in rows)
    return [shown(str(key[0]) if len(key) == 1 else json_text(key)) for key in values]


def _walked(job: Job, keys: Sequence[str], journal: Journal) -> _Found:
    """What the records with these keys asked and got; nothing where they cannot be read now."""
    found = _Found({key: set() for key in keys})
    known = knowing(journal)
    each = [name for step in job.steps for name in step.forks]

    def noting(requests: Sequence[Request]) -> Sequence[Reply | Fault]:
        for request in requests:
            found.asked[request.key].update(one.digest.hex().upper() for one in chain(request))
        return known(requests)

    with suppress(PipelineError):
        prepare = preparing(job)
        notes = Notes(ByHand(job.folder))
        stages = tuple(stages_of(job, prepare, told=notes))
        source = source_of(job, Tree.of(job, stages, prepare))
        anyio.run(Rounds(stages, notes, source, job.accept).follow, known)
        walks = InOrder(stages, noting)

        def take(_: int, leaf: Branch) -> None:
            if isinstance(leaf.fault, Rejected):
                words = list(_unusable(job.steps[leaf.at].name, leaf.fault, leaf.record.private, known))
                for row in walks.rows_of(leaf):
                    found.unusable[row.record.key, *(str(row.values[name]) for name in each)] = words

        for batch in source.batches():
            walks.visit([record for record in batch if record.key in found.asked], take)
    return found


def _unusable(
    step: str, fault: Rejected, private: tuple[Any, ...], known: LookUp
) -> Iterator[tuple[str, str]]:
    """The answers that were paid for; each but the last was sent back for a repair."""
    for request, reply in zip(fault.requests, known(fault.requests), strict=True):
        if isinstance(reply, Reply) and reply.answer:
            kind = fault.kind if request is fault.requests[-1] else "rejected"
            words = reply.answer.text or reply.answer.refusal
            yield f"{step}, {kind} answer", without(words, private) if private else words


def _reasoning(api: str, body: bytes) -> str:
    try:
        return read(Reply(api, body), tokens=False).reasoning
    except Fault:
        return ""
