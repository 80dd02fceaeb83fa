"""Signs of a notation that the source does not use: JSON, escapes, entities, headings, bullets, rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.notation import ENTITY, ESCAPE, is_json
from pipeline.translation.question import Question

_RULE = re.compile(r"^[ \t]*\\?([-=*_])(?:[ \t]*\1){2,}[ \t]*$", re.MULTILINE)
_MARKER = re.compile(r"\s*\\?(?:(#{1,6})[ \t]|([-*+>])[ \t]|(\|))")
_SPEECH = "-–—\"'“”„«»「『‘’*•·…>"
"""signs with which a source may open where a translation opens with a dash: speech, an item"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """JSON, escapes and rules (hard); entities, and signs with which a block begins (soft)."""
    source = question.segment.text
    if is_json(answer) and not is_json(source):
        yield Finding("notation", "Your translation stands in JSON. Give the text alone.")
    if "\\" not in source and (escape := ESCAPE.search(answer)):
        yield Finding("notation", f"Your translation has {escape[0]} as letters. Write the sign itself.")
    if _RULE.search(answer) and not _RULE.search(source):
        yield Finding("notation", "Your translation has a line of signs that the text has not. Leave it out.")
    if not ENTITY.search(source) and (entity := ENTITY.search(answer)):
        yield Finding("notation", f"Your translation has {entity[0]}. Write the sign itself.", hard=False)
    begins, began = _MARKER.match(answer), _MARKER.match(source)
    if begins and not began and not (begins[2] and source.lstrip()[:1] in _SPEECH):
        sign = begins[1] or begins[2] or begins[3]
        yield Finding("notation", f"Your translation begins with {sign}, the text does not.", hard=False)
