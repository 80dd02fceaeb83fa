"""Whether an answer comes to its end: no half sentence, no empty item, nothing left open.

It speaks only where the text shows that something is missing, because many good texts end without a full
stop: poems, lists, signatures, hashtags. Scripts without a full stop, such as Thai, are passed over.
"""

from __future__ import annotations

import re

from pipeline.answers.written import Written
from pipeline.job.fields import Settings

_TAIL, _END = 4_000, 20
"""characters at the end that are looked at for what is left open, and for the last words"""
_FENCE = re.compile(r"^[ \t>]*(?:```|~~~)", re.M)
_EMPTY_ITEM = re.compile(r"(?:[-+*•]|\d{1,3}[.)])")
_TITLE = re.compile(r"#{1,6}[ \t]+\S")
_NO_PROSE = re.compile(r"[|>#＃@—–~-]|[-+*•] |\d{1,3}[.)]\s|(?:https?://|www\.)")
"""how a line begins that may end as it likes: a table, a quote, hashtags, a signature, an item of a list"""
_CLOSERS = " \t\"'”’»›«‹“‘)]}）］】」』〉》*_`~"
_ENDS = ".!?…。！？｡．‼⁇⁈⁉؟۔।॥։።፧᙮߹"
_OPEN_END = re.compile(r"[,;:，、；：(\[{（［【「『《〈]\Z|\w-\Z|(?<= )[-–—]\Z")
_WORD = re.compile(r"\w")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)]* +(?=\S)|[。！？][”」』）]?")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uff00-\uff60]")
_LONG, _HALF = 60, 25
"""the length of a line that is prose, and of half a sentence; a character of East Asia counts twice"""
_PAIRS = (*map(tuple, ("()", "（）", "「」", "『』", "《》", "【】", "[]", "«»", "„“”", "“”")),)
_FACES = re.compile(r"[:;=8xX]-?[(\[]")
_FACE = re.compile(r"[:;=8xX]-?[()\[\]DPp/]\Z")
_GOES_ON = re.compile(r"(?:\A|\s)(?:and|or|the|und|oder|der|die|et|ou|les|des|el|los|del)\Z")
"""words that no sentence ends with"""


class Options(Settings):
    """No options: `ending: true`."""


def complaint(written: Written, options: Options) -> str | None:
    text = written.text.rstrip()
    if not text:
        return None
    if ("```" in text or "~~~" in text) and len(_FENCE.findall(text)) % 2:
        return "Your answer has a code fence that is not closed. Write it to its end."
    last = text[-_TAIL:].rpartition("\n")[2].strip()
    if _EMPTY_ITEM.fullmatch(last) and "\n" in text:
        return "Your answer ends with an empty item of a list. Write it to its end."
    if _TITLE.match(last) and "\n" in text:
        return f'Your answer ends with a title, "{last[:60]}", and nothing below it. Write it to its end.'
    if (opened := _left_open(last)) and not text.endswith(("```", "~~~")):
        return f"Your answer has {opened} that is not closed at its end. Write it to its end."
    if _is_half(last):
        return f'Your answer ends in the middle of a sentence: "…{last[-40:]}". Write it to its end.'
    return None


def _left_open(last: str) -> str:
    """The sign in the last line that is opened and not closed."""
    bare = _FACES.sub("", last) if "(" in last or "[" in last else last
    for opening, *closing in _PAIRS:
        at = bare.rfind(opening)
        if at < 0 or (opening == "“" and "„" in bare):
            continue
        if any(bare.find(sign, at) >= 0 for sign in closing):
            continue
        if opening == "«" and 0 <= bare.find("»") < bare.find("«"):  # quotes that point inwards
            continue
        return opening
    return ""


def _is_half(last: str) -> bool:
    bare = last.rstrip(_CLOSERS)
    tail = bare[-_END:]
    if (
        not bare
        or last.endswith("}")
        or bare[-1] in _ENDS
        or _UNSPACED.search(tail)
        or _FACE.search(last[-_END:])
    ):
        return False
    if _NO_PROSE.match(last):
        return bare.endswith((",", "，", "、")) and not last.startswith(("|", "#"))
    if _OPEN_END.search(tail) or _GOES_ON.search(tail):
        return True
    if not _WORD.match(bare[-1]) or "#" in last.rpartition(" ")[2] or "://" in last.rpartition(" ")[2]:
        return False  # an emoji, a sign, a hashtag, an address
    ends = [found.end() for found in _SENTENCE_END.finditer(bare)]
    half = bare[ends[-1] :] if ends else bare
    return _size(half) >= (_HALF if ends else _LONG)


def _size(text: str) -> int:
    return len(text) + len(_WIDE.findall(text))
