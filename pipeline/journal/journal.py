"""The journal: every reply that was ever paid for, under the digest of the request that bought it.

One SQLite file a job (WAL, synchronous=FULL), written by one thread (`writer.py`). A reply is on the
disk before `record` returns. Attempts that failed are kept too, with what they may have cost. Any SQLite
tool can read it; the view `readable` shows bodies as text.
This module does not read what a reply says and does not know who asked.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from errno import ELOOP
from pathlib import Path
from typing import Any

from pipeline.core.domain import Billed, Fate, Fault, Reply, Request, Usage
from pipeline.core.errors import DiskError
from pipeline.journal import segments
from pipeline.journal.database import (
    HINT,
    connect,
    connect_to_read,
    fetched,
    fits,
    is_there,
    trusting,
)
from pipeline.journal.rows import INSERT, message_of, numbers, pick_up, row_of
from pipeline.journal.sound import LastRun, sealed, unsealed, unsound
from pipeline.journal.writer import Writer
from pipeline.system.files import own_file

_LOOK_UP = """
SELECT outcome = 'answered', digest, api, model, step, record, at, seconds,
       CASE outcome WHEN 'answered' THEN body END, endpoint, sum, seq, outcome, message, fate, billed
FROM attempts WHERE digest IN ({}) ORDER BY digest DESC, seq DESC
"""
AT_ONCE = 500
"""digests in one statement"""
_COUNT = (
    "UPDATE attempts SET input = ?, cached = ?, output = ?, reasoning = ?, cost = ?, message = ?"
    " WHERE seq = ?"
)


@dataclass(frozen=True, slots=True)
class Damage:
    """A row whose content is not what was written; step and record are as it says now."""

    seq: int
    step: str
    record: str


_SUPERSEDE = (
    "UPDATE attempts SET outcome = 'superseded', fate = ''"
    " WHERE digest = ? AND (outcome = 'answered' OR billed = 'yes')"
)


class Journal:
    """Open with `Journal.open`; used from one event loop, closed with `close`."""

    def __init__(self, path: Path, reader: sqlite3.Connection, writer: Writer | None = None) -> None:
        self.path = path
        self._reader = reader
        self._open_writer = writer
        self.damaged: dict[int, Damage] = {}
        """rows that do not fit their checksum any more, by `seq`, as far as they have been met"""
        self.on_damage: Callable[[Damage], None] | None = None
        """called once for each of them"""
        self._others: dict[str, Journal] = {}
        self._sound = False
        """whether its index and its numbers were checked"""

    @classmethod
    def open(cls, path: Path) -> Journal:
        """The journal at `path`, made where there is none. `DiskError` where it cannot be trusted."""
        if path.is_file() or not path.exists():  # else it cannot be opened, which says more
            is_there(path)
        try:
            for beside in ("-wal", "-shm", "-journal"):  # SQLite would write through such a link
                if path.with_name(path.name + beside).is_symlink():
                    raise OSError(ELOOP, f"{path.name}{beside} is a link: remove it")
            os.close(own_file(path, os.O_RDWR))
        except OSError as error:
            raise DiskError(f"cannot be written: {error.strerror}", where=str(path)) from None
        reader = connect(path)
        pick_up(reader, path)
        return cls(path, reader, Writer(path, connect, INSERT))

    @classmethod
    def read_only(cls, path: Path) -> Journal:
        """The journal at `path`, opened to be read only; an empty one where there is none.

        It works on a disk that cannot be written, too.
        """
        return cls(path, connect_to_read(path))

    def look_up(self, digests: Sequence[bytes]) -> tuple[dict[bytes, Reply], dict[bytes, Fault]]:
        """By digest: the replies that were paid for, and the faults of the latest failed attempts.

        Of several replies, the latest. A row that does not fit its checksum is not used: its request counts
        as unanswered.
        """
        replies: dict[bytes, Reply] = {}
        faults: dict[bytes, Fault] = {}
        for start in range(0, len(digests), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            rows = self.select(_LOOK_UP.format(", ".join("?" * len(some))), tuple(some))
            for answered, digest, *columns, kept, seq, kind, message, fate, billed in rows:
                if not answered:
                    if fate and digest not in faults:
                        faults[digest] = Fault(kind, message, fate=Fate(fate), billed=Billed(billed))
                elif digest not in replies:
                    if kept is None or fits(kept, digest, *columns):
                        replies[digest] = Reply(columns[0], columns[6], columns[5])
                    else:
                        self.tell(Damage(seq, str(columns[2]), str(columns[3])))
        if len(replies) < len(digests):  # before an answer is taken for missing, and paid for again
            self._rely_on_it()
        return replies, faults

    def _rely_on_it(self) -> None:
        if not self._sound and (what := unsound(self.select)):
            raise DiskError(f"the journal is damaged: {what}", where=str(self.path), hint=HINT)
        self._sound = True

    def tell(self, damage: Damage) -> None:
        if damage.seq not in self.damaged:
            self.damaged[damage.seq] = damage
            if self.on_damage is not None:
                self.on_damage(damage)

    def is_empty(self) -> bool:
        """Whether nothing was ever asked."""
        return not self.select("SELECT 1 FROM attempts LIMIT 1")

    def was_paid(self, digest: bytes) -> bool:
        """Whether anything that counts as paid for stands under this digest."""
        sql = "SELECT 1 FROM attempts WHERE digest = ? AND outcome <> 'superseded' AND billed = 'yes' LIMIT 1"
        return bool(self.select(sql, (digest,)))

    def has_answers(self) -> bool:
        """Whether anything was ever answered."""
        return bool(self.select("SELECT 1 FROM attempts WHERE outcome = 'answered' LIMIT 1"))

    def select(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Rows of a query; `DiskError` where the file is damaged."""
        with trusting(self.path):
            return fetched(self._reader, sql, values)

    def sums(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """The same, of a query that counts or adds up; `DiskError` also where a number cannot be right."""
        self._rely_on_it()
        return self.select(sql, values)

    async def record(
        self,
        request: Request,
        reply: Reply,
        usage: Usage | None = None,
        cost: int | None = None,
        *,
        outcome: str = "answered",
    ) -> None:
        """Keep a reply, with what it used and cost in nano-dollars; returns when it is on the disk.

        Without `usage`, a later run counts it. `DiskError` where it cannot be kept. One that came too late,
        because the request was answered in another way, is 'superseded'.
        """
        said = (outcome, Billed.YES, "", message_of(usage))
        row = row_of(request, *said, reply.seconds, reply.body, cost, usage, reply.api)
        await self._writer.commit(INSERT, row)

    async def refuse(
        self,
        request: Request,
        reply: Reply,
        fault: Fault,
        cost: int | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Keep a reply that holds no answer, as it came, with its fault; otherwise like `record`."""
        said = (fault.kind, fault.billed, fault.fate.value, fault.message)
        await self._writer.commit(INSERT, row_of(request, *said, reply.seconds, reply.body, cost, usage))

    def count_row(self, seq: int, usage: Usage, cost: int | None) -> None:
        """Say what a reply of `uncounted` used and cost, in nano-dollars; does not wait."""
        self._writer.put(_COUNT, (*numbers(usage), cost, message_of(usage), seq))

    def uncounted(
        self, priced: Collection[str], after: int = 0
    ) -> list[tuple[int, str, str, str, str, bytes]]:
        """(seq, api, model, step, endpoint, body) of the next replies without token counts or a price.

        Counts are missing after a kill; a price, where that of the model (one of `priced`) was not known.
        """
        models = ", ".join("?" * len(priced))
        sql = f"""SELECT seq, api, model, step, endpoint, body FROM attempts
            WHERE seq > ? AND billed = 'yes' AND outcome IN ('answered', 'superseded')
            AND (input IS NULL OR (cost IS NULL AND model IN ({models}))) ORDER BY seq LIMIT 500"""  # noqa: S608 - question marks, no value
        return self.sums(sql, (after, *priced))

    async def note_segments(self, request: Request) -> None:
        """Keep which segments a request asks for, if it does; returns when it is on the disk."""
        for row in segments.rows_of(request):
            self._writer.put(segments.NOTE, row)
        if request.segments:
            await self.settle()

    async def let_go(self, keys: Sequence[bytes]) -> None:
        """Forget the answers of these segments, so that they are asked for again; the replies are kept.

        A request that asked for nothing else is taken out of use: an equal one would bring the same answer.
        """
        digests = segments.asking(self.select, keys)
        for key in keys:
            await self._writer.commit(segments.LET_GO, (key,))
        for digest in sorted(digests - segments.keys_in(self.select, list(digests)).keys()):
            await self._writer.commit(_SUPERSEDE, (digest,))

    def of_job(self, name: str) -> Journal:
        """The journal of another job beside this one, opened to be read only."""
        if name not in self._others:
            self._others[name] = Journal.read_only(self.path.parent.parent / name / self.path.name)
        return self._others[name]

    async def supersede(self, request: Request) -> None:
        """Take a paid reply out of use, so that its request is asked again; the reply is kept."""
        await self._writer.commit(_SUPERSEDE, (request.digest,))

    def note(
        self,
        request: Request,
        fault: Fault,
        seconds: float,
        cost: int | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Keep a failed attempt, with what it may have used and cost; does not wait for the disk."""
        said = (fault.kind, fault.billed, fault.fate.value, fault.message)
        row = row_of(request, *said, seconds, fault.body, cost, usage)
        self._writer.put(INSERT, row)

    def put(self, sql: str, row: tuple[Any, ...]) -> None:
        """Write something that is no attempt, and wait for nothing."""
        self._writer.put(sql, row)

    async def commit(self, sql: str, row: tuple[Any, ...]) -> None:
        """The same; returns when it, and all that was put before it, is on the disk."""
        await self._writer.commit(sql, row)

    async def settle(self) -> None:
        """Return when everything noted so far is on the disk."""
        await self._writer.commit("SELECT 1", ())

    def last_run(self) -> LastRun | None:
        """The latest run, None for the first one."""
        rows = self.select("SELECT job, outcome, summary FROM runs ORDER BY rowid DESC LIMIT 1")
        return LastRun(rows[0][0], str(rows[0][1] or ""), unsealed(rows[0][2])) if rows else None

    def begin_run(self, job: bytes) -> None:
        """Note that a run of the job with this digest begins."""
        self._writer.put("INSERT INTO runs (started, job) VALUES (?, ?)", (time.time(), job))

    def end_run(self, outcome: str, numbers: Mapping[str, Any]) -> None:
        """Note how the latest run ended, and its numbers."""
        sql = (
            "UPDATE runs SET ended = ?, outcome = ?, summary = ? WHERE rowid = (SELECT max(rowid) FROM runs)"
        )
        self._writer.put(sql, (time.time(), outcome, sealed(numbers)))

    @property
    def _writer(self) -> Writer:
        assert self._open_writer is not None  # noqa: S101 - nobody writes into a journal opened to be read
        return self._open_writer

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._open_writer:
            self._open_writer.close()
        self._reader.close()
        for other in self._others.values():
            other.close()
