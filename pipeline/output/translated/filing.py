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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.core.document import TO_REVIEW, Outcome, Policy, Translated
from pipeline.core.domain import Fault
from pipeline.core.errors import InputError
from pipeline.engine.walk import Branch, context
from pipeline.job.spec import Job
from pipeline.output import manifest
from pipeline.output.folder import Filed, ResultFolder
from pipeline.output.table import Table
from pipeline.output.translated import ledger
from pipeline.output.translated.ledger import Ledger, Row
from pipeline.output.translated.merge import KEPT, Edit, edits_of, merged, with_edit
from pipeline.output.translated.tree import Tree
from pipeline.records.documents import Documents
from pipeline.system.files import sync_folder
from pipeline.translation.formats import read_document

_WHOLE = (
    "was changed in more than the texts of its segments: left as it is; remove it, and the next run writes it"
    " again"
)
_BROKEN = "would be broken by a text that a person wrote: left as it is; look at its places in the ledger"


@dataclass
class _Ready:
    """A document that is to be written: None for its content where the file is left as it is, and why."""

    path: str
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
    stale: list[str] = field(default_factory=list)
    """files that are not as they would be written now"""

    @property
    def review(self) -> int:
        """Segments that a person has to look at."""
        return sum(self.states[state] for state in TO_REVIEW)


MOST_NAMED = 5


