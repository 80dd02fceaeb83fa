"""What another model found wrong with the meaning of translations: a table, and lines for the report.

This module does not know how a model is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipeline.output.table import Table
from pipeline.translation.review.meaning import CATEGORIES, NOTE, SEVERITIES, Error, Estimate, estimate

MEANING = "meaning.csv"
_COLUMNS = ("document", "language", "place", "category", "severity", "evidence", "note")


@dataclass
class OfLanguage:
    """What was judged of one language."""

    total: int = 0
    """different segments, of which some were drawn"""
    drawn: int = 0
    judged: int = 0
    errors: list[tuple[Error, str, int]] = field(default_factory=list)
    """each with the document and the place of the segment there"""

    @property
    def estimate(self) -> Estimate:
        """How many of all segments have a serious error."""
        return estimate([error for error, _, _ in self.errors], self.judged, self.total)


@dataclass
class Judged:
    """What was judged of all documents."""

    languages: dict[str, OfLanguage] = field(default_factory=dict)
    open: int = 0
    """parts of the sample that have not been asked about yet"""

    def said(self) -> Iterator[str]:
        """A sentence for each language."""
        for name, found in self.languages.items():
            left = found.drawn - found.judged
            more = f"; {left:,} drawn segments were not judged" if left else ""
            yield f"{name}: {found.estimate if found.judged else 'nothing is judged'}{more}"


def write_judged(path: Path, judged: Judged, *, spreadsheet_safe: bool) -> None:
    """Write the table of errors."""
    text = dict.fromkeys(_COLUMNS, pl.String())
    schema = pl.Schema({**text, "place": pl.Int64()})
    with Table([path], schema, own=path.parent, spreadsheet_safe=spreadsheet_safe) as table:
        table.write(
            [
                (document, language, place, error.category, error.severity, error.quote, error.why)
                for language, found in judged.languages.items()
                for error, document, place in found.errors
            ]
        )
        table.publish()


def section(judged: Judged) -> list[str]:
    """The part of the report that speaks of meaning."""
    parts = ["## Meaning, as another model judges it", NOTE, "\n".join(f"- {line}" for line in judged.said())]
    for language, found in judged.languages.items():
        if found.errors:
            parts.append(_table(language, [error for error, _, _ in found.errors]))
    if any(found.errors for found in judged.languages.values()):
        parts.append(f"Each error stands in {MEANING}, with the words that are wrong.")
    return parts


def _table(language: str, errors: Sequence[Error]) -> str:
    counts = Counter((error.category, error.severity) for error in errors)
    rows = [f"| {language} | {' | '.join(SEVERITIES)} |", f"| --- |{' ---: |' * len(SEVERITIES)}"]
    for category in CATEGORIES:
        found = [counts[category, severity] for severity in SEVERITIES]
        if any(found):
            rows.append(f"| {category} | {' | '.join(f'{count:,}' for count in found)} |")
    return "\n".join(rows)
