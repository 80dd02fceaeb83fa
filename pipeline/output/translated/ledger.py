"""The ledger: one row for each segment and language of what was published last.

It is written before the documents are moved into place, so that what a person wrote is never forgotten. All
rows of a file stand together, in the order of the file. This module does not know what is
done with a segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from pathlib import Path

import polars as pl

from pipeline.core import adapters
from pipeline.core.document import Outcome, Segment
from pipeline.core.domain import DOLLAR, frozen
from pipeline.core.errors import InputError
from pipeline.output.translated.merge import KEPT, Edit, Written
from pipeline.system.files import adapter_name

_NAMES = ("document", "file", "language", "digest")
SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("document", "language"), pl.String()),
        "place": pl.Int64(),
        **dict.fromkeys(("path", "kind", "source", "target", "state", "findings"), pl.String()),
        **dict.fromkeys(("attempts", "tokens"), pl.Int64()),
        "cost": pl.Float64(),
        **dict.fromkeys(("model", "candidate", "file", "digest"), pl.String()),
    }
)
_CELLS = attrgetter(*SCHEMA)
GONE = 0
"""the place of a text that a person wrote, and whose segment is in no document any more"""


@frozen
class Row:
    """A row of the ledger. `place` counts from 1; `target` is None where the source was left as it is.

    `tokens` and `cost` (dollars) are its shares of its requests. `file` is the file in the tree, relative to
    its folder, and `digest` says which bytes it had.
    """

    document: str
    language: str
    place: int
    path: str
    kind: str
    source: str
    target: str | None
    state: str
    findings: str
    attempts: int
    tokens: int
    cost: float | None
    model: str
    candidate: str
    file: str
    digest: str

    @property
    def written(self) -> Written:
        """What stands in the file."""
        return Written(self.source, self.source if self.target is None else self.target, self.state)


def digest_of(content: bytes) -> str:
    """What tells the bytes of a file from others."""
    return sha256(content).hexdigest()[:16]


def row_of(names: tuple[str, str, str, str], place: int, segment: Segment, outcome: Outcome) -> Row:
    """The row of a segment; `place` counts from 0.

    `names` are the document, the language, the file and its digest.
    """
    document, language, file, digest = names
    codes = " ".join(dict.fromkeys(one.code for one in outcome.findings))
    what = (segment.path, segment.kind, segment.text, outcome.target, outcome.state, codes)
    cost = None if outcome.cost is None else outcome.cost / DOLLAR
    used = (outcome.attempts, outcome.tokens, cost)
    return Row(document, language, place + 1, *what, *used, outcome.by, outcome.candidate, file, digest)


def gone(document: str, language: str, edit: Edit) -> Row:
    """The row of a text that a person wrote, and whose segment is gone."""
    return Row(
        document, language, GONE, "", "", edit.source, edit.text, "gone", "", 0, 0, None, "", "", "", ""
    )


class Ledger:
    """The rows of a ledger, read a document at a time. Raises `InputError` for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spans: dict[tuple[str, str], tuple[int, int, str, str]] = {}
        self._scan = pl.LazyFrame(schema=SCHEMA)
        if not path.exists():
            return
        name = adapter_name(path)[0]
        scan: pl.LazyFrame = adapters.load("tables", name).scan(path)
        if list(scan.collect_schema()) != list(SCHEMA):
            raise self._damaged()
        try:
            self._scan = scan.with_columns(pl.col("place", "attempts").cast(pl.Int64))
            if name == "csv":  # it cannot be read from the middle
                self._scan = self._scan.collect().lazy()
            runs = self._scan.select(*_NAMES, "place").with_row_index("row").filter(pl.col("place") != GONE)
            found = runs.group_by(*_NAMES, maintain_order=True).agg(pl.col("row").min(), pl.len()).collect()
        except pl.exceptions.PolarsError:
            raise self._damaged() from None
        for document, file, language, digest, row, count in found.iter_rows():
            self._spans[document, file] = (
                row,
                count,
                language,
                digest,
            )  # rows of texts that are gone come last

    def _damaged(self) -> InputError:
        hint = "put a copy back; without it, segments that people changed in the tree are overwritten"
        return InputError("this is not the ledger that the job wrote", where=str(self._path), hint=hint)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(document, file) of all that is in it."""
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def __contains__(self, key: object) -> bool:
        return key in self._spans

    def language(self, document: str, file: str) -> str:
        """The language of a file."""
        return self._spans[document, file][2]

    def digest(self, document: str, file: str) -> str:
        """The digest of a file as it was written; '' for one that is not in the ledger."""
        return self._spans[document, file][3] if (document, file) in self._spans else ""

    def rows(self, document: str, file: str) -> list[Row]:
        """The rows of a document in one of its files."""
        start, count, *_ = self._spans.get((document, file), (0, 0))
        if not count:
            return []
        return _rows(self._scan.slice(start, count))

    def edits(self) -> list[Row]:
        """All rows whose text a person wrote."""
        return _rows(self._scan.filter(pl.col("state").is_in(list(KEPT))))

    def counts(self) -> list[tuple[str, str, int, int]]:
        """(language, state, segments, documents), in order."""
        grouped = self._scan.group_by("language", "state").agg(pl.len(), pl.col("document").n_unique())
        return grouped.sort("language", "state").collect().rows()

    def select(self, condition: pl.Expr, most: int) -> list[Row]:
        """The first rows for which a condition holds."""
        return _rows(self._scan.filter(condition).head(most))


def _rows(scan: pl.LazyFrame) -> list[Row]:
    texts = [name for name, dtype in SCHEMA.items() if dtype == pl.String and name != "target"]
    frame = scan.with_columns(pl.col(texts).fill_null("")).collect()
    return [Row(*values) for values in frame.iter_rows()]


def cells(rows: Iterable[Row]) -> list[tuple[object, ...]]:
    """Rows as a table takes them."""
    return list(map(_CELLS, rows))


def earlier(path: Path, document: str, language: str) -> dict[str, str]:
    """The segments of a document as they were published last."""
    ledger = _opened(path, path.stat().st_mtime_ns if path.exists() else 0)
    files = [file for name, file in ledger if name == document and ledger.language(name, file) == language]
    rows = (row for file in files for row in ledger.rows(document, file))
    return {row.source: row.target for row in rows if row.target is not None}


@lru_cache(maxsize=1)
def _opened(path: Path, changed: int) -> Ledger:
    """The ledger, opened once in the state that it had at this time."""
    return Ledger(path)
