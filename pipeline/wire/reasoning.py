"""Takes the reasoning off the start of a text: `<think>…</think>`, harmony's channels, and the like.

Only what opens a text is taken. A text about these tags keeps them; where it is in doubt which of the two a
text is, it stays whole. So a closing tag alone counts only as models set it (`_closed_only`). This module
does not know replies.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.wire.words import BLOCKS, END_TOKENS, ROLE_TOKENS, SOFT_BLOCKS, SOFT_NAMES, WRAPPERS

_ANY = re.IGNORECASE


def _tag(tag: str) -> str:
    """The pattern of a tag, with or without a blank before its last sign."""
    return re.escape(tag[:-1]) + r"\s*>" if tag.endswith(">") else re.escape(tag)


_ALL = BLOCKS | SOFT_BLOCKS
_ROLE = re.compile(r"\s*(?:(?:" + "|".join(map(re.escape, ROLE_TOKENS)) + r")\s*)+", _ANY)


def _opens(tag: str) -> str:
    """The pattern of an opening tag, with or without attributes."""
    return re.escape(tag[:-1]) + r"(?:\s[^<>]{0,200})?>" if tag.endswith(">") else re.escape(tag)


_NAMED = rf"<(?:[a-z]{{1,20}}[_:-]){{0,2}}(?:{'|'.join(SOFT_NAMES)})(?:[_:-][a-z]{{1,20}}){{0,2}}>"
_OPENING = "|".join([*map(_opens, sorted(_ALL, key=len, reverse=True)), _NAMED])
_OPENS = re.compile(rf"\s*({_OPENING})", _ANY)


def _closes(tag: str) -> re.Pattern[str]:
    """What ends a block: not a tag in quotes, which is a word of the reasoning."""
    return re.compile(rf"(?<![`'\"]){_tag(tag)}|{_tag(tag)}(?![`'\"])", _ANY)


_CLOSES = {opens: _closes(closes) for opens, closes in _ALL.items()}
_ANY_CLOSES = re.compile(r"(?<![`'\"])</([a-z_:-]+)\s*>|</([a-z_:-]+)\s*>(?![`'\"])", _ANY)
"""what may end a block with another name"""
_OPENED = {closes: opens for opens, closes in BLOCKS.items() if closes[1] == "/"}
_CLOSED = {
    sign: re.compile("|".join(_tag(closes) for closes in _OPENED if closes[0] == sign), _ANY)
    for sign in {closes[0] for closes in _OPENED}
}
"""closing tags that may stand alone, by their first sign: a text without it is not searched"""
_HTML = "a|article|b|blockquote|br|div|em|h[1-6]|html|i|img|main|ol|p|pre|section|span|strong|table|ul"
_ELEMENT = re.compile(rf"\s*(<(?!(?:{_HTML})[\s/>])[a-z][\w:.-]*(?:\s[^<>]{{0,200}})?/?>)", _ANY)
"""an element of XML: a text of HTML is an answer like others"""
_CHANNEL, _MESSAGE = "<|channel|>", "<|message|>"
_CHANNEL_ENDS = re.compile(r"<\|(?:end|return|call|start)\|>")
_HARMONY = (_CHANNEL, "<|start|>assistant")
_LATE = "<|end|><|start|>assistant<|channel|>"
"""what is left of harmony where the prompt ends with the first channel's start"""
_WHOLE = tuple(opens for opens in WRAPPERS if opens[1] == "|")
_STRIPPED = re.compile(r"analysis(?=[\n\S])(.*?)assistantfinal(?![ .,;:!?)`'\"])", re.DOTALL)
"""harmony, when a server has taken its special tokens out: nothing stands between them and the words"""
_FIRST = frozenset("<[◁\ufeff\u200bhH")
_CODE = frozenset("{[<`~")
_SENTENCE_ENDS = frozenset(".!?…。！？)*")
_TAILS = frozenset(token[-1] for token in END_TOKENS)
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
    if first in _FIRST and (opened := _opened(text)):
        return opened
    if first == "a" and (stripped := _STRIPPED.match(text)):
        return Parts(stripped[1].strip(), text[stripped.end() :].strip())
    if _LATE in text and "`" not in text:
        return _channels(
            f"{_CHANNEL}analysis{_MESSAGE}{text.removeprefix('analysis').removeprefix(_MESSAGE)}"
        )
    for sign, closed in _CLOSED.items():
        if sign in text and (tag := closed.search(text)):
            return _closed_only(text, tag)
    return None


def trimmed(answer: str) -> str:
    """An answer without the tokens at its end that a server should have taken off.

    A token behind a blank is a word of the text, and so is `</s>` in a text with `<s>`, which is HTML.
    """
    while answer[-1:] in _TAILS or answer[-1:].isspace():
        end = answer.rstrip()
        token = next(filter(end.endswith, END_TOKENS), "")
        rest = end.removesuffix(token)
        if not token or rest[-1:] in (" ", "") or (token == "</s>" and "<s>" in rest):  # noqa: S105 - no secret
            break
        answer = rest.rstrip()
    return answer


