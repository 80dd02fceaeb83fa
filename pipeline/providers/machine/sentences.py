"""Translates a text with an engine that takes one sentence at a time and knows little but plain letters.

What is around the sentences (line breaks, tabs, indents, the dash between two clauses) stays as it is. What
must not be translated is held: placeholders, tags, code, addresses, amounts of money, words and signs outside
the engine's alphabet. For a held part the engine gets a name such as XYZ0, which it leaves alone. Where a
name comes back twice, changed or not at all, the clauses around it are translated alone instead. The same
goes for numbers that do not come back. Text without letters is never shown to the engine.
This module does not know which engine it is; it takes any function from a sentence to a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

import sentencex

Engine: TypeAlias = Callable[[str], str]

LETTERS = "A-Za-zÀÁÂÃÇÉÊÍÓÔÕÚàáâãçéêíóôõú"
"""the letters of English and Portuguese; the engine drops or changes all others"""
MAX_WORDS = 45  # a sentence of 80 words comes back whole, one of 120 does not
NAMES = ("XYZ{}", "X{}X", "PH{}")  # names that the engine leaves unchanged, tried in this order
MARK, SIGN = "\ue000", "\ue001"
"""stand for a held part while sentences are cut; where the text itself has one, it is held like any sign"""

EXACT = r"""
      `[^`\n]+`                                                 # code
    | </?[A-Za-z!][^<>\n]*> | &(?:\#\w+|[A-Za-z]\w*);           # a tag, an entity
    | (?:(?:https?|ftp)://|www\.)[^\s<>"]*[\w/=&\#]             # an address
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                              # an e-mail address
    | \{\{.{0,200}?\}\} | \{%.{0,200}?%\} | \$?\{[^{}\n]{0,200}\}             # placeholders in braces
    | %\([^)\s]+\)[-+\#0]*\d*(?:\.\d+)?[A-Za-z] | %%            # placeholders with a percent sign
    | %(?:\d+\$)?[-+\#0]*\d*(?:\.\d+)?[sdifgxXu@](?!\w)
    | [A-Z]{0,3}[$€£¥]\s?\d+(?:[.,]\d+)* | (?<![\d.,])\d+(?:[.,]\d+)*\s?[€£¥]   # an amount of money
    | \b\d{1,2}h(?:\d\d)?\b                                   # a time of day as Portuguese writes it
"""
HELD = re.compile(
    rf"""
    {EXACT}
    | \w*[^\W\d_{LETTERS}]\w*                                   # a word with other letters
    | (?:(?!{EXACT})\w*(?!{EXACT})[\#<>@\\^`{{}}~])+(?:(?!{EXACT})\w*)   # a sign that the engine loses
    | \w{{40,}}                                                   # no word is that long
    | [^\w\s!-/:-?\[\]|°–—’‘“”…]+                               # pictures, arrows, bullets
    """,
    re.VERBOSE,
)
BREAKS = re.compile(r"([\r\n\t\f\v\x1c-\x1e\x85\u2028\u2029]+|\s+[–—]\s+|—)")
EDGES = re.compile(rf"([\s{SIGN}]*)(.*?)([\s{SIGN}]*)", re.DOTALL)
MARKS = re.compile(f"[{MARK}{SIGN}]")
MARK_OR_NUMBER = re.compile(rf"[{MARK}{SIGN}]|\d+(?:[.,:/-]\d+)*")
TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "…": "..."})
ENDING = re.compile(r"[.,;:!?]+$")
BRACKETED = re.compile(r"\s*\([^()]*(?:\)|$)")
LETTER = re.compile(r"[^\W\d_]")


class Untranslated(Exception):
    """The engine gave nothing, or far too much, for a sentence."""


def translate(text: str, language: str, engine: Engine) -> str:
    """The text, whose language is "en" or "pt", in the other language; raises `Untranslated`."""
    if not LETTER.search(text):
        return text
    text = unicodedata.normalize("NFC", text)
    kept = (held.group() for held in HELD.finditer(text))
    marked = HELD.sub(lambda held: MARK if re.search(r"\w", held.group()) else SIGN, text)
    pieces = (piece for line in BREAKS.split(marked) for piece in _pieces(line, language))
    return "".join(_piece(piece, kept, engine) for piece in pieces)


def _pieces(line: str, language: str) -> Iterator[str]:
    """The line's sentences, or the clauses of one that is too long; joined, they give the line again."""
    for sentence in sentencex.segment(language, line) if line.strip() else [line]:
        yield from _clauses(sentence)


