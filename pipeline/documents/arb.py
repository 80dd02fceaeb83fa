"""Application resource bundles (.arb), the messages of Flutter: ICU messages with notes under `@key`.

This module does not know what a message is for.
"""

from __future__ import annotations

from typing import Any

from pipeline.core.document import Document, Policy, Segment, any_file
from pipeline.core.errors import InputError
from pipeline.documents._json_values import Value, data, values, writer
from pipeline.documents._texts import Spot, Texts, decoded, no_words, tags

SUFFIXES = (".arb",)
recognises = any_file
_LOCALE = "@@locale"


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The messages of a bundle."""
    source = decoded(name, content)
    top = data(name, source.text)
    if not isinstance(top, dict):
        hint = 'it begins with {"@@locale": "en", …}'
        raise InputError("this is no object with messages", where=name, hint=hint)
    spots = []
    language = None
    written = writer(source.text)
    for value in values(source.text):
        segment = _segment(value, top)
        if value.path == (_LOCALE,):
            language = Spot(value.start, value.end, segment, _tag, "language")
        else:
            note = value.path[0].startswith("@")
            reason = "notes for translators" if note else no_words(value.text)
            spots.append(Spot(value.start, value.end, segment, written, reason))
    return Texts(content, source, spots, rest="keys", language=language)


def _tag(language: str) -> str:
    return language.replace("-", "_")


def _segment(value: Value, top: dict[str, Any]) -> Segment:
    about = top.get(f"@{value.path[0]}")
    note = about.get("description") if isinstance(about, dict) else None
    return Segment(
        value.text,
        "message",
        ".".join(value.path),
        markup=tags(value.text),
        note=note if isinstance(note, str) else "",
        syntax="icu",
    )
