"""Where requests wait for their batch: in the file that will be submitted.

A walk puts what it misses here. Nothing of a request stays in memory but its digest; its step, its record and
the most that it can cost are noted in the journal. A file is full when the server would take no more. This
module sends nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.core.domain import BATCH, Fault, Request
from pipeline.core.errors import DiskError
from pipeline.journal import batches, segments
from pipeline.journal.batches import Batch
from pipeline.journal.journal import Journal
from pipeline.journal.rows import as_text
from pipeline.money.budget import Budget, Spent
from pipeline.money.estimate import Estimator
from pipeline.money.tariff import Tariff
from pipeline.system.files import own_file
from pipeline.wire.batching import BEFORE_BODY, Vendor, line_of, new_mark, path_of

FOLDER = "batches"
"""in the job's folder: the files of batches that are not collected yet"""


@dataclass
class _File:
    """A file that is being filled, for one model and one dialect."""

    batch: Batch
    path: Path
    file: BinaryIO
    size: int = 0
    held: Spent = field(default_factory=Spent)


class Parked:
    """The requests that wait, in this walk and in batches that were submitted; a `guards.park.Parking`."""

    def __init__(self, folder: Path, job: str, journal: Journal, budget: Budget) -> None:
        self.folder = folder / FOLDER
        self._job, self._journal, self._budget = job, journal, budget
        self.lane_of: Callable[[str], str] = lambda name: "sync"
        self.vendors: dict[str, Vendor] = {}
        """of the models that can be asked in batches, by their names in the job"""
        self.most: dict[str, int] = {}
        """requests in a batch, where the server has taken fewer than its vendor says"""
        self.waiting: dict[bytes, str] = {}
        """requests in batches that are open, each with the mark of its batch"""
        self.alone: set[bytes] = set()
        """requests that came back from batches without an answer too often"""
        self.left_out = ""
        """the limit of the budget that kept requests out; '' where none did"""
        self.private: dict[bytes, tuple[Any, ...]] = {}
        self._failed: dict[bytes, Fault] = {}
        self._files: dict[tuple[str, str], _File] = {}
        self._full: list[_File] = []

    def failed(self, request: Request) -> Fault | None:
        """Why it failed in an earlier walk of this run."""
        return self._failed.get(request.digest) if self._failed else None

    def fail(self, request: Request, fault: Fault) -> None:
        """No later walk of this run asks for it."""
        self._failed[request.digest] = fault

    def takes(self, name: str, request: Request, tariff: Tariff, estimator: Estimator) -> bool:
        """Whether it waits here, or in a batch; if it does not fit into the budget, it waits for nothing."""
        if request.private:
            self.private[request.digest] = request.private
        if request.digest in self.waiting or self._brings_its_segments(request):
            return True
        vendor = self.vendors.get(name)
        if vendor is None or self.lane_of(name) != BATCH or request.digest in self.alone:
            return False
        if request.api not in vendor.apis:
            return False
        expected = estimator.expect(request)
        cost = tariff.most(request.with_tier(BATCH), expected) or 0
        need = Spent(cost, round(expected.worst_input + expected.most), 1)
        if self._budget.is_limited and (lack := self._budget.lacks(need)):
            self.left_out = lack
            return True
        self._add(name, vendor, request, need)
        return True

    def _brings_its_segments(self, request: Request) -> bool:
        """Whether what waits asks for a segment of this request, which then need not be asked for again.

        A part of a document is another request once the part before it is translated.
        """
        if not (request.segments and self.waiting):
            return False
        return not self.waiting.keys().isdisjoint(segments.asking(self._journal.select, request.segments))

    def _add(self, name: str, vendor: Vendor, request: Request, need: Spent) -> None:
        line = line_of(request, path_of(request.api), vendor)
        parcel = self._room(name, vendor, request, len(line))
        batch = parcel.batch
        batch.total += 1
        begins = line.index(BEFORE_BODY) + len(BEFORE_BODY)  # behind the body stand a brace and a newline
        where = (parcel.size + begins, len(line) - begins - 2)
        noted = (batch.mark, request.digest, batch.total, as_text(request.step), as_text(request.key), *where)
        try:
            parcel.file.write(line)
        except OSError as error:
            raise unwritable(parcel.path, error) from None
        self._journal.put(batches.NOTE_LINE, (*noted, need.cost, need.tokens))
        parcel.size += len(line)
        parcel.held.add(need)
        self._hold(need)
        self.waiting[request.digest] = batch.mark

    def _hold(self, need: Spent, times: int = 1) -> None:
        self._budget.held.add(need, times)
        self._budget.batched.add(need, times)

    def _room(self, name: str, vendor: Vendor, request: Request, size: int) -> _File:
        """The file that takes so many bytes more."""
        key = (name, request.api)
        parcel = self._files.get(key)
        if parcel is not None:
            most = min(vendor.most_requests, self.most.get(name, vendor.most_requests))
            tokens = vendor.most_tokens is not None and parcel.held.tokens >= vendor.most_tokens
            if parcel.batch.total >= most or parcel.size + size > vendor.most_bytes or tokens:
                self._full.append(self._files.pop(key))
                parcel = None
        if parcel is None:
            mark = new_mark(self._job, time.time())
            path = self.path(mark)
            try:
                self.folder.mkdir(exist_ok=True)
                handle = own_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            except OSError as error:
                raise unwritable(path, error) from None
            batch = Batch(mark, name, request.model, request.api)
            parcel = self._files[key] = _File(batch, path, os.fdopen(handle, "wb"))
        return parcel

    def tokens(self, batch: Batch) -> int:
        """The most tokens that the requests of a batch can use."""
        return sum(line.tokens for line in batches.lines_of(self._journal.select, batch.mark))

    def path(self, mark: str) -> Path:
        """The file of a batch."""
        return self.folder / f"{mark}.jsonl"

    def ready(self) -> Iterator[Batch]:
        """The batches of all that was put here in this walk, each whole on the disk when it comes."""
        full, self._full, self._files = [*self._full, *self._files.values()], [], {}
        for parcel in full:
            try:
                parcel.file.flush()
                os.fsync(parcel.file.fileno())
                parcel.file.close()
            except OSError as error:
                raise unwritable(parcel.path, error) from None
            parcel.batch.made = time.time()
            yield parcel.batch

    def take_up(self, batch: Batch) -> None:
        """The requests of a batch that an earlier run left open wait, and their cost is held."""
        for line in batches.lines_of(self._journal.select, batch.mark):
            self.waiting[line.digest] = batch.mark
            self._hold(Spent(line.cost, line.tokens, 1))

    def let_go(self, batch: Batch) -> None:
        """The requests of a batch wait no more, and nothing is held for them."""
        for line in batches.lines_of(self._journal.select, batch.mark):
            if self.waiting.get(line.digest) == batch.mark:
                del self.waiting[line.digest]
                self._hold(Spent(line.cost, line.tokens, 1), -1)
        self._budget.wake()

    def remove(self, batch: Batch) -> None:
        """Remove what was kept for a batch that has ended."""
        self._journal.put(batches.FORGET_LINES, (batch.mark,))
        self.path(batch.mark).unlink(missing_ok=True)

    def tidy(self, known: Mapping[str, Batch]) -> None:
        """Remove the files and the lines of batches that were never wanted: a run was killed before that."""
        self._journal.put(batches.FORGET_ORPHANS, ())
        if self.folder.is_dir():
            for path in self.folder.glob("*.jsonl"):
                if path.stem.partition(".")[0] not in known:
                    path.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> DiskError:
    """The error for a file of a batch that cannot be written."""
    hint = "free space, then run the same command"
    return DiskError(f"cannot write the file of a batch: {error.strerror}", where=str(path), hint=hint)
