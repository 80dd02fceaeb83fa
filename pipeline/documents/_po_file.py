"""A gettext file: its entries with their places, and texts as gettext quotes and wraps them.

This module does not know segments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from unicodedata import category, east_asian_width

from pipeline.core.document import Span
from pipeline.core.errors import InputError
from pipeline.documents._texts import SIGNS, sign

_LINE = re.compile(r"[^\n]*\n?")
_KEYWORD = re.compile(r'[ \t]*(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d)\])?)[ \t]*(?=")')
_STRING = re.compile(r'[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*')
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))")
_ESCAPES = str.maketrans(
    {meant: f"\\{letter}" for letter, meant in SIGNS.items()} | {"\\": "\\\\", '"': '\\"'}
)
_WIDE = "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60"
_CLOSING = "、。，．！？：；）」』】》〉・ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_CHUNK = re.compile(
    rf"(?:%\([^()\s]*\)[a-zA-Z]|\\.|[^\\\s{_WIDE}/-]|[/-](?![^\W\d]))+(?:[/-](?=[^\W\d]))?[ ]*"
    rf"|[（「『【《〈]*[{_WIDE}][{_CLOSING}]*[ ]*|\s+|."
)
_NO_COLUMN = {"Mn", "Me", "Cf"}
WIDTH = 79
"""the columns of a line that gettext wraps at"""


@dataclass(slots=True)
class Text:
    """One `msgstr` with the place of all its lines."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Entry:
    """A message with its translations."""

    line: int
    start: int = -1
    """where its first keyword stands"""
    end: int = 0
    extracted: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    flag_lines: list[Span] = field(default_factory=list)
    previous: list[Span] = field(default_factory=list)
    """the lines that hold the text that an older translation was of"""
    context: str | None = None
    id: str | None = None
    plural: str | None = None
    texts: list[Text] = field(default_factory=list)

    @property
    def fuzzy(self) -> bool:
        """Whether its translation is a guess that nobody has looked at."""
        return "fuzzy" in self.flags


def entries(name: str, text: str) -> tuple[list[Entry], list[Span]]:
    """The entries of a file, and the spans of those that are obsolete."""
    found: list[Entry] = []
    obsolete: list[Span] = []
    entry, last = Entry(1), ""
    for number, start, line in _lines(text):
        if line.startswith("#~"):
            obsolete.append((start, start + len(line)))
        elif line.startswith("#"):
            if entry.texts:
                found.append(entry)
                entry = Entry(number)
            _comment(entry, start, line)
        elif line.strip():
            keyword = _KEYWORD.match(line)
            if keyword and entry.texts and not keyword[2]:
                found.append(entry)
                entry = Entry(number)
            last = _string(entry, keyword, last, (name, number), start, line)
    if entry.texts:
        found.append(entry)
    return found, obsolete


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    for number, found in enumerate(_LINE.finditer(text), 1):
        yield number, found.start(), found[0].rstrip("\r\n")


def _comment(entry: Entry, start: int, line: str) -> None:
    rest = line[2:].strip()
    if line.startswith("#."):
        entry.extracted.append(rest)
    elif line.startswith("#:"):
        entry.references.append(rest)
    elif line.startswith("#|"):
        entry.previous.append((start, start + len(line)))
    elif line.startswith("#,"):
        entry.flags += [flag.strip() for flag in rest.split(",")]
        entry.flag_lines.append((start, start + len(line)))


def _string(
    entry: Entry, keyword: re.Match[str] | None, last: str, place: tuple[str, int], start: int, line: str
) -> str:
    """Add a line with a string to its entry; the keyword that it belongs to."""
    string = _STRING.fullmatch(line, keyword.end() if keyword else 0)
    name = keyword[1] if keyword else last
    if not string or not name or (name.startswith("msgstr") and entry.id is None):
        hint = 'a line is a comment (#), or msgid or msgstr with a text in "double quotes"'
        where = f"{place[0]}, line {place[1]}"
        raise InputError("this line is no gettext", where=where, hint=hint)
    text, end = _unescaped(string[1]), start + len(line.rstrip())
    if keyword and entry.start < 0:
        entry.start = start
    entry.end = end
    if name.startswith("msgstr"):
        if keyword:
            entry.texts.append(Text(start, end, text))
        else:
            entry.texts[-1].text += text
            entry.texts[-1].end = end
    elif name == "msgctxt":
        entry.context = (entry.context or "") + text
    elif name == "msgid":
        entry.id = (entry.id or "") + text
    else:
        entry.plural = (entry.plural or "") + text
    return name


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(sign, text) if "\\" in text else text


def quoted(keyword: str, text: str, eol: str, width: int) -> str:
    """A keyword with a text, wrapped as gettext does; a `width` of 0 breaks lines at newlines only."""
    parts = [part.translate(_ESCAPES) for part in re.findall(r"[^\n]*\n|[^\n]+", text)] or [""]
    if len(parts) == 1 and (not width or _columns(parts[0]) + len(keyword) + 3 <= width):
        return f'{keyword} "{parts[0]}"'
    lines = [line for part in parts for line in (_wrapped(part, width - 2) if width else [part])]
    return eol.join([f'{keyword} ""', *(f'"{line}"' for line in lines)])


def _wrapped(text: str, width: int) -> Iterator[str]:
    """A text in lines of that many columns. A line ends after a blank, a hyphen or an ideograph."""
    line, used = "", 0
    for chunk in _CHUNK.findall(text):
        columns = _columns(chunk)
        if line and used + columns > width:
            yield line
            line, used = "", 0
        line, used = line + chunk, used + columns
    yield line


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        2 if east_asian_width(letter) in "WF" else category(letter) not in _NO_COLUMN for letter in text
    )


def width_of(text: str) -> int:
    """The columns that a file is wrapped at; 0 where it is not wrapped."""
    lines = [line.rstrip("\r") for line in text.split("\n") if line.startswith(('"', "msg"))]
    long = sum(line.count(" ") > 3 and _columns(line) > WIDTH + 1 for line in lines)
    return WIDTH if sum(len(line) > WIDTH // 2 and line.endswith(' "') for line in lines) >= long else 0
