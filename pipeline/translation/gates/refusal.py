"""An answer in which a model declines, where its length or its language is not that of a translation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import tag
from pipeline.translation.bands import too_long, too_short
from pipeline.translation.gates import language
from pipeline.translation.question import Question

_SAID = (
    r"\bI(?:'m| am) (?:sorry|unable|not able)\b",
    r"\bI (?:can(?:no|')t|can’t|won't) (?:help|assist|translate|provide|fulfil|comply)",
    r"\b(?:as an AI|I apologi[sz]e|(?:unable to|cannot) (?:translate|assist|comply|fulfil))\b",
    r"对不起|抱歉|(?:无法|不能)(?:翻译|提供|协助)|無法(?:翻譯|提供|協助)|作为(?:一个|一個)?(?:AI|人工智能)",
    r"申し訳(?:ありません|ございません)|お手伝いできません|翻訳できません|죄송합니다|도와드릴 수 없",
    r"es tut mir leid|ich kann (?:das|diesen|dabei|leider)|je suis désolé|je ne peux pas|lo siento",
    r"leider (?:kann|darf) ich|ich (?:kann|darf|möchte) [^.!?\n]{0,80}\bnicht (?:übersetzen|wiedergeben)",
    r"je ne peux (?:pas|malheureusement)|(?:lamentablemente|infelizmente),? n[oã]o? (?:puedo|posso)",
    r"no puedo (?:ayudar|traducir)|desculpe|não posso|извините|не могу (?:помочь|перевести)|عذرا|آسف",
)
_PHRASES = re.compile("|".join(_SAID), re.IGNORECASE)
"""how models decline"""
_APOLOGIES = re.compile(
    rf"{_PHRASES.pattern}|sorry|apolog|entschuldig|perdón|désolé|прости|すみません", re.IGNORECASE
)
_TRANSLATING = re.compile(
    r"translat|übersetz|traduc|traduir|traduz|перев[её]?[дсл]|翻译|翻譯|翻訳|번역|ترجم", re.IGNORECASE
)
"""words for what was asked of the model, in an answer that declines"""
_KNOWN = {"ar", "de", "en", "es", "fr", "ja", "ko", "pt", "ru", "zh"}
"""languages whose apologies are known here"""
_PLAIN = re.compile(
    r"\W*(?:I['’]m sorry|sorry|I apologi[sz]e)\b.{0,20}\b(?:can(?:no|'|’)t|unable to) (?:help|assist)",
    re.IGNORECASE,
)
"""the words of models that are no translation of a text without an apology"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether it is a refusal: hard where it is no translation by its length or its language either."""
    source = question.segment.text
    if not _PHRASES.search(answer[:200]) or _APOLOGIES.search(source):
        return
    plain = bool(_PLAIN.match(answer)) and tag(question.source).language in _KNOWN
    by_length = bool(too_long(question, answer) or too_short(question, answer))
    of_itself = bool(_TRANSLATING.search(answer)) and not _TRANSLATING.search(source)
    hard = plain or of_itself or by_length or any(language.findings(question, answer))
    message = "Your translation is a refusal, but the text is only to be translated. Translate it."
    yield Finding("refusal", message, hard)
