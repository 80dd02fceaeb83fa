"""A document on its way into another language: its units, the answers they had, and what is decided.

Everything here is a pure function of the document and the answers. This module does not know models, formats
or the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from pipeline.core.document import PSEUDO, Document, Finding, Outcome, Translated
from pipeline.text.notation import unwrapped
from pipeline.text.similar import Similar
from pipeline.translation import batch, verdict
from pipeline.translation.batch import Around, Item
from pipeline.translation.decide import Decision, Given, Judge, decide
from pipeline.translation.masks import brackets_for
from pipeline.translation.question import Question, Term
from pipeline.translation.shift import shifted
from pipeline.translation.units import Cut, Cutter, Unit

SIZES = (batch.MOST_SEGMENTS, batch.MOST_SEGMENTS // 2, 1)
"""the most segments of a batch, by how many answers they have had: what fails in company may pass alone"""
FULLY = 2
"""after so many answers a unit is shown with its markup hidden, too"""
_BEFORE = 3
_EXAMPLES = 5
_LONGEST_BEFORE = 300
_OF_FORM = {"empty", "placeholders", "links", "tags", "code"}
"""codes of findings that do not depend on the language"""
_BREAKING = _OF_FORM | {"masks", "structure", "cells", "icu", "plural", "shifted", "missing", "truncated"}
"""codes of findings with which a translation would break a document"""
_OPEN = Decision("open")
Terms = Callable[[str, str, str], tuple[Term, ...]]
"""text, source and target language -> the entries of the glossary that apply"""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a document."""

    source: str
    target: str
    style: str = ""
    brief: str = ""
    """what the documents are, and what stands about them in their folders"""
    model: str = ""
    most: int = 1
    """the most answers to a unit"""
    plain: bool = False
    """whether it goes to an engine that takes words alone"""
    allow: tuple[str, ...] = ()
    """codes of findings that are accepted"""
    earlier: Callable[[], Mapping[str, str]] = dict
    """gives the sources and translations of the document as it was before, for examples"""
    sentences: str = "sentencex"
    """the library that finds the ends of sentences in long texts"""
    best: bool = False
    """whether the best translation is written where none could be accepted, if its form is right"""


