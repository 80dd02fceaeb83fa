"""What a model puts round a translation, or writes in another notation, and what is put right without asking.

Names of a batch (`s1:`), JSON round the text, entities and escapes of another format. This module does not
know formats: it goes by the source alone, and leaves what the source has itself.
"""

from __future__ import annotations

import json
import re
from html import unescape

_NAMED = re.compile(r"\A\s*s\d{1,3}\s*[:：]\s+")
_TAGGED = re.compile(r'\A\s*<seg id="s\d{1,3}">(.*)</seg>\s*\Z', re.DOTALL)
_JSON = re.compile(r'[{\[,]\s*\\?"[^"\n]{1,40}"\s*:\s*\\?["\[{]|\A\s*\[\s*"|"\s*\]\s*\Z')
_OBJECT = re.compile(r'\{\s*"s1"\s*:\s*"(?:[^"\\]|\\.)*"\s*\}')
ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
ESCAPE = re.compile(r"\\(?:[nrt]|u[0-9a-fA-F]{4})")
_BREAK = re.compile(r"\\r?\\n|\\n")
_SIGNS = "&<>\"'"
_MARK = "\ufeff"


def unwrapped(source: str, answer: str) -> str:
    """The translation alone."""
    if is_json(answer) and not is_json(source):
        answer = _from_json(answer)
    tagged = _TAGGED.match(answer) if "<seg" in answer and "<seg" not in source else None
    answer = tagged[1] if tagged else answer
    if not _NAMED.match(source):
        answer = _NAMED.sub("", answer, count=1)
    return answer if _MARK in source else answer.replace(_MARK, "")


def unescaped(source: str, answer: str) -> str:
    """The same without entities and escapes that the source, in its own notation, has no need of."""
    if "&" in answer and not ENTITY.search(source):
        answer = ENTITY.sub(lambda found: _sign(source, found[0]), answer)
    if "\\" in answer and "\\" not in source:
        lines = source.count("\n")
        if lines and answer.count("\n") + len(_BREAK.findall(answer)) == lines:
            answer = _BREAK.sub("\n", answer)
        if '"' in source:
            answer = answer.replace('\\"', '"')
    return answer


def is_json(text: str) -> bool:
    """Whether a text holds an object of JSON, or is a list of it."""
    return bool(_JSON.search(text))


def _from_json(answer: str) -> str:
    """The only text in JSON; what is none stays as it is."""
    inside = _OBJECT.search(answer)
    said: object = inside[0] if inside else answer
    try:
        while isinstance(said, str) and is_json(said):
            said = json.loads(said)
            while isinstance(said, dict | list) and len(said) == 1:
                (said,) = said.values() if isinstance(said, dict) else said
    except (ValueError, RecursionError):
        return answer
    return said if isinstance(said, str) else answer


def _sign(source: str, entity: str) -> str:
    """The sign of an entity: a letter, or a sign that the source has as it is."""
    sign = unescape(entity)
    letter = len(sign) == 1 and (sign.isalpha() or sign == "\u00a0")
    return sign if letter or (sign in _SIGNS and sign in source) else entity
