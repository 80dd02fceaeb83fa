"""Which format reads a document, by the end of its name and, where several share it, by its content.

This module does not know any format.
"""

from __future__ import annotations

from functools import cache
from pathlib import PurePath

from pipeline.core import adapters
from pipeline.core.document import Document, Policy
from pipeline.core.errors import InputError

_FIRST = {".pdf": "convert it to Word or Markdown first: a PDF holds letters at places, and no paragraphs"}
"""files that are no documents of segments, and what to use first"""


@cache
def _by_suffix() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in adapters.names("documents"):
        for suffix in adapters.load("documents", name).SUFFIXES:
            found.setdefault(suffix, []).append(name)
    return found


def suffixes() -> tuple[str, ...]:
    """The ends of the names of all files that can be translated."""
    return tuple(sorted(_by_suffix()))


def format_of(name: str, content: bytes) -> str:
    """The format of a file; `InputError` for a file that no format reads."""
    suffix = PurePath(name).suffix.lower()
    if suffix in _FIRST:
        raise InputError("a PDF cannot be translated", where=name, hint=_FIRST[suffix])
    for found in _by_suffix().get(suffix, ()):
        if adapters.load("documents", found).recognises(name, content):
            return found
    hint = f"these can be: {', '.join(suffixes())}"
    raise InputError(f"no format is known for '{suffix or name}'", where=name, hint=hint)


def read_document(name: str, content: bytes, policy: Policy, *, format: str = "") -> Document:
    """A file taken apart. `name` is its path, for messages; `format` names a format, '' finds it."""
    return adapters.load("documents", format or format_of(name, content)).read(name, content, policy)
