"""JSON files of messages (.json): every text that holds words, at any depth.

Files in which each message is an object with `message` and `description` (browser extensions, Docusaurus)
give the description to translators. This module does not know what a message is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from pipeline.core.document import Document, Policy, Segment
from pipeline.documents._json_values import Value, data, values, writer
from pipeline.documents._texts import Spot, Texts, decoded, no_words, tags

SUFFIXES = (".json",)
_SETTINGS = re.compile(
    r"(?:package(?:-lock)?|composer|[jt]sconfig.*|bower|lerna|nx|turbo|vercel|manifest|.*\.schema|\..*rc|\..*)\.json"
)
_ICU = re.compile(r"\{\s*\w+\s*,\s*(?:plural|select|selectordinal)\s*,")
_DESCRIBED = {"message", "description", "placeholders"}


def recognises(name: str, content: bytes) -> bool:
    """Any JSON but the settings of well-known tools."""
    return not _SETTINGS.fullmatch(PurePath(name).name.lower())


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The texts of a JSON file."""
    source = decoded(name, content)
    top = data(name, source.text)
    notes = _notes(top)
    spots = []
    written = writer(source.text)
    for value in values(source.text):
        reason = no_words(value.text)
        if notes is not None and value.path[1:] != ("message",):
            reason = "notes for translators"
        spots.append(Spot(value.start, value.end, _segment(value, notes), written, reason))
    return Texts(content, source, spots, rest="keys")


def _notes(top: Any) -> dict[str, str] | None:
    """The descriptions by key, of a file whose messages are all objects with `message`; None for others."""
    if not isinstance(top, dict) or not top:
        return None
    for item in top.values():
        if not isinstance(item, dict) or "message" not in item or not item.keys() <= _DESCRIBED:
            return None
    return dict(_described(top))


def _described(top: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, item in top.items():
        if isinstance(note := item.get("description"), str):
            yield key, note


def _segment(value: Value, notes: dict[str, str] | None) -> Segment:
    path = value.path if notes is None else value.path[:1]
    return Segment(
        value.text,
        "message",
        ".".join(path),
        markup=tags(value.text),
        note=(notes or {}).get(value.path[0] if value.path else "", ""),
        syntax="icu" if _ICU.search(value.text) else "",
    )
