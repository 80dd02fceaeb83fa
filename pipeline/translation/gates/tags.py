"""Tags and code spans of a text whose format does not know them: a cell, a string of a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.scripts import scripts
from pipeline.translation.gates._counts import complaint
from pipeline.translation.kept import CODE, TAG, prose
from pipeline.translation.question import Question

_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'=/]+)""")
_WORDS_OF_A_TAG = {"alt", "title", "aria-label", "placeholder", "label", "summary", "content", "lang"}
"""attributes that hold words for people: a translation changes them"""
_NAME = re.compile(r"</?[\w:.-]+")


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Tags and code that are lost or new; a format that knows its signs compares them itself."""
    segment = question.segment
    if segment.markup or segment.opaque:
        return
    yield from complaint("tags", "tags", _tags(segment.text), _tags(answer))
    code = _code(segment.text)
    yield from complaint("code", "code", code, _code(answer) & code)


def _tags(text: str) -> Counter[str]:
    """The tags of a text, each in one spelling, and how often it stands there."""
    return Counter(_spelt(found[0]) for found in TAG.finditer(text)) if "<" in text else Counter()


def _spelt(found: str) -> str:
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
