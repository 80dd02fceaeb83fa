"""Lets another model read translations for errors of meaning, after they have been published.

The pairs are read from the ledger. A sample of them is drawn over all documents and languages, and walked as
records of their own, with the same calls as all others: so a replay sends nothing, the budget holds, and a
kill loses nothing. This module does not know how a judge is asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from hashlib import sha256
from itertools import count
from typing import Any

from pipeline.answers.judging import Judgements, Judging
from pipeline.core.domain import LookUp, Record
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.job.spec import Step
from pipeline.output.translated.derived import write_derived
from pipeline.output.translated.filing import Segments
from pipeline.output.translated.judged import Judged, OfLanguage
from pipeline.output.translated.ledger import Ledger, Row
from pipeline.runs.session import Session
from pipeline.translation.review.meaning import MOST_PAIRS, Pair, sample

AT_ONCE = 20 * MOST_PAIRS
"""pairs of a record: all of them are in memory at once"""
STEP = ".meaning"
"""what a judge's requests have behind the name of the step: no step's own name has a dot"""
_READ = ("ok", "marked")
"""states of segments that are judged: what the job translated, and nobody changed"""


class Review:
    """The walk of a judge over the translations of a job."""

    def __init__(self, session: Session, step: Step, judge: str, most: int | str) -> None:
        self._session, self._most = session, most
        job = session.job
        spec = Step(name=step.name, model=judge).model_copy(update={"name": f"{step.name}{STEP}"})
        models = tuple(job.chain(judge).values())
        self.stage = Stage(spec, models[0], Judging(spec.name, models), None, frozenset())

    @classmethod
    def of(cls, session: Session) -> Review | None:
        """The review that a job wants; None where it wants none."""
        wanted: Mapping[str, Any] | None = session.translation.get("meaning")
        if wanted is None or session.tree is None:
            return None
        step = session.stages[session.tree.step].spec
        return cls(session, step, wanted["model"], wanted["sample"])

    @property
    def ledger(self) -> Ledger:
        """The pairs as they were published last."""
        return Ledger(self._session.job.folder / self._session.job.output.ledger)

    def later(self, segments: int, languages: int) -> int:
        """The most requests for the first answers, when there will be so many segments."""
        most = segments if self._most == "all" else min(segments, int(self._most))
        return -(-most // MOST_PAIRS) + languages

    def _rows(self, ledger: Ledger) -> Iterator[tuple[str, Row]]:
        """The pairs, equal ones once."""
        seen: set[str] = set()
        for one in ledger:
            for row in ledger.rows(*one):
                if row.state in _READ and row.target is not None:
                    said = "\0".join((row.language, row.source, row.target))
                    key = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]
                    if key not in seen:
                        seen.add(key)
                        yield key, row

    def _drawn(self, ledger: Ledger) -> tuple[Set[str], Counter[str]]:
        """The keys of the sample, and how many pairs each language has."""
        totals: Counter[str] = Counter()
        keys = []
        for key, row in self._rows(ledger):
            keys.append(key)
            totals[row.language] += 1
        return set(keys if self._most == "all" else sample(keys, int(self._most))), totals

    def _records(self, ledger: Ledger, drawn: Set[str], sources: Mapping[str, str]) -> Iterator[Record]:
        """The drawn pairs, in records of one source and one target language."""
        glossary = self._session.glossary
        usual = Counter(sources.values()).most_common(1)[0][0] if sources else ""
        waiting: dict[tuple[str, str], list[tuple[Pair, Row]]] = defaultdict(list)
        numbers = count(1)
        for key, row in self._rows(ledger):
            if key not in drawn:
                continue
            source = sources.get(row.document, usual)
            found = glossary.terms(row.source, source, row.language)
            terms = tuple((term.source, term.source if term.keep else term.target) for term in found)
            group = waiting[source, row.language]
            group.append((Pair(key, row.source, row.target or "", terms), row))
            if len(group) == AT_ONCE:
                yield _record(next(numbers), source, row.language, waiting.pop((source, row.language)))
        for (source, target), group in waiting.items():
            yield _record(next(numbers), source, target, group)

    def batches(self, sources: Mapping[str, str]) -> Iterator[list[Record]]:
        """The records of the walk; `sources` are the languages of the documents."""
        ledger = self.ledger
        drawn, _ = self._drawn(ledger)
        return ([record] for record in self._records(ledger, drawn, sources))

    def judged(self, sources: Mapping[str, str], look_up: LookUp) -> Judged:
        """What the look-up knows of the judge's answers."""
        ledger = self.ledger
        drawn, totals = self._drawn(ledger)
        result = Judged({language: OfLanguage(total) for language, total in sorted(totals.items())})
        walks = InOrder([self.stage], look_up)
        for record in self._records(ledger, drawn, sources):
            for leaf in walks.leaves([record])[0]:
                self._add(result, record, leaf)
        return result

    def _add(self, result: Judged, record: Record, leaf: Branch) -> None:
        of = result.languages[record.fields["target"]]
        of.drawn += len(record.fields["pairs"])
        said: Judgements | None = leaf.values.get(self.stage.spec.name)
        if said is None:
            return
        of.judged += said.judged
        result.open += said.open
        of.errors += [(error, *record.fields["places"][error.key]) for error in said.errors]


def _record(number: int, source: str, target: str, group: list[tuple[Pair, Row]]) -> Record:
    fields = {
        "pairs": tuple(pair for pair, _ in group),
        "places": {pair.key: (row.document, row.place) for pair, row in group},
        "source": source,
        "target": target,
    }
    return Record(f"meaning {target} {number}", fields, number)


def describe(session: Session, segments: Segments, look_up: LookUp) -> Judged | None:
    """Write what is made of the ledger, with what the look-up knows of a judge's answers, which it gives."""
    review = Review.of(session)
    judged = review.judged(segments.sources, look_up) if review else None
    write_derived(session.job, segments, session.glossary, judged)
    return judged
