"""A person's desk: a job whose third record fails, and the file of what waits for the person."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

ANSWER = "A whole new text of thing 3, written by a person."
LONG = "- A text of thing 3, which says “=SUM(A1)” and goes on, on and on.\nIt has a second line, too."
POST: dict[str, Any] = {
    "name": "post",
    "prompt": "Write of {{ title }}.",
    "checks": {"excludes": "on and on"},
    "repairs": 0,
}


def wrong(match: str, text: str = LONG) -> Rule:
    """A model that says the same whenever it is asked."""
    return Rule(match=match, fault="body", body=chat_body(text).decode())


class Desk:
    """A job whose third record fails, and the file that its person edits."""

    def __init__(self, project: Project, base_url: str, steps: list[dict[str, Any]], rows: int = 5) -> None:
        self.project, self._steps, self._url = project, steps, base_url
        self.rows = rows
        self.job()

    def job(self, **changes: Any) -> None:
        """Write the job; `changes` are those of its last step."""
        steps = [*self._steps[:-1], {**self._steps[-1], **changes}]
        records = Project.numbered(self.rows)
        self.project.job(models=served(self._url), records=records, steps=steps, max_failed=1)

    def path(self, name: str = "review.csv") -> Path:
        """A file in the job's folder."""
        return self.project.folder / "output/shop" / name

    def read(self, name: str = "review.csv") -> list[dict[str, str]]:
        """Its rows; none where it is not there."""
        if not self.path(name).exists():
            return []
        return list(csv.DictReader(io.StringIO(self.path(name).read_text("utf-8-sig"), newline="")))

    def write(self, rows: list[dict[str, str]], encoding: str = "utf-8-sig", **dialect: Any) -> None:
        """Save the file as an editor does."""
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, list(rows[0]), **dialect)
        table.writeheader()
        table.writerows(rows)
        self.path().write_bytes(text.getvalue().encode(encoding, "replace"))

    def decide(self, **cells: str) -> None:
        """Change cells of the first row."""
        first, *others = self.read()
        self.write([first | cells, *others])

    def run(self, *words: str) -> dict[str, Any]:
        """Run the job; what it says to programs."""
        return self.project.numbers(*(words or ("run",)), "job.yaml")

    def cell(self, column: str = "post", key: str = "00003") -> tuple[str | None, str, str]:
        """What the table has for a record: the cell, its status, its model."""
        frame = self.project.result()
        (row,) = frame.filter(frame["sku"] == key).to_dicts()
        return row[column], row["_status"], row["_model"]


@contextmanager
def desks(project: Project) -> Iterator[Callable[..., Desk]]:
    """Desks for jobs of given steps, with a model that fails at thing 3."""
    with serve(Script(faults=(wrong("thing 3"),))) as server:

        def made(*steps: dict[str, Any]) -> Desk:
            made_now = Desk(project, server.base_url, list(steps) or [POST])
            done = made_now.run()
            assert done["failed"] == done["to_review"] == 1
            return made_now

        yield made
