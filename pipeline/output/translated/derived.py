"""What is made of the ledger when it is in place: the report, documents side by side, translation memories.

Nothing here is needed for a later run. This module does not translate, and does not merge.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pipeline.job.spec import Job
from pipeline.output.folder import ResultFolder
from pipeline.output.translated import side_by_side
from pipeline.output.translated.compared import compared
from pipeline.output.translated.filing import Segments
from pipeline.output.translated.judged import MEANING, Judged, write_judged
from pipeline.output.translated.ledger import Ledger, Row
from pipeline.output.translated.memory_file import tmx
from pipeline.output.translated.report import of_terms, report
from pipeline.system.file_names import safe_name
from pipeline.system.files import replace_file
from pipeline.translation.glossary import Glossary
from pipeline.translation.review import consistency
from pipeline.translation.terms.table import written

REPORT, BILINGUAL = "report.md", "bilingual"
_TAG = re.compile(r"[A-Za-z0-9-]{1,35}")


def own_files(job: Job) -> list[Path]:
    """What the job has written about its documents, beside their tree and their pages."""
    ledger = job.folder / job.output.ledger
    names = (ledger, ledger.with_stem(f"{ledger.stem}.coming"), job.folder / REPORT, job.folder / MEANING)
    named = [*sorted(job.folder.glob("memory.*.tmx")), *sorted(job.folder.glob("terms.*.csv"))]
    return [path for path in (*names, *named) if path.exists()]


class _Pairs(Collection[consistency.Row]):
    """The pairs of a ledger, read a document at a time, as often as they are gone over."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __iter__(self) -> Iterator[consistency.Row]:
        for one in self._ledger:
            for row in self._ledger.rows(*one):
                if row.target is not None:
                    place = f"segment {row.place}"
                    yield consistency.Row(row.document, place, row.language, row.source, row.target)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, row: object) -> bool:
        return any(row == one for one in self)


def write_derived(job: Job, segments: Segments, glossary: Glossary, judged: Judged | None) -> None:
    """Write the report, what a judge found, and what `output.include` names.

    `DiskError` where it cannot be written.
    """
    ledger = Ledger(job.folder / job.output.ledger)
    sources = segments.sources
    usual = Counter(sources.values()).most_common(1)[0][0] if sources else ""
    terms = of_terms(consistency.usages(_Pairs(ledger), glossary, usual))
    alike = list(compared(ledger, job.root / job.output.references)) if job.output.references else []
    text = report(job.name, ledger, job.output.ledger, segments.lint, terms, judged, alike)
    _write(job.folder / REPORT, [text])
    if judged is None:
        (job.folder / MEANING).unlink(missing_ok=True)
    else:
        write_judged(job.folder / MEANING, judged, spreadsheet_safe=job.output.spreadsheet_safe)
    if "terms" in job.output.include:
        for language, learned in consistency.proposed(list(_Pairs(ledger)), usual, glossary).items():
            _write(job.folder / f"terms.{_in_a_name(language)}.csv", [written(learned)])
    if "tmx" in job.output.include:
        for language in dict.fromkeys(ledger.language(*one) for one in ledger):
            pairs = tmx(_rows(ledger, language), usual, language)
            _write(job.folder / f"memory.{_in_a_name(language)}.tmx", pairs)
    if "bilingual" in job.output.include:
        _write_pages(job, ledger, sources, usual)


def _in_a_name(language: str) -> str:
    return language if _TAG.fullmatch(language) else safe_name(language)


def _rows(ledger: Ledger, language: str) -> Iterator[Row]:
    for one in ledger:
        if ledger.language(*one) == language:
            yield from ledger.rows(*one)


def _write_pages(job: Job, ledger: Ledger, sources: dict[str, str], usual: str) -> None:
    with closing(ResultFolder(job.folder / BILINGUAL, job.folder, job.root)) as folder:
        for document, file in ledger:
            rows = ledger.rows(document, file)
            page = side_by_side.html(rows, sources.get(document, usual))
            for suffix, text in ((".html", page), (".md", side_by_side.markdown(rows))):
                folder.put(f"{file}{suffix}", document, text.encode("utf-8", "replace"))
        folder.complete()
        folder.publish()


def _write(path: Path, texts: Iterable[str]) -> None:
    replace_file(path, (text.encode("utf-8", "replace") for text in texts))
