"""Tags and code spans of a text whose format does not know them: a cell, a string of a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.prose.spoken import TAG
from pipeline.translation.gates._counts import complaint
from pipeline.translation.kept import code
from pipeline.translation.question import Question

_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'=/]+)""")
_WORDS_OF_A_TAG = {"alt", "title", "aria-label", "placeholder", "label", "summary", "content", "lang"}
"""attributes that hold words for people: a translation changes them"""
_ADDRESS = re.compile(r"<[^\s<>]*(?:://|@)")
_NAME = re.compile(r"</?[\w:.-]+")


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Tags and code that are lost or new; a format that knows its signs compares them itself."""
    segment = question.segment
    if segment.markup or segment.opaque:
        return
    before, after = _tags(segment.text), _tags(answer)
    if before or after:
        wanted, found = Counter(map(_spelt, before)), Counter(map(_spelt, after))
        as_written = {_spelt(tag): tag for tag in (*after, *before)}
        yield from complaint("tags", "tags", wanted, found & wanted, as_written)
        yield from complaint("new_tags", "tags", found & wanted, found, as_written)
    if "`" in segment.text:
        before, after = ([one[0] for one in code(text)] for text in (segment.text, answer))
        wanted = Counter(before)
        yield from complaint("code", "code", wanted, Counter(after) & wanted)


def _tags(text: str) -> list[str]:
    """The tags of a text; an address in angle brackets is none."""
    found = TAG.findall(text) if "<" in text else []
    return [tag for tag in found if not _ADDRESS.match(tag)]


def _spelt(found: str) -> str:
    """One spelling for all of a tag: `<BR />` and `<br>` are one."""
    name = _NAME.match(found)
    kept = (
        f" {key.lower()}={value.strip(chr(34) + chr(39))}"
        for key, value in _ATTRIBUTE.findall(found)
        if key.lower() not in _WORDS_OF_A_TAG
    )
    return f"{name[0].lower() if name else ''}{''.join(sorted(kept))}>"
