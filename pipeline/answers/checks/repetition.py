"""Whether an answer repeats itself: loops, the same phrases, words and paragraphs that stand there twice.

Code, tables and the few lines of a refrain do not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, pairwise
from operator import eq

from pydantic import Field

from pipeline.answers.written import Written
from pipeline.job.fields import Count, Settings, Share
from pipeline.text.prose.repeats import USUAL, again, doubled, doubles, loop
from pipeline.text.prose.spoken import spoken
from pipeline.text.scripts import weight

_ENOUGH = 20_000
"""the characters of an answer that are looked at"""
_LINE, _PARAGRAPH, _SENTENCE_LEAST, _PHRASE, _HAN = 20, 120, 12, 6, 9
"""the least weight of letters of a line, a paragraph, a sentence, some words, a Chinese word"""
_SHOWN = 60
_USUAL = frozenset(chain(*USUAL.values()))
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_TABLE = re.compile(r"^[ \t]*\|.*$", re.MULTILINE)


class Options(Settings):
    """How much may be repeated; a poem with a refrain needs more than a report."""

    phrases: Share = Field(0.3, description="the share of phrases of four words that may stand there before")
    lines: Count = Field(4, description="how often the same line may stand")
    paragraphs: Count = Field(1, description="how often the same paragraph may stand")
    doubled: Count = Field(1, description="how many words may stand twice side by side: had had")


def complaint(written: Written, options: Options) -> str | None:
    text = _TABLE.sub("", spoken(written.text[:_ENOUGH]))
    found = next(_found(text, options), "")
    return f"Your answer {found}. Say each thing once." if found else None


def _found(text: str, options: Options) -> Iterator[str]:
    """What is wrong, the worst first."""
    if end := loop(text):
        yield f"ends in a loop: {_shown(end)}"
    if doubled(text):
        yield "is one text that stands there twice"
    lines = [line.strip() for line in text.split("\n")]
    for line, times in Counter(filter(None, lines)).items():
        if times > 1 and (worth := weight(line)) >= _LINE:
            most = options.paragraphs if worth >= _PARAGRAPH else options.lines
            if times > most:
                yield f"has {_shown(line)} {times} times; it may stand there {most} times"
    words, phrases = _side_by_side(lines)
    if phrases or len(words) > options.doubled:
        yield f"repeats {_shown((phrases or words)[0])} side by side"
    if (share := again("\n".join(dict.fromkeys(lines)))) > options.phrases:
        yield f"repeats {share:.0%} of its phrases of four words; it may repeat at most {options.phrases:.0%}"


def _side_by_side(lines: list[str]) -> tuple[list[str], list[str]]:
    """The words that follow themselves in a line, and the phrases and sentences that do."""
    words: list[str] = []
    phrases: list[str] = []
    for line in lines:
        sentences = [sentence.strip().casefold() for sentence in _SENTENCE.findall(line)]
        phrases += (
            one for one, other in pairwise(sentences) if one == other and weight(one) >= _SENTENCE_LEAST
        )
        for found in doubles(line, _USUAL):
            if found.count(" ") > 1 and weight(found) >= _PHRASE:
                phrases.append(found)
            elif weight(found) <= len(found) or weight(found) >= _HAN:
                words.append(found)  # 研究研究 is good Chinese
        spaced = line.casefold().split()
        if any(map(eq, spaced, spaced[1:])):
            three = zip(spaced, spaced[1:], spaced[2:], strict=False)
            phrases += (one for one, *others in three if [one, one] == others and one.isalpha())
    return words, phrases


def _shown(text: str) -> str:
    return f'"{" ".join(text.split())[:_SHOWN]}"'
