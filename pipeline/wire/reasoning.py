"""Takes the reasoning off the start of a text: `<think>…</think>`, harmony's channels, and the like.

Only what opens a text is taken. A text about these tags keeps them. This module does not know replies.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.wire.words import BLOCKS, WRAPPERS

_ANY = re.IGNORECASE
_OPENS = re.compile(r"\s*(" + "|".join(map(re.escape, sorted(BLOCKS, key=len, reverse=True))) + ")", _ANY)
_CLOSES = {
    opens: re.compile(rf"(?<![`'\"]){re.escape(closes)}|{re.escape(closes)}(?![`'\"])", _ANY)
    for opens, closes in BLOCKS.items()
}
"""what ends a block: not a tag in quotes, which is a word of the reasoning"""
_OPENED = {closes: opens for opens, closes in BLOCKS.items() if closes[1] == "/"}
_CLOSED = {
    sign: re.compile("|".join(re.escape(closes) for closes in _OPENED if closes[0] == sign), _ANY)
    for sign in {closes[0] for closes in _OPENED}
}
"""closing tags that may stand alone, by their first sign: a text without it is not searched"""
_CHANNEL, _MESSAGE = "<|channel|>", "<|message|>"
_CHANNEL_ENDS = re.compile(r"<\|(?:end|return|call|start)\|>")
_HARMONY = (_CHANNEL, "<|start|>assistant")
_STRIPPED = ("analysis", "assistantfinal")  # harmony, when a server has taken its special tokens out
_FIRST = frozenset("<[◁")
_CODE = frozenset("{[<`~")
_PUNCTUATION = ".,;:!?)`'\"”"
_FENCES = ("```", "~~~")


class Parts(NamedTuple):
    """A text in two parts; `whole` is false where the reasoning never ends, so that there is no answer."""

    reasoning: str
    answer: str
    whole: bool = True


def apart(text: str) -> Parts | None:
    """The reasoning that opens a text, and the answer behind it; None for most texts, which have none."""
    first = text[:1]
    if first.isspace():
        first = text.lstrip()[:1]
    if first in _FIRST:
        return _opened(text)
    if first == "a" and _STRIPPED[1] in text and text.startswith(_STRIPPED[0]):
        reasoning, _, answer = text.removeprefix(_STRIPPED[0]).partition(_STRIPPED[1])
        return Parts(reasoning.strip(), answer.strip())
    for sign, closed in _CLOSED.items():
        if sign in text and first not in _CODE and (tag := closed.search(text)):
            return _closed_only(text, tag)
    return None


def _opened(text: str) -> Parts | None:
    """A text that may begin with one block of reasoning, or with several."""
    start = text.lstrip()
    if start.startswith(_HARMONY):
        return _channels(start)
    if closed := _CLOSED[start[0]].match(start):
        return Parts("", _unwrapped(start[closed.end() :].strip()))
    thoughts: list[str] = []
    place = 0
    while opened := _OPENS.match(text, place):
        end = _CLOSES[opened[1].lower()].search(text, opened.end())
        thoughts.append(text[opened.end() : end.start() if end else None].strip())
        if not end:
            return Parts(_joined(thoughts), "", whole=False)
        place = end.end()
    return Parts(_joined(thoughts), _unwrapped(text[place:].strip())) if thoughts else None


def _closed_only(text: str, closed: re.Match[str]) -> Parts | None:
    """A text whose reasoning has no opening tag, because the prompt of the model's template ends with it.

    The tag must stand as models set it: at the start of a line, behind a word without a blank, or at the end
    of a paragraph; outside of quotes and of code, and with no opening tag before it. Else the text is about
    the tag.
    """
    before, behind = text[: closed.start()], text[closed.end() :]
    last, following = before[-1:], behind[:4].replace("\r", "")
    stands = last == "\n" or not last.isspace() or not following or following.startswith("\n\n")
    if not stands or (following and following[0] in _PUNCTUATION):
        return None
    if _OPENED[closed[0].lower()] in before.lower() or any(before.count(fence) % 2 for fence in _FENCES):
        return None
    return Parts(before.strip(), _unwrapped(behind.strip()))


def _channels(text: str) -> Parts:
    """A text in harmony's form: the channel `final` is the answer, all others are reasoning."""
    thoughts: list[str] = []
    answers: list[str] = []
    for channel in text.split(_CHANNEL)[1:]:
        name, _, said = channel.partition(_MESSAGE)
        said = _CHANNEL_ENDS.split(said, maxsplit=1)[0]
        (answers if name.strip().lower().startswith("final") else thoughts).append(said.strip())
    return Parts(_joined(thoughts), _joined(answers), whole=bool(answers))


def _unwrapped(answer: str) -> str:
    for opens, closes in WRAPPERS.items():
        if answer[: len(opens)].lower() == opens:
            answer = answer[len(opens) :]
            ends = len(answer) - len(closes)
            answer = answer[:ends] if answer[ends:].lower() == closes else answer
    return answer.strip()


def _joined(parts: list[str]) -> str:
    return "\n\n".join(filter(None, parts))
