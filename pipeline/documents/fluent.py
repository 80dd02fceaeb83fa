"""Mozilla's files of messages (.ftl): messages, terms, attributes, and the variants of a select.

A placeable (`{ $name }`) is opaque. Where a pattern has a select, each variant is a segment, and so is the
text around it. The variants of a select stay those of the source.
This module does not know what a message is for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from pipeline.core.document import Document, Finding, Policy, Segment, Span, any_file, outside
from pipeline.documents._texts import Spot, Texts, decoded, left_out, no_words, tags

SUFFIXES = (".ftl",)
recognises = any_file
_ENTRY = re.compile(r"(?:(-?[A-Za-z][\w-]*)|[ ]+(\.[A-Za-z][\w-]*))[ ]*=[ ]*")
_COMMENT = re.compile(r"#(?!#)[ ]?([^\r\n]*)")
_LINE = re.compile(r"[^\n]*\n?")
_OUTSIDE = re.compile(r"[{}\n]")
_INSIDE = re.compile(r'[{}\n]|"[^"\\\n]*(?:\\.[^"\\\n]*)*"')
_GOES_ON = re.compile(r"(?:[ ]*\r?\n)*(?:[ ]+(?![.\[*}\s])|(?=\{))")
_NEXT = re.compile(r"[A-Za-z#-]")
"""what begins an entry, also where a brace before it is not closed"""
_SELECT = re.compile(r"\{\s*([^{}]{0,300}?)\s*->")
_VARIANT = re.compile(r"\s*\*?\[\s*([^\[\]{}\s]+)\s*\][ ]*")
_SPECIAL = re.compile(r"^([.\[*}])")
_NO_TEXT = {".accesskey", ".key", ".style", ".href", ".src", ".class", ".id"}
"""attributes that hold a key of the keyboard, a size or an address"""
_MOST_NESTED = 8


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A text with its place, and what it belongs to."""

    start: int
    end: int
    path: str
    note: str


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The patterns of a file. An entry that cannot be read stays as it is, and is told as lint."""
    source = decoded(name, content)
    text = source.text
    eol = "\r\n" if "\r\n" in text else "\n"
    spots, lint = [], []
    line, at = 1, 0
    for pattern in _patterns(text):
        if _placeables(text, pattern.start, pattern.end) is None:
            line, at = line + text.count("\n", at, pattern.start), pattern.start
            lint.append(f"{name}, line {line}: a {{ is not closed in {pattern.path}")
            spots.append(left_out(pattern.start, pattern.end, "broken"))
            continue
        for part in _parts(text, pattern, 0):
            spot = _spot(text, part, eol)
            key = part.path[part.path.find(".") :].partition("[")[0]
            reason = (
                "attribute"
                if key in _NO_TEXT
                else no_words("{}".join(outside(spot.segment.text, spot.segment.opaque)))
            )
            spots.append(spot._replace(reason=reason))
    return _Fluent(content, source, spots, rest="keys and comments", lint=lint)


class _Fluent(Texts):
    """Messages whose braces have to be in pairs."""

    def findings(self, place: int, target: str) -> list[Finding]:
        """A brace that has no partner, outside of the placeables of the text."""
        if _placeables(target, 0, len(target)) is not None:
            return []
        what = "Your translation has a { or } without its partner. Keep the braces of the text, and add none."
        return [Finding("structure", what)]


def _patterns(text: str) -> Iterator[_Pattern]:
    """The patterns of messages, terms and attributes, in order."""
    at, owner, note, comments = 0, "", "", list[str]()
    while at < len(text):
        entry = _ENTRY.match(text, at)
        comment = _COMMENT.match(text, at)
        if entry and (entry[1] or owner):
            if entry[1]:
                owner, note, comments = entry[1], " ".join(comments), []
            end = _end(text, entry.end(), len(text))
            path = owner + (entry[2] or "")
            if text[entry.end() : end].strip():
                yield _Pattern(entry.end(), end, path, note)
            at = end
        elif comment:
            comments.append(comment[1].strip())
            owner = ""
        else:
            owner, comments = "", []
        line = _LINE.match(text, at)
        at = line.end() if line else len(text)


def _end(text: str, at: int, last: int) -> int:
    """Where the pattern that begins here ends: at a line that does not go on, or at the } of a select."""
    depth = 0
    while found := (_INSIDE if depth else _OUTSIDE).search(text, at, last):
        at = found.end()
        if found[0] == "{":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth < 0:
                return found.start()
        elif depth and found[0] == "\n":
            if _NEXT.match(text, at):
                return found.start()
        elif found[0] == "\n":
            more = _GOES_ON.match(text, at, last)
            if not more:
                return found.start()
            at = more.end()
    return last


def _placeables(text: str, at: int, last: int) -> list[Span] | None:
    """The placeables that lie in no other; None where a brace has no partner."""
    found: list[Span] = []
    depth = start = 0
    while sign := (_INSIDE if depth else _OUTSIDE).search(text, at, last):
        at = sign.end()
        if sign[0] == "{":
            start = start if depth else sign.start()
            depth += 1
        elif sign[0] == "}":
            depth -= 1
            if depth < 0:
                return None
            if not depth:
                found.append((start, at))
    return None if depth else found


def _parts(text: str, pattern: _Pattern, nested: int) -> Iterator[_Pattern]:
    """The pattern without its selects, and the variants of these."""
    at = pattern.start
    for start, end in _placeables(text, pattern.start, pattern.end) or ():
        select = _SELECT.match(text, start, end)
        if select and nested < _MOST_NESTED:
            yield from _trimmed(text, replace(pattern, start=at, end=start))
            yield from _variants(text, pattern, select, end - 1, nested)
            at = end
    yield from _trimmed(text, replace(pattern, start=at))


def _variants(
    text: str, pattern: _Pattern, select: re.Match[str], last: int, nested: int
) -> Iterator[_Pattern]:
    at = select.end()
    while variant := _VARIANT.match(text, at, last):
        at = _end(text, variant.end(), last)
        path = f"{pattern.path}[{variant[1]}]"
        note = "; ".join(filter(None, (pattern.note, f"for {select[1]} = {variant[1]}")))
        yield from _parts(text, _Pattern(variant.end(), at, path, note), nested + 1)


def _trimmed(text: str, pattern: _Pattern) -> Iterator[_Pattern]:
    raw = text[pattern.start : pattern.end]
    start = pattern.start + len(raw) - len(raw.lstrip())
    if raw.strip():
        yield replace(pattern, start=start, end=start + len(raw.strip()))


def _spot(text: str, part: _Pattern, eol: str) -> Spot:
    raw = text[part.start : part.end]
    first, *lines = raw.replace("\r\n", "\n").split("\n")
    before = text[text.rfind("\n", 0, part.start) + 1 : part.start]
    indent = min(
        (line[: len(line) - len(line.lstrip(" "))] for line in lines if line.strip()), default="", key=len
    )
    clean = "\n".join([first, *(line[len(indent) :].rstrip() for line in lines)])
    indent = indent or " " * (len(before) - len(before.lstrip(" "))) + ("    " if before.strip() else "")
    segment = Segment(
        clean,
        "message",
        part.path,
        tuple(_placeables(clean, 0, len(clean)) or ()),
        note=part.note,
        syntax="fluent",
    )
    segment = replace(segment, markup=_outside(tags(clean), segment.opaque))
    return Spot(part.start, part.end, segment, partial(_written, eol + indent, not before.strip()))


def _outside(spans: tuple[Span, ...], others: tuple[Span, ...]) -> tuple[Span, ...]:
    """The spans that touch none of the others, which are in order."""
    ends = [end for _, end in others]
    free = []
    for start, end in spans:
        after = bisect_right(ends, start)
        if after == len(others) or end <= others[after][0]:
            free.append((start, end))
    return tuple(free)


def _written(newline: str, own_line: bool, text: str) -> str:
    """A text in its place. A line cannot begin with what begins an attribute or a variant."""
    lines = [line.rstrip() for line in text.strip().split("\n")]
    quoted = [_SPECIAL.sub(r'{ "\1" }', line) for line in lines]
    first = quoted[0] if own_line else lines[0]
    joined = newline.join([first or '{ "" }', *quoted[1:]])
    return re.sub(r"[ ]+(?=\r?\n)", "", joined)
