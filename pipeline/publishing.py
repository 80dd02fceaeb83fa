"""A walk -> the result's files and the table of failed rows, all of them or none.

This module does not know whether anybody stands behind the journal.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from pipeline.engines import replay
from pipeline.results import Result
from pipeline.session import Session
from pipeline.table import Table
from pipeline.tally import Tally
from pipeline.walk import Branch, Walk

BATCH = 1024


async def publish(
    session: Session, walk: Walk, tally: Tally, *, only_complete: bool = False
) -> Result | None:
    """Write every row in the order of the input, aside, and move it into place when it is whole.

    With `only_complete`, a pending row means that nothing is written and None is returned (the rows are
    counted to the end all the same).
    """
    failures = _Failures(session)
    with Table(session.job.targets, session.rows.schema) as table:
        rows: list[tuple[object, ...]] = []
        async for leaf in replay.rows(walk, session.source.batches()):
            tally.count(leaf.status)
            if only_complete and tally.pending:
                continue
            rows.append(session.rows.row(leaf))
            failures.note(leaf)
            if len(rows) >= BATCH:
                table.write(rows)
                rows = []
        if only_complete and tally.pending:
            return None
        table.write(rows)
        table.publish()
    path = failures.publish(session.job.folder / "failures.csv")
    return Result(session.job.targets, tally.ok, tally.failed, tally.skipped, tally.pending, failures=path)


class _Failures:
    """The failed rows with their reasons, as CSV text; there are few, or the run stops."""

    def __init__(self, session: Session) -> None:
        self._stages = session.stages
        self._each = [name for stage in session.stages for name in stage.spec.each]
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(["key", *self._each, "step", "kind", "message", "billed"])
        self._count = 0

    def note(self, leaf: Branch) -> None:
        if leaf.status != "failed" or leaf.fault is None:
            return
        self._count += 1
        each = [leaf.values.get(name, "") for name in self._each]
        step = self._stages[leaf.at].spec.name
        fault = leaf.fault
        self._writer.writerow([leaf.record.key, *each, step, fault.kind, fault.message, fault.billed.value])

    def publish(self, path: Path) -> Path | None:
        """Write them, or remove what an earlier run wrote; the path where there are any."""
        if not self._count:
            path.unlink(missing_ok=True)
            return None
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(self._text.getvalue(), encoding="utf-8", errors="replace", newline="")
        os.replace(aside, path)  # noqa: PTH105 - the one call that is atomic
        return path
