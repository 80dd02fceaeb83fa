"""Jupyter notebooks (.ipynb, format 4): cells of Markdown and, where the policy says so, comments in code.

Outputs, metadata and the layout of the JSON stay as they are, byte for byte.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.core.document import Document, Finding, Policy, Segment, any_file
from pipeline.core.errors import InputError
from pipeline.documents._code_comments import comments
from pipeline.documents._json_values import Value, data, values, writer
from pipeline.documents._markdown_mend import one_line
from pipeline.documents._markdown_place import Written
from pipeline.documents._spliced import Piece, Spliced, utf8
from pipeline.documents.markdown import MarkdownDocument

SUFFIXES = (".ipynb",)
recognises = any_file
_BEFORE = re.compile(r"[\[,]([ \t\r\n]*)\Z")


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The words of a notebook; `InputError` where it is no JSON, or of an older format."""
    text = utf8(name, content)
    top = data(name, text)
    if not isinstance(top, dict) or not isinstance(top.get("cells"), list):
        hint = "open it in Jupyter and save it again: only the format 4 is read"
        raise InputError("this is no notebook with cells", where=name, hint=hint)
    return Notebook(text, content, top, policy)


class _Comments(Spliced):
    """A cell of code, whose comments are translated."""

    def __init__(self, code: str, language: str) -> None:
        lines = code.split("\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line.encode()) + 1)
        pieces = []
        for number, first, last in comments(code, language):
            words = lines[number][first:last]
            start = starts[number] + len(lines[number][:first].encode())
            written = Written(words, words.encode(), (), b" ")
            pieces.append(Piece(start, start + len(written.raw), Segment(words, "comment"), written))
        super().__init__(code.encode(), pieces, rest="code")

    def mended(self, place: int, target: str) -> str:
        """The comment on one line."""
        return one_line(target)


class Notebook:
    """A notebook: documents of its cells, one after the other."""

    def __init__(self, text: str, content: bytes, top: dict[str, Any], policy: Policy) -> None:
        self._text = text
        self._mark = content[: len(content) - len(text.encode())]
        self._top = top
        self._written = writer(text)
        self._cells: list[tuple[list[Value], Spliced]] = []
        above: list[tuple[int, str]] = []
        for number, found in _sources(text).items():
            if cell := _document(top["cells"][number], found, _language(top), policy, above):
                self._cells.append((found, cell))
        self._places = [(cell, place) for _, cell in self._cells for place in range(len(cell.segments))]
        self.segments: Sequence[Segment] = [cell.segments[place] for cell, place in self._places]
        self.lint = tuple(line for _, cell in self._cells for line in cell.lint)
        self.title = next((cell.title for _, cell in self._cells if cell.title), "")
        self.skipped: Mapping[str, int] = self._left_out(len(content))

    def _left_out(self, size: int) -> dict[str, int]:
        counted: Counter[str] = Counter()
        translated = 0
        for _, cell in self._cells:
            counted.update(cell.skipped)
            translated += len(cell.content) - sum(cell.skipped.values())
        counted["cells and outputs"] = size - translated - counted.total()
        return dict(counted)

    def mended(self, place: int, target: str) -> str:
        """What the cell mends."""
        cell, inside = self._places[place]
        return cell.mended(inside, target)

    def findings(self, place: int, target: str) -> list[Finding]:
        """What the cell finds."""
        cell, inside = self._places[place]
        return cell.findings(inside, target)

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The notebook with these translations."""
        parts, at, first = [], 0, 0
        for found, cell in self._cells:
            last = first + len(cell.segments)
            built = cell.build(targets[first:last], language)
            first = last
            if built != cell.content:
                parts += [self._text[at : found[0].start], *self._source(found, built.decode())]
                at = found[-1].end
        return self._mark + "".join([*parts, self._text[at:]]).encode()

    def _source(self, found: Sequence[Value], text: str) -> Iterator[str]:
        """A cell's source as the file writes it: lines that did not change as they are."""
        if found[0].path[-1] == "source":
            yield self._written(text)
            return
        lines = text.splitlines(keepends=True) if "\n" not in text else re.findall(r"[^\n]*\n|[^\n]+", text)
        for number, line in enumerate(lines):
            old = found[number] if number < len(found) else None
            if number:
                yield self._text[found[number - 1].end : old.start] if old else self._between(found)
            yield self._text[old.start : old.end] if old and old.text == line else self._written(line)

    def _between(self, found: Sequence[Value]) -> str:
        """What stands between two lines."""
        if len(found) > 1:
            return self._text[found[-2].end : found[-1].start]
        before = _BEFORE.search(self._text, max(0, found[0].start - 200), found[0].start - 1)
        return f'",{before[1] if before else " "}"'

    def broken(self, built: bytes) -> list[Finding]:
        """What moved in a cell, or in anything else."""
        try:
            text = utf8("", built)
            top = data("", text)
            sources = _sources(text)
            same = _without(top, self._numbers()) == _without(self._top, self._numbers())
        except (InputError, KeyError, TypeError):
            same, sources = False, {}
        if not same:
            return [Finding("structure", "The notebook is not as it was outside of its translated cells.")]
        found = []
        for lines, cell in self._cells:
            number = int(lines[0].path[1])
            found += cell.broken(_joined(sources.get(number, [])).encode())
        return found

    def _numbers(self) -> set[int]:
        return {int(found[0].path[1]) for found, _ in self._cells}


def _sources(text: str) -> dict[int, list[Value]]:
    """The lines of each cell's source, by the number of the cell."""
    found: dict[int, list[Value]] = {}
    for value in values(text):
        if value.path[:1] == ("cells",) and value.path[2:3] == ("source",) and len(value.path) <= 4:
            found.setdefault(int(value.path[1]), []).append(value)
    return found


def _joined(found: Iterable[Value]) -> str:
    return "".join(value.text for value in found)


def _document(
    cell: Any, found: Sequence[Value], language: str, policy: Policy, above: list[tuple[int, str]]
) -> Spliced | None:
    """A cell as a document; None where nothing of it is translated."""
    text = _joined(found)
    given = cell.get("source") if isinstance(cell, dict) else None
    if text != (given if isinstance(given, str) else "".join(map(str, given or ()))) or not _is_unicode(text):
        return None
    if cell.get("cell_type") == "markdown":
        document = MarkdownDocument(text.encode(), policy, above)
        above[:] = document.headings
        return document
    if cell.get("cell_type") == "code" and policy.code_comments:
        return _Comments(text, language)
    return None


def _is_unicode(text: str) -> bool:
    """Whether the text can be written: JSON may escape half of a letter."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _language(top: dict[str, Any]) -> str:
    metadata = top.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) else "python"


def _without(top: Any, numbers: set[int]) -> Any:
    """A notebook without the sources of these cells."""
    cells = [
        {key: item for key, item in cell.items() if key != "source"} if number in numbers else cell
        for number, cell in enumerate(top["cells"])
    ]
    return {**top, "cells": cells}
