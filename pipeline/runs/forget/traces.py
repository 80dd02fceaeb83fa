"""Is any of it left? Pieces of texts that should be gone, looked for in every file there is.

A long text is looked for by several of its pieces, so that one torn apart by a page of a database is found
all the same; each piece as it is and as JSON, CSV and the XML of a workbook would write it.
This module changes nothing.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PIECE = 24
"""characters of a piece"""
PIECES = 8
"""of one text, at most"""
SHORTEST = 6
"""characters; a shorter text stands in any file by chance"""
BLOCK = 1 << 20


@dataclass
class Traces:
    """Pieces to look for: each with all the forms it may have in a file."""

    pieces: dict[bytes, frozenset[bytes]] = field(default_factory=dict)
    short: int = 0
    """texts that are too short to be looked for"""

    def add(self, text: str) -> None:
        """Look for this text, too."""
        pieces = list(_pieces(text))
        self.short += not pieces and bool(text.strip())
        for piece in pieces:
            forms = _forms(piece)
            self.pieces[piece.encode("utf-8", "replace")] = forms

    def add_parts(self, value: Any) -> None:
        """Look for every text in these, and in lists in them: tables hold them one by one."""
        match value:
            case str():
                self.add(value)
            case list():
                for part in value:
                    self.add_parts(part)

    def found_in(self, blocks: Iterable[bytes]) -> set[bytes]:
        """The pieces that stand in a stream of bytes."""
        found: set[bytes] = set()
        tail = b""
        longest = max((len(form) for forms in self.pieces.values() for form in forms), default=1)
        for block in blocks:
            text = tail + block
            for piece, forms in self.pieces.items():
                if piece not in found and any(form in text for form in forms):
                    found.add(piece)
            tail = text[-longest:]
        return found


def _pieces(text: str) -> Iterator[str]:
    """Pieces from all over the text, the whole where it is short; none where it is too short."""
    text = text.strip()
    if len(text) <= PIECE:
        if len(text) >= SHORTEST:
            yield text
        return
    last = len(text) - PIECE
    count = min(PIECES, 1 + last // PIECE)
    for i in range(count):
        start = last * i // max(count - 1, 1)
        yield text[start : start + PIECE]


def _forms(piece: str) -> frozenset[bytes]:
    texts = {piece, piece.replace('"', '""'), json.dumps(piece)[1:-1]}
    texts.add(json.dumps(piece, ensure_ascii=False)[1:-1])
    texts |= {json.dumps(text)[1:-1] for text in texts}  # a JSON answer stands as text in the reply's JSON
    texts |= {text.replace("/", "\\/") for text in texts} | {html.escape(text, quote=False) for text in texts}
    return frozenset(text.encode("utf-8", "replace") for text in texts)


def blocks(path: Path) -> Iterator[bytes]:
    """A file in blocks."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