@dataclass
class Work:
    """A document, and how far its translation is."""

    document: Document
    wanted: Wanted
    brackets: str
    cuts: Sequence[Cut | None]
    answers: dict[bytes, list[Given]] = field(default_factory=dict)
    decided: dict[tuple[int, int], Decision] = field(default_factory=dict)
    places: dict[bytes, list[tuple[tuple[int, int], Unit]]] = field(default_factory=dict)
    """by key: the units, each with the number of its segment and its number in the segment"""

    @classmethod
    def begin(cls, document: Document, wanted: Wanted, terms: Terms) -> Work:
        """The document, cut into units, nothing of which is answered."""
        brackets = brackets_for(segment.text for segment in document.segments)
        cutter = Cutter(brackets, wanted.model, wanted.style, plain=wanted.plain, library=wanted.sentences)
        cuts = []
        for segment in document.segments:
            found = terms(segment.text, wanted.source, wanted.target) if segment.given is None else ()
            question = Question(segment, wanted.source, wanted.target, found)
            cuts.append(cutter.cut(question) if segment.given is None else None)
        work = cls(document, wanted, brackets, cuts)
        for place, cut in enumerate(cuts):
            for part, unit in enumerate(cut.units if cut else ()):
                work.places.setdefault(unit.key, []).append(((place, part), unit))
        return work

    def keys(self) -> list[bytes]:
        """The keys of all units, each once."""
        return list(self.places)

    def take(self, answers: Mapping[bytes, Sequence[Given]]) -> None:
        """Add answers to units, by their key, and decide on these units."""
        for key, given in answers.items():
            known = self.answers.setdefault(key, [])
            known.extend(given)
            for at, unit in self.places[key]:
                self.decided[at] = decide(known, self._judge(at[0], unit), self.wanted.most)

    def is_shifted(self, texts: Mapping[int, tuple[bytes, str]]) -> bool:
        """Whether the texts of one answer, by number with the key of their unit, stand under wrong names."""
        sources = {i: self.places[key][0][1].masked.text for i, (key, _) in texts.items()}
        answers = {i: text for i, (_, text) in texts.items()}
        return shifted(sources, answers)

    def _judge(self, place: int, unit: Unit) -> Judge:
        cut = self.cuts[place]
        glue = cut.glue if cut and len(cut.units) == 1 and not self.wanted.plain else None

        def judge(answer: str) -> tuple[str, list[Finding]]:
            answer = unwrapped(unit.question.segment.text, answer)
            shown = unit.masked
            if not unit.masked.fits(answer) and unit.full.fits(answer):
                shown = unit.full
            if lost := shown.findings(answer):
                return answer, lost
            target = verdict.mended(unit.question, shown.shown(answer))
            if glue is None:
                return target, self._gates(unit, target)
            whole = self.document.mended(place, glue[0] + target + glue[-1])
            target = whole[len(glue[0]) : len(whole) - len(glue[-1])]
            return target, self._gates(unit, target) + self.document.findings(place, whole)

        return judge

    def _gates(self, unit: Unit, target: str) -> list[Finding]:
        found = verdict.findings_but(unit.question, target, self.wanted.allow)
        if self.wanted.target == PSEUDO:  # accents are no language
            return [finding for finding in found if finding.code in _OF_FORM]
        return found

    def open(self, most: int) -> list[list[Unit]]:
        """The units that are to be asked for, in batches of at most so many, by the number of answers."""
        wanted: dict[bytes, tuple[int, Unit]] = {}
        for key, places in self.places.items():
            if first := next((at for at in places if self.decided[at[0]].state == "open"), None):
                wanted[key] = (self.decided[first[0]].tries, first[1])
        ordered = sorted(wanted.values(), key=lambda one: one[0])
        groups: list[list[Unit]] = []
        for tries, units in groupby(ordered, key=lambda one: one[0]):
            groups += _batches([unit for _, unit in units], min(most, SIZES[min(tries, len(SIZES) - 1)]))
        return groups

    def items(self, units: Sequence[Unit]) -> list[Item]:
        """The units as a model sees them, with what was wrong before."""
        found = []
        for unit in units:
            decisions = (self.decided[at] for at, _ in self.places[unit.key])
            decision = max(decisions, key=lambda one: one.state == "open")
            shown = unit.full if decision.tries >= FULLY else unit.masked
            refused = decision.refused if decision.tries else ""
            found.append(Item(shown.text, refused, decision.why, unit.question.segment.note))
        return found

    def around(self, units: Sequence[Unit]) -> Around:
        """What the model is told beside the units: where they stand, terms, what stands before them."""
        (place, _), _ = self.places[units[0].key][0]
        terms = tuple(dict.fromkeys(term for unit in units for term in unit.question.terms))
        heading = units[0].question.segment.path
        return Around(self.document.title, heading, terms, self._before(place), self._examples(units))

    @cached_property
    def _earlier(self) -> tuple[Mapping[str, str], Similar]:
        found = self.wanted.earlier()
        return found, Similar(found)

    def _examples(self, units: Sequence[Unit]) -> tuple[tuple[str, str], ...]:
        """What these texts were before they were edited, with the translations of then."""
        earlier, similar = self._earlier
        if not earlier:
            return ()
        texts = (unit.question.segment.text for unit in units)
        found = (similar.to(text) for text in texts if text not in earlier)  # the others are not new
        known = dict.fromkeys(text for text in found if text is not None)
        return tuple((text, earlier[text]) for text in known)[:_EXAMPLES]

    def _before(self, place: int) -> tuple[tuple[str, str], ...]:
        found = []
        for before in range(max(0, place - _BEFORE), place):
            source, target = self.document.segments[before].text, self.outcome(before).target
            if len(source) <= _LONGEST_BEFORE:
                found.append((source, target or ""))
        return tuple(found)

    def outcome(self, place: int) -> Outcome:
        """What became of a segment."""
        cut, segment = self.cuts[place], self.document.segments[place]
        if cut is None:
            return Outcome(None, "same" if segment.given is None else "given")
        parts = [self.decided.get((place, part), _OPEN) for part in range(len(cut.units))]
        findings = tuple(dict.fromkeys(finding for part in parts for finding in part.findings))
        tries = max(part.tries for part in parts)
        by = ", ".join(dict.fromkeys(part.by for part in parts if part.by))
        target = cut.joined([part.target for part in parts])
        bad = any(part.state in ("open", "needs_review") for part in parts)
        if len(parts) > 1 and not bad:
            target = self.document.mended(place, target)
            wrong = tuple(self.document.findings(place, target))
            findings, bad = findings + wrong, any(finding.hard for finding in wrong)
        if bad:
            keys = tuple(unit.key for unit in cut.units)
            sound = not any(finding.hard and finding.code in _BREAKING for finding in findings)
            written = target if self.wanted.best and target and sound else None
            return Outcome(written, "needs_review", findings, tries, by, *self._used(cut), keys, target)
        return Outcome(target, "marked" if findings else "ok", findings, tries, by, *self._used(cut))

    def _used(self, cut: Cut) -> tuple[int, int | None]:
        """Tokens and cost of all answers of a segment."""
        given = [one for unit in cut.units for one in self.answers.get(unit.key, ())]
        costs = [one.cost for one in given]
        cost = None if None in costs else sum(cost for cost in costs if cost is not None)
        return sum(one.tokens for one in given), cost

    def result(self) -> Translated:
        """The document with what became of each of its segments."""
        outcomes = tuple(map(self.outcome, range(len(self.document.segments))))
        return Translated(self.document, self.wanted.source, self.wanted.target, outcomes)


def _batches(units: Sequence[Unit], most: int) -> list[list[Unit]]:
    """Units in batches of at most so many, and of at most so many bytes."""
    groups: list[list[Unit]] = []
    size = 0
    for unit in units:
        length = len(unit.masked.text.encode())
        if not groups or len(groups[-1]) == most or size + length > batch.MOST_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(unit)
        size += length
    return groups
