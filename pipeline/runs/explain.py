"""What models wrote before their answers, read from the journal again for rows that are shown.

This module sends nothing, and knows no table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from pipeline.core.domain import Fault, Reply
from pipeline.core.dtypes import json_text
from pipeline.core.redaction import Redactor
from pipeline.job.spec import Job
from pipeline.journal.journal import Journal
from pipeline.wire.conversation import read

_REPLIES = """SELECT record, step, api, body FROM attempts
WHERE record IN (SELECT value FROM json_each(?)) ORDER BY seq"""


def reasoning_of(
    job: Job, rows: Sequence[Mapping[str, Any]], steps: Sequence[str]
) -> list[list[tuple[str, str]]]:
    """For each row, the step and the words of the reasoning in each reply that its record has brought."""
    shown = Redactor.before(job.records.private, job.records.key).key
    names = job.records.key or ("_key",)
    values = ([row.get(name) for name in names] for row in rows)
    keys = [shown(str(key[0]) if len(key) == 1 else json_text(key)) for key in values]
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in keys}
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        for record, step, api, body in journal.select(_REPLIES, (json_text(keys),)):
            if step in steps and (words := _reasoning(api, body)):
                found[record].append((step, words))
    return [found[key] for key in keys]


def _reasoning(api: str, body: bytes) -> str:
    try:
        return read(Reply(api, body), tokens=False).reasoning
    except Fault:
        return ""