def _opened(text: str) -> Parts | None:
    """A text that may begin with one block of reasoning, or with several."""
    start = text.lstrip()
    if (role := _ROLE.match(start)) and _OPENS.match(start, role.end()):
        text = start = start[role.end() :]
    if start[0] not in _FIRST:
        return None
    if start.startswith(_HARMONY):
        return _channels(start)
    if (lone := _CLOSED.get(start[0])) and (closed := lone.match(start)):
        return Parts("", _unwrapped(start[closed.end() :].strip()))
    if start.lower().startswith(_WHOLE):
        return Parts("", _unwrapped(start.strip()))
    thoughts: list[str] = []
    place, said = 0, len(text.rstrip())
    while opened := _OPENS.match(text, place):
        name = re.sub(r"\s[^<>]*>", ">", opened[1].lower())
        end = _end(text, opened, name)
        thoughts.append(text[opened.end() : end.start() if end else None].strip())
        if name not in BLOCKS and not (end and end.end() < said):
            return None
        if name not in _ALL and end and _is_element(text, end.end()):
            return None
        if not end:
            return Parts(_joined(thoughts), "", whole=False)
        place = end.end()
    return Parts(_joined(thoughts), _unwrapped(text[place:].strip())) if thoughts else None


def _is_element(text: str, place: int) -> bool:
    """Whether an element stands next that is neither a block nor around the answer: the text is XML."""
    found = _ELEMENT.match(text, place)
    return bool(found and found[1].lower() not in WRAPPERS and not _OPENS.match(text, place))


def _end(text: str, opened: re.Match[str], name: str) -> re.Match[str] | None:
    """The closing tag of a block: of several, where blocks stand within it, the one that closes it."""
    ends = (_CLOSES.get(name) or _ANY_CLOSES).finditer(text, opened.end())
    if name not in _ALL:
        ends = filter(lambda end: (end[1] or end[2]).lower() == name[1:-1], ends)
    end = next(ends, None)
    if end is None or name not in text[opened.end() : end.start()].lower():
        return end
    inner = text[opened.end() : end.start()].lower().count(name)
    for later in ends:
        before, behind = text[later.start() - 1], text[later.end() : later.end() + 1]
        if not inner or before in " `'\"" or not behind or behind in _PUNCTUATION:
            break
        end, inner = later, inner - 1 + text[end.end() : later.start()].lower().count(name)
    return end


def _closed_only(text: str, closed: re.Match[str]) -> Parts | None:
    """A text whose reasoning has no opening tag, because the prompt of the model's template ends with it.

    The tag must stand as models set it: at the start of a line, behind a word without a blank, or at the end
    of a paragraph; outside of quotes and of code, not indented, and with no opening tag before it. What
    stands before it must end as a sentence does; or the tag has a line of its own, two or more lines stand
    before it, and the text behind it does not go on in small letters. In a text that begins with a sign of
    code, only a tag on a line of its own with a blank line behind it counts. Else the text is about the tag.
    """
    before, behind = text[: closed.start()], text[closed.end() :]
    last, following = before[-1:], behind[:4].replace("\r", "")
    said, line = before.rstrip(), before[before.rfind("\n") + 1 :]
    stands = last == "\n" or not last.isspace() or not following or following.startswith("\n\n")
    if not stands or (following and following[0] in _PUNCTUATION) or (line and not line.strip()):
        return None
    if _OPENED[re.sub(r"\s+>", ">", closed[0].lower())] in before.lower():
        return None
    if any(before.count(fence) % 2 for fence in _FENCES):
        return None
    own = not line and (not following or following[0] == "\n")
    if text.lstrip()[:1] in _CODE and not (own and (not behind.strip() or following.startswith("\n\n"))):
        return None
    long = own and "\n" in said and said[-1:] != ":" and not behind.lstrip()[:1].islower()
    if said[-1:] not in _SENTENCE_ENDS and not long:
        return None
    return Parts(said.strip(), _unwrapped(behind.strip()))


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
    """An answer without what a model sets around it; elements within `<response>` make it XML."""
    for opens, closes in WRAPPERS.items():
        if answer[: len(opens)].lower() == opens:
            inner = answer[len(opens) :]
            ends = len(inner) - len(closes)
            inner = inner[:ends] if inner[ends:].lower() == closes else inner
            if opens[1] == "|" or not (_ELEMENT.match(inner) or opens in inner.lower()):
                answer = inner
    return answer.strip()


def _joined(parts: list[str]) -> str:
    return "\n\n".join(filter(None, parts))
