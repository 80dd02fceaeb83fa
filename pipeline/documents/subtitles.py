"""Subtitles: SubRip (.srt), WebVTT (.vtt), and SubStation Alpha (.ass, .ssa). A cue is a segment.

Times, settings, styles and positions stay as they are. This module does not know what a viewer can read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from pipeline.core.document import Document, Finding, Policy, Segment, any_file, outside
from pipeline.core.errors import InputError
from pipeline.documents._reading import balanced, too_much
from pipeline.documents._texts import Spot, Texts, decoded, without_letters

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
recognises = any_file
_TIME = r"(?:\d+:)?\d{1,2}:\d{1,2}(?:[,.]\d{1,3})?"
_TIMES = re.compile(rf"^[ \t]*({_TIME})[ \t]*-->[ \t]*({_TIME})[^\r\n]*(?:\r?\n|\Z)", re.MULTILINE)
_NUMBER = re.compile(r"(?:\A|\n)[ \t]*\d+[ \t]*\r?\n\Z")
_EMPTY = re.compile(r"(?:\A|\n)[ \t]*\r?\n")
_NEWLINES = re.compile(r"\s*\n\s*")
_SECTION = re.compile(r"^\s*\[([^\]]+)\]")
_EVENTS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
_BREAKS = re.compile(r"\\[Nnh]")
_PARTS = re.compile(
    r"(\{\\[bius]\d?\}|</?[^\W\d][^<>]{0,1000}>)"
    r"|\{(?=[^{}]*\\p[1-9])[^{}]*\}[^{}]*(?:\{[^{}]*\})?|\{[^{}]*\}|<\d[\d:.]*>"
)
"""signs of style, and what no viewer reads: drawings, positions, times inside a cue"""


class _Cue(NamedTuple):
    start: int
    end: int
    text: str
    begins: str
    seconds: float
    written: Callable[[str], str]


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The cues of a file."""
    source = decoded(name, content)
    kind = _SECTION.search(source.text[:4096])
    cues = list(_events(source.text) if kind else _cues(source.text))
    if not cues and source.text.strip() and not kind and not source.text.startswith("WEBVTT"):
        hint = "a cue is a line such as 00:00:01,000 --> 00:00:02,500, and its text below"
        raise InputError("there are no subtitles in it", where=name, hint=hint)
    spots = list(map(_spot, cues))
    document = _Subtitles(content, source, spots, rest="times and settings")
    document.seconds = [cue.seconds for cue, spot in zip(cues, spots, strict=True) if not spot.reason]
    return document


class _Subtitles(Texts):
    """Subtitles, with how long each is shown."""

    seconds: Sequence[float] = ()

    def mended(self, place: int, target: str) -> str:
        """The translation; one line that is too long becomes two."""
        return balanced(self.segments[place].text, target)

    def findings(self, place: int, target: str) -> list[Finding]:
        """The rules of reading that the translation breaks."""
        return list(too_much(self.segments[place].text, target, self.seconds[place]))


def _spot(cue: _Cue) -> Spot:
    parts = list(_PARTS.finditer(cue.text))
    opaque = tuple(part.span() for part in parts if part[1] is None)
    styled = tuple(part.span() for part in parts if part[1] is not None)
    reason = without_letters("".join(outside(cue.text, [part.span() for part in parts])))
    return Spot(cue.start, cue.end, Segment(cue.text, "cue", cue.begins, opaque, styled), cue.written, reason)


def _cues(text: str) -> Iterator[_Cue]:
    """The cues of SubRip and WebVTT. In SubRip the text may hold empty lines; in WebVTT it ends at one."""
    web = text.startswith("WEBVTT")
    eol = "\r\n" if "\r\n" in text else "\n"
    times = list(_TIMES.finditer(text))
    for i, found in enumerate(times):
        start, end = found.end(), times[i + 1].start() if i + 1 < len(times) else len(text)
        block = text[start:end]
        if web and (empty := _EMPTY.search(block)):
            block = block[: empty.start()]
        elif i + 1 < len(times) and (number := _NUMBER.search(block)):
            block = block[: number.start()]
        shown = block.strip()
        if shown:
            start += block.index(shown)
            seconds = _seconds(found[2]) - _seconds(found[1])
            clean = _NEWLINES.sub("\n", shown)
            yield _Cue(start, start + len(shown), clean, found[1], seconds, partial(_lines, eol))


def _lines(eol: str, text: str) -> str:
    return eol.join(_NEWLINES.sub("\n", text.strip()).split("\n")).replace("-->", "→")


def _seconds(time: str) -> float:
    total = 0.0
    for part in time.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def _events(text: str) -> Iterator[_Cue]:
    """The lines `Dialogue:` of SubStation Alpha; the last of their columns is the text."""
    columns: tuple[str, ...] = _EVENTS
    section, at = "", 0
    for raw in text.splitlines(keepends=True):
        line = raw.rstrip("\r\n")
        key, _, rest = line.partition(":")
        if found := _SECTION.match(line):
            section = found[1].strip().lower()
        elif section == "events" and key.strip().lower() == "format":
            columns = tuple(name.strip().lower() for name in rest.split(","))
        elif section == "events" and key.strip().lower() == "dialogue":
            values = rest.split(",", len(columns) - 1)
            if len(values) == len(columns) and (shown := values[-1].strip(" \t")):
                start = at + len(line) - len(values[-1].lstrip(" \t"))
                event = dict(zip(columns, values, strict=True))
                begins, ends = event.get("start", "").strip(), event.get("end", "").strip()
                known = re.fullmatch(_TIME, begins) and re.fullmatch(_TIME, ends)
                seconds = _seconds(ends) - _seconds(begins) if known else 0
                clean = _BREAKS.sub(lambda found: "\u00a0" if found[0] == "\\h" else "\n", shown)
                yield _Cue(start, start + len(shown), clean, begins, seconds, _event)
        at += len(raw)


def _event(text: str) -> str:
    return text.strip(" \t\n").replace("\r", "").replace("\n", "\\N").replace("\u00a0", "\\h")
