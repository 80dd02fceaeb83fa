"""The runs of one paragraph of Word or PowerPoint, as a text with short numbered tags, and back.

Text in the format that most of the paragraph has is plain. Text in another one, a link, or an inserted part
is `<g1>…</g1>`; what stands alone (a break, an image, a field, a note's number) is `<x2/>`. This module does
not know where paragraphs are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from pipeline.core.document import Finding, Segment, Span
from pipeline.documents._inline import differences, has_words, trimmed
from pipeline.documents._items import Item, RunOfText
from pipeline.documents._markup import escaped
from pipeline.documents._nested import Place, Raw

_DRAWN = re.compile(r"<w:(?:u|highlight|shd|strike|bdr)\b|\su=\"")
"""formats that show on a blank, too"""


@dataclass(slots=True)
class _Numbering:
    """A text being put together, and what its tags stand for."""

    pieces: list[str] = field(default_factory=list)
    tags: dict[str, Item] = field(default_factory=dict)
    runs: dict[str, RunOfText] = field(default_factory=dict)
    """the run of the text inside a tag; of the text outside of tags: ''"""
    open: tuple[str, str] | None = None
    """the name of the group of one format that is open, and that format"""
    last: int = 0
    """how many pieces there were after the last text of the group"""


class Paragraph:
    """A paragraph that has words: its text, and the way back into its runs."""

    def __init__(self, source: str, items: Sequence[Item]) -> None:
        self.source = source
        whole = [item for item in items if item.kind != "mark"]
        self.items = trimmed(whole, lambda item: item.kind == "text" and not item.text.strip())
        self.text = ""
        if not any(item.text.strip() for item in self.items):
            return
        first, last = self.items[0], self.items[-1]
        self.start, self.inside = _from(first)
        self.end, self.leaves = _to(last)
        marks = [item for item in items if item.kind == "mark" and self.start <= item.start < self.end]
        self.marks: dict[bool, list[Item]] = {False: [], True: []}
        """bookmarks and the like; what begins is written first, and what ends is written last"""
        for mark in marks:
            self.marks[mark.name.endswith("End")].append(mark)
        self._number()

    def _number(self) -> None:
        literal = "".join(item.text for item in self.items)
        depth = max((len(found[1]) for found in re.finditer(r"</?([gx]+)\d+/?>", literal)), default=0) + 1
        self.group, self.single = "g" * depth, "x" * depth
        made = _Numbering()
        within: list[tuple[str, str]] = []
        bases = self._bases()
        number = 0
        context = ("", bases[-1])
        for at, item in enumerate(self.items):
            if item.kind == "text":
                number += self._take_text(made, item, context, number)
                continue
            if item.kind in ("open", "close"):
                _close(made)
            if item.kind == "open":
                number += 1
                within.append(context)
                context = (f"{self.group}{number}", bases[at])
                made.tags[f"<{context[0]}>"] = item
                made.pieces.append(f"<{context[0]}>")
            elif item.kind == "close":
                made.tags[f"</{context[0]}>"] = item
                made.pieces.append(f"</{context[0]}>")
                context = within.pop()
            else:
                number += 1
                made.tags[f"<{self.single}{number}/>"] = item
                made.pieces.append(f"<{self.single}{number}/>")
        _close(made)
        whole = "".join(made.pieces)
        self.text = whole.strip()
        self.lead, self.trail = whole[: len(whole) - len(whole.lstrip())], whole[len(whole.rstrip()) :]
        self.tags, self.runs = made.tags, made.runs

    def _bases(self) -> dict[int, str]:
        """The format that most text has, in the paragraph (-1) and in each pair in it."""
        counts: dict[int, Counter[str]] = {-1: Counter()}
        within = [-1]
        for at, item in enumerate(self.items):
            if item.kind == "open":
                within.append(at)
                counts[at] = Counter()
            elif item.kind == "close":
                within.pop()
            elif item.kind == "text" and item.before:
                counts[within[-1]][item.before.format] += len(item.text.strip())
        return {at: max(count, key=partial(_weight, count), default="") for at, count in counts.items()}

    def _take_text(self, made: _Numbering, item: Item, context: tuple[str, str], number: int) -> int:
        """Add a text, in a group of its own where its format is another one; how many tags that made."""
        run = item.before
        if run is None:
            return 0
        name, base = context
        blank = item.text.isspace() and not _DRAWN.search(run.format)
        fits = run.format == (made.open[1] if made.open else base)
        new = 0
        if not fits and not blank:
            _close(made)
            if run.format != base:
                new = 1
                made.open = (f"{self.group}{number + 1}", run.format)
                made.pieces.append(f"<{made.open[0]}>")
        if run.format == (made.open[1] if made.open else base):
            made.runs.setdefault(made.open[0] if made.open else name, run)
        made.pieces.append(item.text)
        if not blank:
            made.last = len(made.pieces)
        return new

    def spans(self) -> tuple[Span, ...]:
        """Where the tags stand in the text."""
        return tuple(found.span() for found in self._tags(self.text))

    def _tags(self, text: str) -> Iterator[re.Match[str]]:
        return re.finditer(rf"</?{self.group}\d+>|<{self.single}\d+/>", text)

    def findings(self, target: str) -> list[Finding]:
        """What is wrong with the tags of a translation."""
        return differences([tag[0] for tag in self._tags(self.text)], [tag[0] for tag in self._tags(target)])

    def place(self, kind: str, path: str) -> Place | None:
        """The paragraph as a segment; None where there are no words in it."""
        if not self.text or not has_words(self.text, self.spans()):
            return None
        segment = Segment(self.text, kind, path, markup=self.spans())
        return Place(self.start, self.end, segment, self._written)

    def _written(self, target: str, raw: Raw) -> str:
        """The runs of a translation. One whose tags are not those of the source is not written."""
        if self.findings(target):
            return raw(self.start, self.end)
        writer = _Writer(self.source, self.inside, raw)
        for mark in self.marks[False]:
            writer.piece(mark)
        names, at = [""], 0
        target = self.lead + target + self.trail
        for tag in self._tags(target):
            writer.words(target[at : tag.start()], self._run_of(names))
            if tag[0] in self.tags:
                writer.piece(self.tags[tag[0]])
            if not tag[0].endswith("/>"):
                names = names[:-1] if tag[0].startswith("</") else [*names, tag[0].strip("<>")]
            at = tag.end()
        writer.words(target[at:], self._run_of(names))
        for mark in self.marks[True]:
            writer.piece(mark)
        writer.go(self.leaves)
        return "".join(writer.done)

    def _run_of(self, names: Sequence[str]) -> RunOfText:
        """The run for a text in these tags: that of the innermost one which has text in the source."""
        found = next((self.runs[name] for name in reversed(names) if name in self.runs), None)
        return found or next(iter(self.runs.values()))


def _weight(count: Counter[str], form: str) -> tuple[int, bool]:
    """How much text has a format; of two with as much, the one that says nothing is first."""
    return count[form], not form


def _close(made: _Numbering) -> None:
    """End the group that is open, after its last text."""
    if made.open:
        made.pieces.insert(made.last, f"</{made.open[0]}>")
        made.open = None


def _from(item: Item) -> tuple[int, RunOfText | None]:
    """Where the written part begins, and in which run: outside, where its first part begins the run."""
    run = item.before
    return (run.start, None) if run and item.start == run.body else (item.start, run)


def _to(item: Item) -> tuple[int, RunOfText | None]:
    run = item.after
    return (run.end, None) if run and item.end == run.close else (item.end, run)


class _Writer:
    """Writes parts one after the other, and opens and closes runs between them."""

    def __init__(self, source: str, inside: RunOfText | None, raw: Raw) -> None:
        self.source, self.run, self.raw = source, inside, raw
        self.done: list[str] = []

    def go(self, run: RunOfText | None) -> None:
        """Leave one run and enter another; None is outside of runs."""
        if run is self.run:
            return
        if self.run:
            self.done.append(f"</{self.run.prefix}r>")
        if run:
            self.done.append(self.source[run.start : run.body])
        self.run = run

    def piece(self, item: Item) -> None:
        """Write a part as it stands in the file."""
        self.go(item.before)
        self.done.append(self.raw(item.start, item.end))
        self.run = item.after

    def words(self, text: str, run: RunOfText) -> None:
        """Write a text into a run; DrawingML has one text a run."""
        if not text:
            return
        if run.kind == "a":
            self.go(None)
        self.go(run)
        line = re.sub(r"\s*\n\s*", " ", text)
        kept = ' xml:space="preserve"' if run.kind == "w" and line != line.strip() else ""
        plain = escaped(line.replace("&", "&amp;"), xml=True)
        self.done.append(f"<{run.prefix}t{kept}>{plain}</{run.prefix}t>")
