"""Translated documents -> the files of the tree, and the ledger of their segments.

    with Filing(job, tree, source, policy) as filing:
        leaves = filing.settled(leaves)   # merged with what people changed; a broken document becomes a fault
        filing.note(leaves)               # written to temporary files
        filing.complete(); filing.publish()

One record at a time is in memory. This module does not know how a document was translated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.core.document import TO_REVIEW, Policy, Translated
from pipeline.core.domain import Fault
from pipeline.engine.walk import Branch, context
from pipeline.job.spec import Job
from pipeline.output.folder import Filed, ResultFolder
from pipeline.output.table import Table
from pipeline.output.translated import ledger
from pipeline.output.translated.edits import Edits
from pipeline.output.translated.ledger import Ledger, Row
from pipeline.output.translated.merge import KEPT, Edit
from pipeline.output.translated.tree import Tree
from pipeline.records.documents import Documents
from pipeline.system.files import sync_folder

_WHOLE = (
    "was changed in more than the texts of its segments: left as it is; remove it, and the next run writes it"
    " again"
)
_BROKEN = "would be broken by a text that a person wrote: left as it is; look at its places in the ledger"


@dataclass
class _Ready:
    """A document that is to be written: None for its content where the file is left as it is, and why."""

    content: bytes | None
    rows: Sequence[Row]
    over: bytes | None = None
    why: str = ""


@dataclass
class Segments:
    """What became of all segments of a run, for its end and for its report."""

    report: Path
    states: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)
    """places of the first conflicts"""
    lint: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """by document, what looks wrong in its source"""
    sources: dict[str, str] = field(default_factory=dict)
    """by document, the language it was translated from"""

    @property
    def review(self) -> int:
        """Segments that a person has to look at."""
        return sum(self.states[state] for state in TO_REVIEW)


MOST_NAMED = 5


class Filing:
    """Writes the tree and the ledger of a job. Raises `InputError` for a ledger that cannot be read."""

    def __init__(
        self,
        job: Job,
        tree: Tree,
        source: Documents,
        policy: Policy,
        without: Collection[str] = (),
        *,
        writes: bool = True,
    ) -> None:
        self._tree, self._without = tree, without
        self._present = {fields["path"]: fields for fields in source.all_fields()}
        self._whole = set[str]()  # documents of which every row was written
        self._done = set[tuple[str, str]]()
        self._languages = set[str]()  # into which the job translates now
        self._ready: dict[str, _Ready] = {}
        self._kept = set[tuple[str, str, str]]()  # texts of people that stand in a document
        self.segments = Segments(job.folder / "report.md")
        self._path = job.folder / job.output.ledger
        self._coming = self._path.with_stem(f"{self._path.stem}.coming")
        self._table: Table | None = None
        self._folder = ResultFolder(tree.folder, job.folder, job.root)
        try:
            self._edits = Edits(Ledger(self._path), Ledger(self._coming), self._folder, policy)
            self._edits.collect(self._present)
            if writes:
                self._table = Table([self._coming], ledger.SCHEMA, own=job.folder)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Filing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove temporary files that were not moved."""
        if self._table:
            self._table.abandon()
        self._folder.close()

    def settled(self, leaves: Sequence[Branch]) -> list[Branch]:
        """The leaves with what people changed; with a fault, where a document would be broken."""
        return [self._settled(leaf) if leaf.status == "ok" else leaf for leaf in leaves]

    def _settled(self, leaf: Branch) -> Branch:
        value: Translated = leaf.values[self._tree.name]
        self._languages.add(value.language)
        path, key = self._tree.path(context(leaf)), leaf.record.key
        theirs, form = self._folder.theirs(path), leaf.record.fields["format"]
        base, texts, mergeable = self._edits.read(key, value, path, form, theirs)
        if not mergeable and theirs != _built(value):
            self._ready[path] = _Ready(None, base, why=_WHOLE)
            return leaf
        base = base if mergeable else []  # it is what would be written: nothing in it is a person's
        outcomes = self._edits.merged(key, value, base, texts)
        targets = [one.target for one in outcomes]
        built = value.document.build(targets, value.language)
        wrong = value.document.broken(built)
        if wrong and not self._edits.may_stand(value, path, form, targets, built):
            if theirs is not None:
                self._ready[path] = _Ready(None, base, why=_BROKEN)
                return leaf
            said = "; ".join(dict.fromkeys(f"{one.code}: {one.message}" for one in wrong[:3]))
            what = f"the translated document would not be whole ({said})"
            return replace(leaf, at=self._tree.step, fault=Fault("broken_document", what))
        names = (key, value.language, path, ledger.digest_of(built))
        parts = zip(value.document.segments, outcomes, strict=True)
        rows = [ledger.row_of(names, i, *part) for i, part in enumerate(parts)]
        self._ready[path] = _Ready(built, rows, theirs)
        values = {**leaf.values, self._tree.name: replace(value, outcomes=tuple(outcomes))}
        return replace(leaf, values=values)

    def note(self, leaves: Iterable[Branch]) -> None:
        """Write the temporary files of what is settled; a row that is not ok leaves its file as it is."""
        assert self._table  # noqa: S101 - until it is closed
        failed = set[str]()
        for leaf in leaves:
            key, path = leaf.record.key, self._tree.path(context(leaf))
            ready = self._ready.pop(path, None)
            if leaf.status != "ok" or ready is None:
                self._folder.spare(path)
                failed.add(key)
                continue
            value: Translated = leaf.values[self._tree.name]
            if ready.content is None:
                self._folder.spare(path, ready.why)
            else:
                self._folder.put(path, key, ready.content, ready.over)
            self._add(ready.rows)
            self._done.add((key, path))
            self.segments.sources[key] = value.source
            if value.document.lint:
                self.segments.lint[key] = value.document.lint
            self._whole.add(key)
        self._whole -= failed

    def compared(self, leaf: Branch) -> tuple[str, bool]:
        """The file of a settled row, and whether something else stands in its place than would be written."""
        path = self._tree.path(context(leaf))
        ready = self._ready.pop(path, None)
        content = ready.content if ready else None
        return path, content is not None and self._folder.differs(path, content)

    def left_over(self) -> list[str]:
        """The files that a run would remove."""
        for fields in self._present.values():
            for path in self._tree.paths(fields):
                self._folder.spare(path)
        for document, file in self._edits.files():
            if self._of_another_language(document, self._edits.now(document, file)):
                self._folder.spare(file)
        return self._folder.left_over()

    def _of_another_language(self, document: str, rows: Sequence[Row]) -> bool:
        """Whether a file of a document that is still there is in a language that the job names no more."""
        return document in self._present and bool(rows) and rows[0].language not in self._languages

    def _add(self, rows: Sequence[Row]) -> None:
        assert self._table  # noqa: S101 - until it is closed
        self._table.write(ledger.cells(rows))
        for row in rows:
            self.segments.states[row.state] += 1
            if row.state in KEPT and row.target is not None:
                self._kept.add((row.language, row.source, row.target))
            if row.state == "conflict" and len(self.segments.conflicts) < MOST_NAMED:
                self.segments.conflicts.append(f"{row.document} ({row.language}), segment {row.place}")

    def _remember(self, document: str, file: str) -> None:
        """Keep the rows of a file that this run did not write; of one that goes, what people wrote."""
        assert self._table  # noqa: S101 - until it is closed
        rows = self._edits.now(document, file)
        stays = self._of_another_language(document, rows)
        if stays:
            self._folder.spare(file)
        if stays or (document in self._present and document not in self._whole):
            self._table.write(ledger.cells(rows))
        elif document in self._present:
            for row in rows:
                if row.state in KEPT:
                    self._edits.lose(document, row.language, Edit(row.source, row.written.text))

    def complete(self) -> None:
        """Sync all files and the ledger, so that what people wrote is in it before it is overwritten."""
        assert self._table  # noqa: S101 - until it is closed
        for document, file in self._edits.files():
            if (document, file) not in self._done and document not in self._without:
                self._remember(document, file)
        for row in list(self._edits.lost(self._without, self._kept)):
            self._add([row])
        for path, fields in self._present.items():
            if path not in self._whole and path not in self._without:
                for file in self._tree.paths(fields):
                    self._folder.spare(file)
        self._folder.complete()
        self._table.publish()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing more: the folder of the tree holds off other commands that publish the same job."""
        yield

    def publish(self) -> Filed:
        """Move the files into place; those of documents that are gone are removed."""
        return self._folder.publish(self._move_ledger)

    def _move_ledger(self) -> None:
        self._coming.replace(self._path)
        sync_folder(self._path.parent)


def _built(value: Translated) -> bytes:
    """The document as it is without what people changed."""
    return value.document.build([one.target for one in value.outcomes], value.language)
