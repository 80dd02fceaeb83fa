"""What a worker was paid for and could not hand over, because its owner is gone: kept for the next run.

The rows stand beside the journal where its folder is there, else in a folder of this machine: see `spill.py`.
This module does not know how a worker works.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.core.domain import Billed, Fault, Reply, Request
from pipeline.core.secret import cleansed_error
from pipeline.journal.rows import row_of
from pipeline.journal.spill import Spill
from pipeline.wire.conversation import read
from pipeline.wire.kept import without_keys


def keep(journal: Path, came: Iterable[tuple[Request, Reply]]) -> None:
    """Keep these replies; it says where on standard error. The next run counts what they have cost."""
    rows = [_row(request, reply) for request, reply in came]
    if rows:
        where = Spill(journal).spill(rows)
        said = (
            f"the owner of the run is gone: {len(rows)} answers are kept in {where} on {socket.gethostname()}"
        )
        print(f"{said}; `pipeline journal restore` takes them in from elsewhere", file=sys.stderr, flush=True)


def _row(request: Request, reply: Reply) -> tuple[Any, ...]:
    try:
        reply, _ = without_keys(reply, read(reply))
    except Fault as fault:
        said = (fault.kind, fault.billed, fault.fate.value, cleansed_error(fault.message))
        return row_of(request, *said, reply.seconds, reply.body, None)
    return row_of(request, "answered", Billed.YES, "", "", reply.seconds, reply.body, None, api=reply.api)
