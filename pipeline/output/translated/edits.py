"""What people changed in the tree: found in its files and in the ledger, and brought into new translations.

An edit belongs to its source. It is kept where that stands, also when it has moved; where it stands nowhere,
the ledger remembers it. This module does not write files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from pipeline.core.document import Document, Outcome, Policy, Translated
from pipeline.core.errors import InputError
from pipeline.output.folder import ResultFolder
from pipeline.output.translated.ledger import GONE, Ledger, Row, digest_of, gone
from pipeline.output.translated.merge import KEPT, Edit, Written, edits_of, merged, with_edit
from pipeline.translation.formats import read_document

_ANCHOR = re.compile(r"""(?<=[("'<])#[^\s()<>"']+""")
"""an anchor in a link of Markdown or HTML"""


class Edits:
    """The edits of a tree. `old` is the ledger of what was published last.

    `coming` is that of a run that was killed while it moved its files; else it is empty.
    """

    def __init__(self, old: Ledger, coming: Ledger, folder: ResultFolder, policy: Policy) -> None:
        self._old, self._coming, self._folder, self._policy = old, coming, folder, policy
        self._edited = set[tuple[str, str]]()
        """documents and files in which the ledgers have edits"""
        self._gone: dict[tuple[str, str], list[tuple[str, Edit]]] = {}
        """by language and source: edits whose segment is in no document now, with their documents"""

    def collect(self, present: Collection[str]) -> None:
        """Find what people wrote in documents that are not `present` any more."""
        for row in (*self._old.edits(), *self._coming.edits()):
            self._edited.add((row.document, row.file))
            if row.place == GONE or row.document not in present:
                self.lose(row.document, row.language, Edit(row.source, row.written.text))
        for document, file in self.files():
            if document in present or (content := self._folder.theirs(file)) is None:
                continue
            for rows in (self._coming.rows(document, file), self._old.rows(document, file)):
                language = rows[0].language if rows else ""
                texts = self._texts(file, content, rows, (language,), "")
                for edit in edits_of(_written(rows), texts).values() if texts else ():
                    self.lose(document, language, edit)

    def files(self) -> list[tuple[str, str]]:
        """(document, file) of all that was ever published, in order."""
        return list(dict.fromkeys((*self._old, *self._coming)))

    def lose(self, document: str, language: str, edit: Edit) -> None:
        """Note an edit whose segment is gone."""
        known = self._gone.setdefault((language, edit.source), [])
        if (document, edit) not in known:
            known.append((document, edit))

    def lost(self, without: Collection[str], there: Collection[tuple[str, str, str]]) -> Iterator[Row]:
        """The rows that remember edits whose segments are gone, in order.

        Those that stand somewhere, by language, source and text, are not gone.
        """
        left = [(doc, lang, edit) for (lang, _), found in self._gone.items() for doc, edit in found]
        for document, language, edit in sorted(left, key=lambda one: (one[0], one[1], one[2].source)):
            if document not in without and (language, edit.source, edit.text) not in there:
                yield gone(document, language, edit)

    def read(
        self, key: str, value: Translated, file: str, form: str, theirs: bytes | None
    ) -> tuple[list[Row], list[str] | None, bool]:
        """The rows of what stands in a file, and the texts in it that a person changed.

        `theirs` is the content of a file that was changed. The last value says whether it can be merged.
        """
        if theirs is None and not self._gone and (key, file) not in self._edited:
            return [], None, True  # nobody wrote anything for it
        if theirs is None:
            return self.now(key, file), None, True
        for ledger in (self._coming, self._old):
            rows = ledger.rows(key, file)
            texts = self._texts(file, theirs, rows, (value.language, value.source), form, value.document)
            if texts is not None:
                return rows, texts, True
        return self._old.rows(key, file), None, False

    def now(self, document: str, file: str) -> list[Row]:
        """The rows of a file as it stands in the tree."""
        moved = self._folder.is_now(file, self._coming.digest(document, file))
        return (self._coming if moved else self._old).rows(document, file)

    def _texts(
        self,
        file: str,
        content: bytes,
        base: Sequence[Row],
        tags: Sequence[str],
        form: str,
        document: Document | None = None,
    ) -> list[str] | None:
        """The texts of a file that somebody changed; None where more than texts was changed.

        That only texts were changed is proven: with the texts that were written last, it is the file that
        was written last. `document` is the source as it is now.
        """
        written = [row.written.text for row in base]
        for tag in dict.fromkeys(tags):
            with suppress(InputError):
                policy = replace(self._policy, source=tag)
                theirs = read_document(file, content, policy, format=form)
                texts, before = _texts_of(theirs), written
                if (built := _built(document, base, tags[0])) is not None:
                    before = _texts_of(read_document(file, built, policy, format=form))
                if not len(texts) == len(before) == len(base) > 0:
                    continue
                pairs = [(now, _anchored(was, now)) for now, was in zip(texts, before, strict=True)]
                back = [None if now == was else was for now, was in pairs]
                if digest_of(theirs.build(back, tags[0])) == base[0].digest:
                    same = (now == was for now, was in pairs)
                    return [was if kept else now for now, was, kept in zip(texts, written, same, strict=True)]
        return None

    def may_stand(
        self, value: Translated, file: str, form: str, targets: Sequence[str | None], built: bytes
    ) -> bool:
        """Whether a document has another structure because a person wanted it: bold in their text, a link.

        Without their texts it is whole, and with them it is read again as the same texts in the same places.
        """
        document = value.document
        ours = [one.target for one in value.outcomes]
        if ours == list(targets) or document.broken(document.build(ours, value.language)):
            return False
        wanted = [
            one.text if target is None else target
            for one, target in zip(document.segments, targets, strict=True)
        ]
        with suppress(InputError):
            policy = replace(self._policy, source=value.language)
            return _texts_of(read_document(file, built, policy, format=form)) == wanted
        return False

    def merged(
        self, key: str, value: Translated, base: Sequence[Row], texts: Sequence[str] | None
    ) -> list[Outcome]:
        """What becomes of each segment of a document, with what people wrote for it."""
        written = _written(base)
        edits = edits_of(written, texts)
        outcomes, left = merged(edits, written, value.document.segments, value.outcomes)
        known = {one.source for one in written}
        for place, segment in enumerate(value.document.segments):
            found = self._gone.get((value.language, segment.text), [])
            one_text = len({edit.text for _, edit in found}) == 1
            if outcomes[place].state not in KEPT and segment.text not in known and one_text:
                outcomes[place] = with_edit(found[0][1], segment.text, outcomes[place])
                del self._gone[value.language, segment.text]
        for edit in left:
            self.lose(key, value.language, edit)
        return outcomes


def _built(document: Document | None, base: Sequence[Row], language: str) -> bytes | None:
    """What was written last, where it can be built again: its source is as it was.

    In some formats a segment stands inside another, whose text in the file is then not its target alone.
    """
    if (
        document is None
        or not base
        or [one.text for one in document.segments] != [row.source for row in base]
    ):
        return None
    built = document.build([row.target for row in base], language)
    return built if digest_of(built) == base[0].digest else None


def _anchored(was: str, now: str) -> str:
    """A text that was written, with the anchors as they stand in the file: building a page renames them."""
    anchors = _ANCHOR.findall(now)
    if not anchors or len(anchors) != len(_ANCHOR.findall(was)):
        return was
    return _ANCHOR.sub(lambda _: anchors.pop(0), was)


def _texts_of(document: Document) -> list[str]:
    return [one.text if one.given is None else one.given for one in document.segments]


def _written(rows: Sequence[Row]) -> list[Written]:
    return [row.written for row in rows]
