"""Placeholders: each stands in the answer as often as in the source, in any order that a program can read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.icu import icu_findings, parsed
from pipeline.text.language import tag
from pipeline.text.prose.spoken import PLACEHOLDER
from pipeline.translation.gates._counts import complaint
from pipeline.translation.kept import BRACES
from pipeline.translation.question import Question

_CHOICE = re.compile(r"\{\s*([\w-]+)\s*,\s*(?:plural|select|selectordinal)\s*,|\{\s*\$?[\w-]+\s*->")
_IN_BRACES = {"icu", "fluent", "python-brace"}
_PRINTF = {"printf", "android"}
_NEXT = re.compile(r"%(?![(\d{]*[$({])[^%]")


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Those that are lost, those that are new, and an order that a program would misread."""
    source, syntax = question.segment.text, question.segment.syntax
    if syntax == "icu" and parsed(source) is not None:
        yield from icu_findings(source, answer, tag(question.target).language)
        return
    if syntax in _IN_BRACES and _CHOICE.search(source):
        return  # each language has its own number of branches: a parser compares them
    before, after = placeholders(source, syntax), placeholders(answer, syntax)
    if not before and not after:
        return
    wanted, found = Counter(before), Counter(after)
    if wanted == found:
        if _in_order(before) != _in_order(after):
            said = ", ".join(_in_order(before))
            yield Finding(
                "placeholders",
                f"Your translation must have {said} in this order. Keep them exactly as they are.",
            )
    elif Counter(_numbered(before)) != Counter(_numbered(after)):
        yield from complaint("placeholders", "placeholders", wanted, found)


def placeholders(text: str, syntax: str = "") -> list[str]:
    """The placeholders of a text in their order, by the syntax that its format has."""
    if syntax in _IN_BRACES:
        return ["".join(found.split()) for found in BRACES.findall(text)] + (
            re.findall(r"\{\}", text) if syntax == "python-brace" else []
        )
    found = PLACEHOLDER.findall(text) if "%" in text or "{" in text else []
    return [one for one in found if one[0] == "%" and one[1] not in "{%"] if syntax in _PRINTF else found


def _in_order(found: list[str]) -> list[str]:
    """The conversions that take the next argument, `%s` or `%d`: their kinds keep their order."""
    return [one for one in found if _NEXT.match(one)]


def _numbered(found: list[str]) -> list[str]:
    """The same with a number for each that takes the next argument: `%s` is then `%1$s`."""
    count, numbered = 0, []
    for one in found:
        if _NEXT.match(one):
            count += 1
            one = f"%{count}${one[1:]}"
        numbered.append(one)
    return numbered
