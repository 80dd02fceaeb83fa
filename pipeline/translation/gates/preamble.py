"""Words around the translation that are not part of it: a greeting, a label, a note, a fence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.translation.question import Question

_LABEL = (
    r"translation|translated (?:text|version)|(?:english|german|french|spanish|chinese|japanese) translation"
    r"|übersetzung|traduction|traducción|traduzione|tradução|перевод|翻译|译文|翻譯|譯文|翻訳|訳文|訳|번역|ترجمة|الترجمة"
)
HEAD = re.compile(
    r"\A\s*(?:\*\*)?(?:(?:sure|certainly|of course|okay|ok|absolutely|gladly|great)\b[!,. ][^\n]{0,120}[:：]"
    r"|(?:here(?:'s|’s| is| are)|below is|the following is)\b[^\n]{0,80}\btranslat[^\n]{0,80}[:：]"
    r"|(?:以下|下面|這|这)是?[^\n]{0,20}(?:翻译|译文|翻譯|譯文)[^\n]{0,20}[:：]|(?:好的|当然|當然|没问题)[，,！!。][^\n]{0,60}[:：]"
    r"|(?:以下|こちら)[^\n]{0,20}(?:翻訳|訳)[^\n]{0,20}[:：]"
    r"|(?:hier ist|voici|aquí (?:está|tienes)|aqui está|ecco|вот)\b[^\n]{0,60}[:：]"
    rf"|(?:the )?(?:{_LABEL})(?: \([^()\n]{{1,30}}\))?\s*[:：])(?:\*\*)?[ \t]*\n*",
    re.IGNORECASE,
)
_NOTES = (
    r"notes?|translat(?:or'?s|ion) notes?|explanation|anmerkung(?: des übersetzers)?|hinweis|remarque|nota"
    r"|примечание|注|注释|註|译注|译者注|说明|訳注|注記|참고"
)
_OFFERS = r"(?:please )?let me know|i hope this|feel free to|if you need"
NOTE = re.compile(
    rf"\n[ \t]*(?:(?:\*\*|[(（\[*_])?[ \t]*(?:{_NOTES})(?:\*\*)?[ \t]*[:：]|(?:{_OFFERS})\b)", re.IGNORECASE
)
ASIDE = re.compile(
    r"[(（\[【][^()（）\[\]\n]{0,4}(?:translator['’]?s? note|t/n|tn|anmerkung des übersetzers|anm\. d\. übers"
    r"|note du traducteur|ndt|n\.d\.t|nota d(?:el|o|a) tradut?[ct]?tora?|прим(?:ечание|\.) пер"
    r"|译者?注|譯者?註|訳者?注|역주)\b[^\n]{0,200}[)）\]】]",
    re.IGNORECASE,
)
"""a note of the translator in brackets, in the line itself"""
_OF_TRANSLATION = re.compile(rf"translat|{_LABEL}|翻|译|譯|訳", re.IGNORECASE)
_LABELLED = re.compile(r"\s*[^\n:：]{1,60}[:：]")
_REQUEST = re.compile(
    r"^Document: [^\n]{0,200}\nSection: |\bYour earlier translation of s\d|\bTerms, to be used:"
    r"|\bSimilar texts, as they were translated before:|\bWhat stands before, only for you to understand"
    r"|\bTranslate (?:this text|the text in each tag|the strings of this JSON object) into"
    r" [^\n]{1,80}\. Answer with ",
    re.MULTILINE,
)
"""words of the request itself, of `translation/batch.py`"""
_FENCES = ("```", "~~~")
FENCE = re.compile(r"\A\s*(`{3,}|~{3,})[^\n`]*\n(.*?)\n?\1\s*\Z", re.DOTALL)


def is_headed(answer: str, source: str) -> bool:
    """Whether an answer begins with words about a translation, which no words of the source can mean."""
    head = HEAD.match(answer)
    if not head:
        return False
    of_translation = _OF_TRANSLATION.search(head[0])
    return not (_OF_TRANSLATION.search(source) if of_translation else _LABELLED.match(source))


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """A beginning or an end that speaks of the translation, words of the request, and a fence round it."""
    source = question.segment.text
    if is_headed(answer, source):
        said = answer.strip().splitlines()[0][:60]
        yield Finding("preamble", f"Your translation begins with an introduction: {said}. Leave it out.")
    repeated = _REQUEST.search(answer)
    if repeated and repeated[0] not in source:
        yield Finding("preamble", f"Your translation repeats the request: {repeated[0][:60]}. Leave it out.")
    if NOTE.search(answer) and "\n" not in source.strip():
        yield Finding("preamble", "Your translation ends with a note. Leave it out.")
    elif ASIDE.search(answer) and not ASIDE.search(source):
        yield Finding("preamble", "Your translation has a note in brackets. Leave it out.")
    if answer.lstrip().startswith(_FENCES) and not source.lstrip().startswith(_FENCES):
        yield Finding("preamble", "Your translation stands in a code fence. Leave it out.")
