"""Tags and code spans of a text whose format does not know them: a cell, a string of a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.prose.spoken import CODE, TAG, prose
from pipeline.text.scripts import scripts
from pipeline.translation.gates._counts import complaint
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
        code = _code(segment.text)
        yield from complaint("code", "code", code, _code(answer) & code)


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


def _code(text: str) -> Counter[str]:
    """Code between backticks, but for words of people and for placeholders alone: those are quoted."""
    if "`" not in text:
        return Counter()
    return Counter(found[0] for found in CODE.finditer(text) if scripts(prose(found[2])).keys() == {"Latn"})
