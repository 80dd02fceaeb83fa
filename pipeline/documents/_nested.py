"""Documents of marked text, in which a segment may stand inside another: an alt text in a paragraph.

The whole file is held as text; what is written in the place of a segment is spliced into it, and all other
text stays as it is. This module does not know any format.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.core.document import Segment
from pipeline.core.errors import InputError

MOST_DEEP = 40
"""a text box in a text box in a text box: no document for people is deeper"""
Raw = Callable[[int, int], str]
"""begin and end in the text -> that part of the file, with the translations that stand inside it"""


@dataclass(frozen=True, slots=True)
class Place:
    """A segment and where it stands in the text, in characters."""

    start: int
    end: int
    segment: Segment
    written: Callable[[str, Raw], str]
    """a translation -> what is written in this place"""
    bilingual: bool = False
    """whether it is the place of a translation, which stands beside its source"""

    @property
    def stands(self) -> str | None:
        """What stands there now; nothing is written in the place of the same."""
        return self.segment.given if self.bilingual else self.segment.text


@dataclass(frozen=True, slots=True)
class Naming:
    """A place that names the language of the file; `before` and `after` are written around the tag."""

    start: int
    end: int
    before: str = ""
    after: str = ""


class Nested:
    """What documents of marked text have in common. A format adds what it finds and mends."""

    def __init__(
        self,
        where: str,
        text: str,
        codec: str,
        places: Iterable[Place],
        skips: Iterable[tuple[int, int, str]] = (),
        *,
        namings: Iterable[Naming] = (),
        rest: str = "markup",
        lint: Iterable[str] = (),
        title: str = "",
    ) -> None:
        """`skips` are spans that are left out for a named reason; what nothing names is `rest`."""
        self.where, self.text, self.codec = where, text, codec
        self.places = sorted(places, key=lambda place: (place.start, -place.end))
        self.segments: Sequence[Segment] = [place.segment for place in self.places]
        self.namings = sorted(namings, key=lambda naming: naming.start)
        self.lint = tuple(lint)
        self.title = title
        self.skipped = self._counted(skips, rest)

    def _counted(self, skips: Iterable[tuple[int, int, str]], rest: str) -> dict[str, int]:
        named: Counter[str] = Counter()
        for start, end, reason in skips:
            named[reason] += self.size(start, end)
        self.translated = 0
        """the bytes of the segments; those of one that stands inside another are counted once"""
        inside: list[int] = []
        for place in self.places:
            while inside and inside[-1] <= place.start:
                inside.pop()
            if not inside:
                self.translated += self.size(place.start, place.end)
            inside.append(place.end)
            if len(inside) > MOST_DEEP:
                line = self.text.count("\n", 0, place.start) + 1
                hint = f"at most {MOST_DEEP} texts may stand inside each other"
                raise InputError("it is nested too deeply", where=f"{self.where}, line {line}", hint=hint)
        left = self.size(0, len(self.text)) - self.translated - named.total()
        if left:
            named[rest] += left
        return dict(named)

    def size(self, start: int, end: int) -> int:
        """The bytes of a part of the text."""
        plain = self.text.isascii() and self.codec == "utf-8"
        return end - start if plain else len(self.encoded(self.text[start:end]))

    def encoded(self, text: str) -> bytes:
        """A text in the encoding of the file; what it cannot hold is written as a character reference."""
        return text.encode(self.codec, "xmlcharrefreplace")

    def mended(self, place: int, target: str) -> str:
        """The translation without blanks around it: they belong to what stands around the segment."""
        return target.strip()

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The file with these translations in the place of their sources."""
        return self.encoded("".join(_Build(self, targets, language).parts(0, len(self.text))))


class _Build:
    """One file on its way: its edits in order, an inner one after the one that it stands in."""

    def __init__(self, document: Nested, targets: Sequence[str | None], language: str) -> None:
        self.text = document.text
        self.edits: list[tuple[int, int, Callable[[Raw], str]]] = []
        for place, target in zip(document.places, targets, strict=True):
            if target is not None and target != place.stands:
                self.edits.append((place.start, place.end, _edit(place, target)))
        if language:
            for naming in document.namings:
                self.edits.append((naming.start, naming.end, partial(_named, naming, language)))
            self.edits.sort(key=lambda edit: (edit[0], -edit[1]))
        self.starts = [start for start, _, _ in self.edits]

    def parts(self, start: int, end: int, after: int = 0) -> Iterator[str]:
        """A part of the file, with the edits in it; `after` leaves out those that it is a part of itself."""
        at = start
        for number in range(max(bisect_left(self.starts, start), after), len(self.edits)):
            first, last, written = self.edits[number]
            if first >= end:
                break
            if first < at or last > end:
                continue
            yield self.text[at:first]
            yield written(partial(self._raw, number + 1))
            at = last
        yield self.text[at:end]

    def _raw(self, after: int, start: int, end: int) -> str:
        return "".join(self.parts(start, end, after))


def _edit(place: Place, target: str) -> Callable[[Raw], str]:
    return lambda raw: place.written(target, raw)


def _named(naming: Naming, language: str, _: Raw) -> str:
    return f"{naming.before}{language}{naming.after}"