def _clauses(sentence: str) -> Iterator[str]:
    """Cut near the middle, after a comma where there is one, until no piece has more than `MAX_WORDS`."""
    words = [word.end() for word in re.finditer(r"\S+\s*", sentence)]
    if len(words) <= MAX_WORDS:
        yield sentence
        return
    commas = [comma.end() for comma in re.finditer(r"[,;:]\s+", sentence)]
    cuts = [comma for comma in commas if words[4] <= comma <= words[-5]] or words[4:-5]
    cut = min(cuts, key=lambda place: abs(place - len(sentence) // 2))
    yield from _clauses(sentence[:cut])
    yield from _clauses(sentence[cut:])


def _piece(piece: str, kept: Iterator[str], engine: Engine) -> str:
    """A sentence, translated; spaces and single signs at its ends stay as they are."""
    edges = EDGES.fullmatch(piece)
    before, core, after = edges.groups() if edges else ("", piece, "")
    lead = _restored(before, kept)
    held = [next(kept) for _ in MARKS.findall(core)]
    return lead + _sentence(core, held, engine) + _restored(after, kept)


def _restored(marked: str, kept: Iterator[str]) -> str:
    return MARKS.sub(lambda _: next(kept), marked)


def _sentence(marked: str, held: list[str], engine: Engine) -> str:
    """Translated as a whole with names for held parts; else with numbers held, too; else in parts."""
    if not LETTER.search(marked):
        return _restored(marked, iter(held))
    with_numbers = _hold_numbers(marked, held)
    for source, parts in ((marked, held), with_numbers):
        for name in NAMES:
            done = _carried(source, parts, name, engine)
            if done is not None:
                return done
    return _apart(*with_numbers, engine)


def _hold_numbers(marked: str, held: list[str]) -> tuple[str, list[str]]:
    kept = iter(held)
    parts: list[str] = []

    def hold(found: re.Match[str]) -> str:
        is_mark = MARKS.fullmatch(found.group())
        parts.append(next(kept) if is_mark else found.group())
        return found.group() if is_mark else MARK

    return MARK_OR_NUMBER.sub(hold, marked), parts


def _carried(marked: str, held: list[str], name: str, engine: Engine) -> str | None:
    """Translated with `name` and its place for each held part; None unless all of it came back, once."""
    named = re.compile(name.format(r"(\d+)"))
    if named.search(marked):
        return None
    places = iter(range(len(held)))
    done = _plain(MARKS.sub(lambda _: name.format(next(places)), marked), engine)
    if sorted(named.findall(done)) != sorted(str(place) for place in range(len(held))):
        return None
    if _digits(named.sub("", done)) != _digits(marked):
        return None
    return named.sub(lambda found: held[int(found.group(1))], done)


def _digits(text: str) -> Counter[str]:
    """Digits without their order: `11/22` is `22/11` and `1,250.75` is `1.250,75` in the other language."""
    return Counter(re.findall(r"\d", text))


def _apart(marked: str, held: list[str], engine: Engine) -> str:
    """The text between the held parts is translated piece by piece."""
    kept = iter(held)
    parts = re.split(f"([{MARK}{SIGN}])", marked)
    return "".join(next(kept) if MARKS.fullmatch(part) else _alone(part, engine) for part in parts)


def _alone(part: str, engine: Engine) -> str:
    core = part.strip()
    return part.replace(core, _plain(core, engine), 1) if LETTER.search(core) else part


def _plain(sentence: str, engine: Engine) -> str:
    """One call of the engine, corrected. Capitals are lowered: the engine takes such words for names."""
    source = sentence.translate(TYPOGRAPHIC)
    shouted = source.isupper() and len(LETTER.findall(MARKS.sub("", source))) > 3
    done = _mended(source, engine(_lowered(source) if shouted else source).strip())
    if not re.search(r"\w", done) or len(done) > 3 * len(source) + 40:
        raise Untranslated
    return done.upper() if shouted else done


def _lowered(shouted: str) -> str:
    """In lower case, except the first letter and the names of held parts, which have a digit."""
    small = re.sub(r"\b[^\W\d]+\b", lambda word: word.group().lower(), shouted)
    return small[:1].upper() + small[1:]


def _mended(source: str, done: str) -> str:
    """Without brackets and a full stop that the engine often adds; with the source's own full stop."""
    if "(" not in source:
        done = BRACKETED.sub("", done)
    ending = ENDING.search(source)
    if ending or source[-1:].isalnum():
        done = ENDING.sub("", done) + (ending.group() if ending else "")
    return done
