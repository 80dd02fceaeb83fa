"""How terms were translated across a finished set: which rendering was used, how often, and where.

Three kinds of term are looked at: those of the glossary; short segments (headings, cells) that occur again
with another translation; and names and code words that were kept in one place and not in another. Other words
are not aligned: that takes a model. This module does not know files.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.core.domain import frozen
from pipeline.translation.glossary import Glossary
from pipeline.translation.question import Term
from pipeline.translation.terms.entry import SOURCE, TARGET, Entry
from pipeline.translation.terms.words import words

MOST_PLACES = 20
"""the most places that are named for one rendering"""
_SHORT = 60
_LONG = 40
_AGAIN = 3
"""from so many segments on, a name is a term"""
_AGREED = 0.8
"""the share of segments that must use a translation before it is proposed for a glossary"""
_EDGE = " \t\n.,;:!?。，；：！？、…*_#"
_CODE = re.compile(r"`([^`\n]{1,60})`")
_CAPITAL = r"[A-Z][A-Za-z0-9.+-]{0,40}(?<![.-])"
_NAME = re.compile(rf"(?<=[a-z,;]\s){_CAPITAL}(?:\s{_CAPITAL}){{0,3}}|(?<=[\u3040-\u9fff]){_CAPITAL}")
"""a name inside a sentence: at the beginning of one, every word has a capital"""


@frozen
class Row:
    """A segment of a finished set, in one language."""

    document: str
    segment: str
    language: str
    source: str
    target: str


@frozen
class Rendering:
    """One way in which a term was translated."""

    text: str
    """'' where the translation has none of the known ones"""
    count: int
    places: tuple[tuple[str, str], ...]
    """documents and segments, the first ones"""


@frozen
class Usage:
    """A term in one language."""

    kind: str
    """glossary, repeated (a short segment that occurs again), or kept (a name or a code word)"""
    term: str
    language: str
    wanted: str
    """what the glossary asks for; for a repeated segment, the translation that is used most"""
    renderings: tuple[Rendering, ...]
    """the most frequent one first"""

    @property
    def conflict(self) -> bool:
        """Whether anything else than what is wanted was used."""
        return any(rendering.text != self.wanted for rendering in self.renderings)


@dataclass
class _Seen:
    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, text: str, row: Row) -> None:
        self.counts[text] += 1
        if len(self.places[text]) < MOST_PLACES:
            self.places[text].append((row.document, row.segment))

    def usage(self, kind: str, term: str, language: str, wanted: str) -> Usage:
        found = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        renderings = tuple(Rendering(text, count, tuple(self.places[text])) for text, count in found)
        return Usage(kind, term, language, wanted, renderings)


def usages(rows: Collection[Row], glossary: Glossary, source: str) -> list[Usage]:
    """All terms of the glossary that occur, and of the others those with a conflict.

    The rows are gone over three times, and none is kept.
    """
    others = (*_repeated(rows), *_kept(rows))
    return [*_of_glossary(rows, glossary, source), *(usage for usage in others if usage.conflict)]


def _of_glossary(rows: Iterable[Row], glossary: Glossary, source: str) -> Iterator[Usage]:
    if not glossary:
        return
    seen: dict[tuple[str, Term], _Seen] = defaultdict(_Seen)
    for row in rows:
        target = _joined(row.target)
        for term in glossary.terms(row.source, source, row.language):
            used = (word for word in (term.target, *term.forbidden) if _stands(word, target))
            seen[row.language, term].add(next(used, ""), row)
    for (language, term), found in seen.items():
        yield found.usage("glossary", term.source, language, term.target)


def _joined(text: str) -> str:
    return "\n".join(("", *words(text.casefold()), ""))


def _stands(word: str, joined: str) -> bool:
    """Whether a term stands in a text as whole words, the last one with any ending of two letters less."""
    wanted = _joined(word).removesuffix("\n")
    last = len(wanted) - wanted.rfind("\n") - 1
    stem = wanted[: len(wanted) - 2] if last > 4 else wanted
    return bool(wanted.strip()) and (f"{wanted}\n" in joined or (last > 4 and stem in joined))


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(_EDGE)


def _repeated(rows: Iterable[Row]) -> Iterator[Usage]:
    seen: dict[tuple[str, str], _Seen] = defaultdict(_Seen)
    spelt: dict[tuple[str, str], str] = {}
    for row in rows:
        source, target = _plain(row.source), _plain(row.target)
        if 1 < len(source) <= _SHORT:
            text = spelt.setdefault((row.language, target.casefold()), target)
            seen[row.language, source.casefold()].add(text, row)
            spelt.setdefault(("", source.casefold()), source)
    for (language, source), found in seen.items():
        most = found.counts.most_common(1)[0][0]
        yield found.usage("repeated", spelt["", source], language, most)


def _kept(rows: Iterable[Row]) -> Iterator[Usage]:
    seen: dict[tuple[str, str], _Seen] = defaultdict(_Seen)
    for row in rows:
        names = dict.fromkeys((*_CODE.findall(row.source), *_NAME.findall(row.source)))
        for name in names:
            seen[row.language, name].add(name if name in row.target else "", row)
    for (language, name), found in seen.items():
        if found.counts.total() >= _AGAIN and found.counts[name]:
            yield found.usage("kept", name, language, name)


def proposed(rows: Sequence[Row], source: str, known: Glossary) -> dict[str, list[Term]]:
    """By language: terms for a glossary that are not in one yet.

    A short segment (a heading, a cell) is proposed with its translation, where at least two longer segments
    hold its source, and four of five of them also hold that translation.
    """
    pairs: dict[tuple[str, str], Row] = {}
    for row in rows:
        term = _plain(row.source)
        if _is_candidate(term, _plain(row.target)) and not known.terms(term, source, row.language):
            pairs.setdefault((row.language, term.casefold()), row)
    found: dict[str, list[Term]] = defaultdict(list)
    for language in dict.fromkeys(row.language for row in rows):
        entries = [
            Entry("", {SOURCE: (_plain(row.source),), TARGET: (_plain(row.target),)})
            for (tongue, _), row in pairs.items()
            if tongue == language
        ]
        longer = [row for row in rows if row.language == language and len(row.source) > _LONG]
        for usage in _of_glossary(longer, Glossary([entries]), source):
            used = sum(rendering.count for rendering in usage.renderings if rendering.text)
            if used >= 2 and used >= _AGREED * sum(rendering.count for rendering in usage.renderings):
                found[language].append(Term(usage.term, usage.wanted, inflected=True))
    return dict(found)


def _is_candidate(term: str, target: str) -> bool:
    """Whether a short segment may be a term: no `or`, no sentence, no formula of a spreadsheet."""
    if not (term and target and term[0].isalnum() and target[0].isalnum()):
        return False
    small = term.isascii() and term.islower() and len(term) < 4
    return not small and 2 <= len(term) <= _SHORT and len(words(term)) <= 8
