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
_CLOSED = re.compile("|".join(map(re.escape, BLOCKS.values())), _ANY)
_OPENED = {closes: opens for opens, closes in BLOCKS.items()}
_CHANNEL, _MESSAGE = "<|channel|>", "<|message|>"
_CHANNEL_ENDS = re.compile(r"<\|(?:end|return|call|start)\|>")
_HARMONY = (_CHANNEL, "<|start|>assistant")
_STRIPPED = ("analysis", "assistantfinal")
"""harmony, when a server has taken its special tokens out"""
_FIRST = frozenset("<[◁")
_PUNCTUATION = ".,;:!?)`'\"”"
_FENCES = ("```", "~~~")


class Parts(NamedTuple):
    """A text in two parts; `whole` is false where the reasoning never ends, so that there is no answer."""

    reasoning: str
    answer: str
    whole: bool = True


def apart(text: str) -> Parts:
    """The reasoning that opens a text, and the answer behind it; most texts stay as they are."""
    first = text[:99].lstrip()[:1]
    if first in _FIRST or not first:
        start = text.lstrip()
        if start.startswith(_HARMONY):
            return _channels(start)
        return _closed_only(text) if _CLOSED.match(start) else _blocks(text)
    if text.startswith(_STRIPPED[0]) and _STRIPPED[1] in text:
        reasoning, _, answer = text.removeprefix(_STRIPPED[0]).partition(_STRIPPED[1])
        return Parts(reasoning.strip(), answer.strip())
    if ("</" in text or "[/" in text or "◁/" in text or "<channel|" in text) and first not in "{`~":
        return _closed_only(text)
    return Parts("", text)


def _blocks(text: str) -> Parts:
    """A text that may begin with one block of reasoning, or with several."""
    thoughts: list[str] = []
    place = 0
    while opened := _OPENS.match(text, place):
        closed = _CLOSES[opened[1].lower()].search(text, opened.end())
        thoughts.append(text[opened.end() : closed.start() if closed else None].strip())
        if not closed:
            return Parts(_joined(thoughts), "", whole=False)
        place = closed.end()
    return Parts(_joined(thoughts), _unwrapped(text[place:].strip())) if thoughts else Parts("", text)


def _closed_only(text: str) -> Parts:
    """A text whose reasoning has no opening tag, because the prompt of the model's template ends with it.

    The tag must stand as models set it: at the start of a line, behind a word without a blank, or at the end
    of a paragraph; outside of quotes and of code, and with no opening tag before it. Else the text is about
    the tag.
    """
    closed = _CLOSED.search(text)
    if closed is None:
        return Parts("", text)
    before, behind = text[: closed.start()], text[closed.end() :]
    last, following = before[-1:], behind[:4].replace("\r", "")
    stands = last in ("", "\n") or not last.isspace() or not following or following.startswith("\n\n")
    if not stands or (following and following[0] in _PUNCTUATION):
        return Parts("", text)
    if _OPENED[closed[0].lower()] in before.lower() or any(before.count(fence) % 2 for fence in _FENCES):
        return Parts("", text)
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