class Filing:
    """Writes the tree and the ledger of a job. Raises `InputError` for a ledger that cannot be read."""

    def __init__(
        self, job: Job, tree: Tree, source: Documents, policy: Policy, without: Collection[str] = ()
    ) -> None:
        self._job, self._tree, self._policy, self._without = job, tree, policy, without
        self._present = {fields["path"]: fields for fields in source.all_fields()}
        self._whole = set[str]()  # documents of which every row was written
        self._done = set[tuple[str, str]]()
        self._ready: dict[str, _Ready] = {}
        self.segments = Segments(job.folder / "report.md")
        self._path = job.folder / job.output.ledger
        self._coming = self._path.with_stem(f"{self._path.stem}.coming")
        self._old, self._next = Ledger(self._path), Ledger(self._coming)
        """the second is that of a run that was killed while it moved its files; else it is empty"""
        self._gone: dict[tuple[str, str], list[tuple[str, Edit]]] = {}
        self._table: Table | None = None
        listed = manifest.of_records(job.folder, self._orphans())
        self._folder = ResultFolder(tree.folder, job.folder, job.root)
        try:
            self._collect(listed)
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

    def _orphans(self) -> set[str]:
        return {document for document, _ in self._old if document not in self._present}

    def _collect(self, listed: Iterable[tuple[str, str]]) -> None:
        """Find what people wrote for segments that are in no document now."""
        for row in (*self._old.edits(), *self._next.edits()):
            if row.place == ledger.GONE or row.document not in self._present:
                self._lose(row.document, row.language, Edit(row.source, row.written.text))
        paths = [path for _, path in listed]
        changed = [(path, content) for path in paths if (content := self._folder.theirs(path)) is not None]
        for document, language in self._old if changed else ():
            if document in self._present:
                continue
            rows = self._old.rows(document, language)
            for path, content in changed:
                texts = self._texts(path, content, rows, (language, language), "")
                for edit in edits_of([row.written for row in rows], texts).values() if texts else ():
                    self._lose(document, language, edit)

    def _lose(self, document: str, language: str, edit: Edit) -> None:
        known = self._gone.setdefault((language, edit.source), [])
        if (document, edit) not in known:
            known.append((document, edit))

    def settled(self, leaves: Sequence[Branch]) -> list[Branch]:
        """The leaves with what people changed; with a fault, where a document would be broken."""
        return [self._settled(leaf) if leaf.status == "ok" else leaf for leaf in leaves]

    def _settled(self, leaf: Branch) -> Branch:
        value: Translated = leaf.values[self._tree.name]
        path, key = self._tree.path(context(leaf)), leaf.record.key
        base, theirs, texts = self._base(key, value.language, path), self._folder.theirs(path), None
        if theirs is not None:
            tags, form = (value.language, value.source), leaf.record.fields["format"]
            for rows in (base, self._next.rows(key, value.language)):
                if (texts := self._texts(path, theirs, rows, tags, form)) is not None:
                    base = rows
                    break
            else:
                self._ready[path] = _Ready(path, None, base, why=_WHOLE)
                return leaf
        outcomes = self._merged(key, value, base, texts)
        targets = [one.target for one in outcomes]
        built = value.document.build(targets, value.language)
        if wrong := value.document.broken(built):
            if theirs is not None:
                self._ready[path] = _Ready(path, None, base, why=_BROKEN)
                return leaf
            said = "; ".join(dict.fromkeys(f"{one.code}: {one.message}" for one in wrong[:3]))
            what = f"the translated document would not be whole ({said})"
            return replace(leaf, at=self._tree.step, fault=Fault("broken_document", what))
        parts = zip(value.document.segments, outcomes, strict=True)
        rows = [ledger.row_of(key, value.language, i, *part) for i, part in enumerate(parts)]
        self._ready[path] = _Ready(path, built, rows, theirs)
        values = {**leaf.values, self._tree.name: replace(value, outcomes=tuple(outcomes))}
        return replace(leaf, values=values)

    def _base(self, key: str, language: str, path: str) -> list[Row]:
        """The rows of what stands in the tree."""
        moved = (key, language) in self._next and self._folder.is_coming(path)
        return (self._next if moved else self._old).rows(key, language)

    def _merged(
        self, key: str, value: Translated, base: Sequence[Row], texts: Sequence[str] | None
    ) -> list[Outcome]:
        written = [row.written for row in base]
        edits = edits_of(written, texts)
        outcomes, gone = merged(edits, written, value.document.segments, value.outcomes)
        known = {one.source for one in written}
        for place, segment in enumerate(value.document.segments):
            found = self._gone.get((value.language, segment.text), [])
            texts_of = {edit.text for _, edit in found}
            if outcomes[place].state in KEPT or segment.text in known or len(texts_of) != 1:
                continue
            outcomes[place] = with_edit(found[0][1], segment.text, outcomes[place])
            del self._gone[value.language, segment.text]
        for edit in gone:
            self._lose(key, value.language, edit)
        return outcomes

    def _texts(
        self, path: str, content: bytes, base: Sequence[Row], tags: tuple[str, str], form: str
    ) -> list[str] | None:
        """The texts of a file that somebody changed; None where more than texts was changed.

        That only texts were changed is proven: with the texts that were written last, it is the file that
        was written last.
        """
        for tag in dict.fromkeys(tags):
            with suppress(InputError):
                document = read_document(path, content, replace(self._policy, source=tag), format=form)
                texts = [one.text if one.given is None else one.given for one in document.segments]
                if len(texts) != len(base):
                    continue
                before = [row.written.text for row in base]
                back = [None if now == was else was for now, was in zip(texts, before, strict=True)]
                if self._folder.wrote(path, document.build(back, tags[0])):
                    return texts
        return None

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
                if self._folder.differs(path, ready.content):
                    self.segments.stale.append(path)
                self._folder.put(path, key, ready.content, ready.over)
            self._add(ready.rows)
            self._done.add((key, value.language))
            self.segments.sources[key] = value.source
            if value.document.lint:
                self.segments.lint[key] = value.document.lint
            self._whole.add(key)
        self._whole -= failed

    def _add(self, rows: Sequence[Row]) -> None:
        assert self._table  # noqa: S101 - until it is closed
        self._table.write(ledger.cells(rows))
        for row in rows:
            self.segments.states[row.state] += 1
            if row.state == "conflict" and len(self.segments.conflicts) < MOST_NAMED:
                self.segments.conflicts.append(f"{row.document} ({row.language}), segment {row.place}")

    def complete(self) -> None:
        """Sync all files and the ledger, so that what people wrote is in it before it is overwritten."""
        assert self._table  # noqa: S101 - until it is closed
        for document, language in self._old:
            if (document, language) in self._done or document in self._without:
                continue
            rows = self._old.rows(document, language)
            if document in self._present and document not in self._whole:
                self._table.write(ledger.cells(rows))
                continue
            for row in rows if document in self._present else ():
                if row.state in KEPT:
                    self._lose(document, language, Edit(row.source, row.written.text))
        for row in self._lost():
            self._add([row])
        for path, fields in self._present.items():
            if path not in self._whole and path not in self._without:
                for file in self._tree.paths(fields):
                    self._folder.spare(file)
        self._folder.complete()
        self._table.publish()

    def _lost(self) -> Iterator[Row]:
        left = [(doc, lang, edit) for (lang, _), found in self._gone.items() for doc, edit in found]
        for document, language, edit in sorted(left, key=lambda one: (one[0], one[1], one[2].source)):
            if document not in self._without:
                yield ledger.gone(document, language, edit)

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

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self._path
