"""Opens a Word or PowerPoint file (Office Open XML) and reads those of its parts that hold text.

This module does not know what is in a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Document, Policy
from pipeline.documents._items import unescaped
from pipeline.documents._markup import attribute, decoded, tokens
from pipeline.documents._ooxml import Part
from pipeline.documents._zipped import Archive, Zipped

_OVERRIDE = re.compile(r"<(?:\w+:)?Override\b[^>]*>")


def office(
    name: str, content: bytes, policy: Policy, main: tuple[str, ...], kinds: dict[str, str], rest: str
) -> Document:
    """A Word or PowerPoint file: the parts of these content types, with what each is called."""
    archive = Archive(name, content)
    types = archive.read("[Content_Types].xml")
    if types is None:
        raise archive.damaged("[Content_Types].xml")
    text, _ = decoded(name, types)
    found = list(_named(text, kinds))
    if not any(ending in text for ending in main):
        raise archive.damaged("[Content_Types].xml")
    order = list(kinds)
    parts: list[tuple[str, Document]] = []
    for member, kind in sorted(found, key=lambda one: (order.index(one[1]), _numbers(one[0]))):
        if (inside := archive.read(member)) is not None:
            number = re.search(r"(\d+)\.xml$", member)
            path = f"{kinds[kind]} {number[1]}".strip() if number and kinds[kind] else kinds[kind]
            parts.append((member, Part(f"{name}, {member}", inside, policy, path)))
    return Zipped(archive, parts, rest=rest, title=_title(archive))


def _named(types: str, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The members of the wanted content types, each with its type."""
    for found in _OVERRIDE.finditer(types):
        token = tokens(found[0], xml=True)[0]
        part, kind = attribute(found[0], token, "PartName"), attribute(found[0], token, "ContentType")
        short = next((one for one in kinds if kind and kind.endswith(one)), None)
        if part and short:
            yield part.lstrip("/"), short


def _numbers(name: str) -> tuple[tuple[int, str], ...]:
    """A name with its numbers in order: slide2 before slide10."""
    return tuple((int(part or 0), rest) for rest, part in re.findall(r"(\D+)(\d*)", name))


def _title(archive: Archive) -> str:
    core = archive.read("docProps/core.xml") or b""
    found = re.search(rb"<dc:title>([^<]{1,300})</dc:title>", core)
    return unescaped(found[1].decode("utf-8", "replace")) if found else ""
