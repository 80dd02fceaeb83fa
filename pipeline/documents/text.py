"""Plain text: paragraphs between empty lines, with the line breaks and indents that the file has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from pipeline.core.document import Document, Policy, Segment, any_file
from pipeline.documents._spliced import Piece, Spliced, utf8

SUFFIXES = (".txt", ".text")
recognises = any_file
_PARAGRAPH = re.compile(rb"[^\s][^\r\n]*(?:\r?\n[ \t]*[^\s][^\r\n]*)*")
_LINE = b"\n"
_BREAK = re.compile(r"\r?\n")


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The paragraphs of a text in UTF-8, with or without a byte order mark."""
    utf8(name, content)
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    return Spliced(content, _pieces(content, start), rest="blank lines")


def _pieces(content: bytes, start: int) -> Iterator[Piece]:
    for found in _PARAGRAPH.finditer(content, start):
        text = found[0].decode().rstrip()
        end = found.start() + len(text.encode())
        eol = "\r\n" if "\r\n" in text else "\n"
        segment = Segment(_BREAK.sub("\n", text), path=f"line {content.count(_LINE, 0, found.start()) + 1}")
        yield Piece(found.start(), end, segment, partial(_written, eol))


def _written(eol: str, text: str) -> bytes:
    return eol.join(text.split("\n")).encode()
