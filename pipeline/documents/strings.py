"""Apple's files of messages (.strings), in UTF-8 or UTF-16; comments are notes.

This module does not know what a message is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Document, Policy, Segment, any_file
from pipeline.core.errors import InputError
from pipeline.documents._texts import Decoded, Message, Spot, Texts, decoded, no_words, paired, sign, tags

SUFFIXES = (".strings",)
recognises = any_file
_TOKEN = re.compile(
    r'\s*(?:/\*([^*]*\*+(?:[^/*][^*]*\*+)*)/|//([^\r\n]*)|"([^"\\]*(?:\\[\s\S][^"\\]*)*)"|([\w.$:-]+)|([=;]))'
)
_BLANK = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(?:[uU]([0-9a-fA-F]{4})|([0-7]{1,3})|([\s\S]))")
_ESCAPES = str.maketrans({"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\", '"': '\\"'})
_NO_NOTE = "No comment provided by engineer."


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The messages of a file."""
    half = {b"\x00": "utf-16-be"}.get(content[:1], "utf-16-le" if content[1:2] == b"\x00" else "utf-8")
    source = decoded(name, content, half)
    spots = []
    for one in _values(name, source):
        syntax = "printf" if "%" in one.text else ""
        segment = Segment(one.text, "message", one.key, (), tags(one.text), one.note, syntax=syntax)
        spots.append(Spot(one.start, one.end, segment, _written, no_words(one.text)))
    return Texts(content, source, spots, rest="keys and comments")


def _values(name: str, source: Decoded) -> Iterator[Message]:
    """The texts behind `=`; a key that stands alone is its own text, and stays as it is."""
    key, note, expected = "", "", "key"
    for token in _tokens(name, source):
        kind = token[5] or "text"
        if token[1] is not None or token[2] is not None:
            said = (token[1] or token[2] or "").strip("* \n\r\t")
            if expected == "key" and said != _NO_NOTE:
                note = said
        elif kind == "text" and expected == "key":
            key, expected = _read(token[3] or token[4] or ""), "="
        elif kind == "text" and expected == "value":
            start, end = token.span(4 if token[3] is None else 3)
            yield Message(key, start, end, _read(source.text[start:end]), note)
            expected = ";"
        elif kind == "=" and expected == "=":
            expected = "value"
        elif kind == ";" and expected in ("=", ";"):
            expected, note = "key", ""
        else:
            raise _wrong(name, source, token.end())
    if expected != "key":
        raise _wrong(name, source, len(source.text))


def _tokens(name: str, source: Decoded) -> Iterator[re.Match[str]]:
    at, end = 0, len(source.text.rstrip())
    while at < end:
        token = _TOKEN.match(source.text, at)
        if token is None:
            blank = _BLANK.match(source.text, at)
            raise _wrong(name, source, blank.end() if blank else at)
        at = token.end()
        yield token


def _wrong(name: str, source: Decoded, at: int) -> InputError:
    hint = 'a message is "key" = "text"; with quotes, and a semicolon at its end'
    where = f"{name}, line {source.line(min(at, len(source.text.rstrip())))}"
    return InputError("this line is no message", where=where, hint=hint)


def _read(raw: str) -> str:
    return paired(_ESCAPE.sub(sign, raw)) if "\\" in raw else raw


def _written(text: str) -> str:
    return text.translate(_ESCAPES)
