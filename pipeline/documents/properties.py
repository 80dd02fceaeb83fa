"""Java's files of messages (.properties): escapes, lines that go on, comments as notes.

A file in UTF-8 keeps its letters; all others get `\\uXXXX`, which every Java reads. In a message with `{0}`
an apostrophe is doubled, since `MessageFormat` takes a single one for a quote.
This module does not know what a message is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from pipeline.core.document import Document, Policy, Segment, any_file
from pipeline.documents._texts import Message, Spot, Texts, decoded, no_words, paired, tags

SUFFIXES = (".properties",)
recognises = any_file
_LOGICAL = re.compile(r"[ \t\f]*(?:([#!][^\r\n]*)|((?:[^\\\r\n]|\\(?:\r\n|[^\r]|\r))*))(?:\r\n|\r|\n|\Z)")
_KEY = re.compile(r"((?:[^\\=:\s]|\\(?:\r\n|[\s\S]))*)(?:[ \t\f]*[=:])?[ \t\f]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(\r\n|\r|\n)[ \t\f]*|([\s\S])|\Z)")
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_ESCAPES = str.maketrans({sign: f"\\{letter}" for letter, sign in _SIGNS.items()} | {"\\": "\\\\"})
_ARGUMENT = re.compile(r"\{\d+\s*[,}]")
_APOSTROPHES = re.compile(r"'+")
_LONGEST_NOTE = 500


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The messages of a file in UTF-8, or in ISO-8859-1 as older Java reads it."""
    try:
        content.decode()
        source = decoded(name, content)
    except UnicodeDecodeError:
        source = decoded(name, content, "iso-8859-1")
    last = {"utf-8": "\x7f" if content.isascii() else "\U0010ffff", "iso-8859-1": "\xff"}.get(source.encoding)
    written = partial(_written, last or "\U0010ffff")
    found = list(_values(source.text))
    spots = (Spot(one.start, one.end, _segment(one), written, no_words(one.text)) for one in found)
    document = _Properties(content, source, spots, rest="keys and comments")
    document.doubles = _doubles([one.text for one in found])
    return document


class _Properties(Texts):
    """Messages, of which some are patterns of `MessageFormat`."""

    doubles: Callable[[str], bool]

    def mended(self, place: int, target: str) -> str:
        """The translation, with apostrophes doubled where a single one would be a quote."""
        if not self.doubles(self.segments[place].text):
            return target
        return _APOSTROPHES.sub(lambda found: found[0] + "'" * (len(found[0]) % 2), target)


def _values(text: str) -> Iterator[Message]:
    at, comments = 0, list[str]()
    while at < len(text):
        line = _LOGICAL.match(text, at)
        if line is None or line.end() == at:
            return
        at = line.end()
        if line[1] is not None:
            comments.append(line[1].strip("#! \t"))
            continue
        if line[2]:
            start, end = line.span(2)
            key = _KEY.match(text, start, end)
            begin = key.end() if key else start
            note = " ".join(filter(None, comments))[:_LONGEST_NOTE]
            yield Message(_read(key[1] if key else ""), begin, end, _read(text[begin:end]), note)
        comments = []


def _read(raw: str) -> str:
    return paired(_ESCAPE.sub(_sign, raw)) if "\\" in raw else raw


def _sign(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _SIGNS.get(found[3], found[3]) if found[3] else ""


def _written(last: str, text: str) -> str:
    text = re.sub(r"^ ", r"\\ ", text.translate(_ESCAPES))
    if text.isascii():
        return text
    return "".join(sign if sign <= last else _units(sign) for sign in text)


def _units(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _segment(value: Message) -> Segment:
    printf = "printf" if "%" in value.text else ""
    syntax = "icu" if _ARGUMENT.search(value.text) else printf
    return Segment(value.text, "message", value.key, markup=tags(value.text), note=value.note, syntax=syntax)


def _doubles(texts: list[str]) -> Callable[[str], bool]:
    """Whether a message is a pattern whose apostrophes are doubled: as the file's other messages do."""
    patterns = [text for text in texts if _ARGUMENT.search(text)]
    single = any(re.search(r"\w'\w", text) for text in patterns)
    sure = any("''" in text for text in patterns)
    return partial(_doubled, sure or not single)


def _doubled(usual: bool, text: str) -> bool:
    alone = "'" in text.replace("''", "")
    return bool(_ARGUMENT.search(text)) and not alone and (usual or "''" in text)
