"""JSON in a model's answer: alone, in a fence, or within other words.

This module does not know schemas, nor which of several values is meant.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from pipeline.text.strict_json import Twice, distinct, members
from pipeline.wire.words import END_TOKENS

_FENCE = re.compile(r"\A```(?:json)?[^\S\n]*\n(.*?)\n?```\Z", re.DOTALL)
_FENCE_BEGINS = re.compile(r"(```+|~~~+)[^\n`{\[]*\n")
_MEMBER = re.compile(r'"\s*:')
_BRACKET = re.compile(r"[\[\]{}]")
_PROSE = re.compile(r"\[[^\[\]{}'\"]*\]|\{[^\[\]{}'\":]*\}")
"""brackets that are no JSON and hold nothing that could be: [see below], {name}"""
_FENCED = re.compile(r"```+|~~~+")
_QUOTES = dict(zip("\"'“”„«‘", "\"'”““»’", strict=True))
"""what opens a quotation, and what closes it"""
_MOST = 20  # values in one text, and end tokens behind it; where there are more, none is meant
_DECODER = json.JSONDecoder()


def parsed(text: str) -> Any:
    """The value of a text that is JSON and nothing else, or in a common fence; a `ValueError` for others."""
    fenced = _FENCE.match(text.strip())
    text = fenced.group(1) if fenced else text
    try:
        value = orjson.loads(text)
    except ValueError as strict:
        try:
            value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=distinct)
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            return json.loads(whole)  # without lone surrogates, which no later prompt could carry
        except RecursionError:
            raise ValueError("nested too deeply") from None
        except Twice:
            raise
        except ValueError:
            raise strict from None
    if len(_MEMBER.findall(text)) != members(value):  # rare: a text that has quotes and colons in it
        json.loads(text, object_pairs_hook=distinct)
    return value


def inside(text: str) -> list[Any]:
    """The JSON values that stand in a text among other words; a `ValueError` where a part is broken JSON.

    A value in something that is cut off is never taken: it is a part of what was meant. The same holds for
    values before a fence that opens and never closes, and for a value in quotes with words behind it, which
    is what the words are about.
    """
    text = _trimmed(text)
    begins = _FENCE_BEGINS.match(text)
    fenced = begins and text.endswith(begins[1], begins.end())
    try:
        return [parsed(text[begins.end() : -len(begins[1])] if begins and fenced else text)]
    except Twice:
        raise
    except ValueError:
        return _among(text)


def _among(text: str) -> list[Any]:
    found: list[Any] = []
    place = prose_from = 0
    fences = 0  # those outside of values
    while bracket := _BRACKET.search(text, place):
        start = bracket.start()
        prose = _PROSE.match(text, start)
        try:
            if prose is None:
                _, place = _DECODER.raw_decode(text, start)
            else:  # alone, as an error counts the lines of all that it is given
                place = start + _DECODER.raw_decode(prose[0])[1]
        except (ValueError, RecursionError):
            if prose is None:
                raise ValueError("a part of it is cut off, or is no JSON") from None
            place = prose.end()
        else:
            found.append(parsed(text[start:place]))
            if _is_quoted(text, start, place):
                raise ValueError("a value is only quoted")
            fences += len(_FENCED.findall(text, prose_from, start))
            prose_from = place
        if len(found) > _MOST:
            raise ValueError("it has many values, and none of them is the answer")
    if found and _opens_a_fence(text[prose_from:], fences):
        raise ValueError("the last fence is cut off")
    return found


def _is_quoted(text: str, start: int, end: int) -> bool:
    """Whether a value stands in quotes, and words behind it."""
    closes = _QUOTES.get(text[start - 1 : start])
    return text[end : end + 1] == closes and any(map(str.isalpha, text[end + 1 :]))


def _opens_a_fence(behind: str, before: int) -> bool:
    """Whether a fence opens behind the last value, and does not close; `before` it there were so many."""
    fences = list(_FENCED.finditer(behind))
    if not fences or (before + len(fences)) % 2 == 0:
        return False
    last = fences[-1]
    return bool(behind[: last.start()].strip()) or behind[last.end() : last.end() + 1].isalpha()


def _trimmed(text: str) -> str:
    """A text without what a server should have taken off its ends."""
    for _ in range(_MOST):  # each time copies the text
        shorter = text.strip().removeprefix("\ufeff")
        shorter = shorter.removesuffix(next(filter(shorter.endswith, END_TOKENS), ""))
        if shorter == text:
            break
        text = shorter
    return text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
