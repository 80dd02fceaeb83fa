"""Documents whose translations are put in the place of the source's bytes; all other bytes stay as they are.

This module does not know any format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import AnyStr

from pipeline.core.document import Finding, Segment
from pipeline.core.domain import frozen
from pipeline.core.errors import InputError


@frozen
class Piece:
    """A segment and where it stands in the file, in bytes."""

    start: int
    end: int
    segment: Segment
    written: Callable[[str], bytes]
    """a text -> its bytes in this place: escaped, with the container's prefixes. The segment's own text gives
    the bytes that stand there"""


def spliced(whole: AnyStr, edits: Iterable[tuple[int, int, AnyStr]]) -> AnyStr:
    """A text with other words in these places, which are in order."""
    parts: list[AnyStr] = []
    at = 0
    for start, end, instead in edits:
        parts += [whole[at:start], instead]
        at = end
    parts.append(whole[at:])
    return whole[:0].join(parts)


def not_in(codec: str, name: str, content: bytes, error: UnicodeDecodeError) -> InputError:
    """The error for a file that is not in this encoding."""
    line = content.count(b"\n", 0, error.start) + 1
    what, hint = f"the file is not {codec.upper()}", "save the file as UTF-8"
    return InputError(what, where=f"{name}, line {line}", hint=hint)


def utf8(name: str, content: bytes) -> str:
    """The text of a file in UTF-8, without its byte order mark; `InputError` for any other."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise not_in("utf-8", name, content, error) from None


class Spliced:
    """A document that is built by splicing. A format inherits it, and adds what it can find and mend."""

    def __init__(
        self,
        content: bytes,
        pieces: Iterable[Piece],
        skips: Iterable[tuple[int, int, str]] = (),
        *,
        rest: str = "markup",
        lint: Iterable[str] = (),
        title: str = "",
    ) -> None:
        """`skips` are spans in bytes that are left out for a named reason; what nothing names is `rest`."""
        self.content = content
        self.pieces = sorted(pieces, key=lambda piece: piece.start)
        self.segments: Sequence[Segment] = [piece.segment for piece in self.pieces]
        self.lint = tuple(lint)
        self.title = title
        named: Counter[str] = Counter()
        for start, end, reason in skips:
            named[reason] += end - start
        translated = sum(piece.end - piece.start for piece in self.pieces)
        left = len(content) - translated - named.total()
        if left:
            named[rest] += left
        self.skipped: dict[str, int] = dict(named)

    def mended(self, place: int, target: str) -> str:
        """The translation as it is: a format that can put something right overrides this."""
        return target

    def findings(self, place: int, target: str) -> list[Finding]:
        """Nothing: a format that can see something wrong overrides this."""
        return []

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The file with these translations in the place of their sources."""
        both = zip(self.pieces, targets, strict=True)
        edits = ((one.start, one.end, one.written(target)) for one, target in both if target is not None)
        return spliced(self.content, edits)

    def broken(self, built: bytes) -> list[Finding]:
        """Nothing: a format that can compare two files overrides this."""
        return []
