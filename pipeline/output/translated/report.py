"""The report of a job that translates documents: what there is, and what a person has to look at.

It is made of the ledger and of what the sources themselves have wrong, and holds no times: the same result
has the same report. This module does not write files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from pipeline.core.display import counted
from pipeline.core.document import TO_REVIEW
from pipeline.output.translated.judged import Judged, section
from pipeline.output.translated.ledger import Ledger, Row
from pipeline.translation.review.consistency import Usage

MOST = 200  # places that are listed in one part
_LONGEST, _PLACES = 160, 3
_FORM_ALONE = (
    "The checks behind these numbers prove form: nothing is lost, cut off, untranslated or broken, and the "
    "terms are those of the glossary. They prove nothing about meaning: a translation with a wrong word or a "
    "lost negation passes them. Read a sample, or let another model judge one."
)
_SAID = {
    "ok": "translated",
    "marked": "translated, accepted in spite of a doubt",
    "same": "nothing to translate",
    "given": "translated in the source file already",
    "edited": "changed by a person, and kept",
    "needs_review": "**to review**: no translation was accepted",
    "conflict": "**to review**: changed by a person, and its source has changed since",
    "gone": "changed by a person, and its source is gone",
}

_WHY = {
    "cells": "a table has another number of cells",
    "characters": "a sign that the file cannot hold was added",
    "code": "code in the text was changed",
    "echo": "the answer is the source text again",
    "empty": "the answer is empty",
    "expressions": "an expression in braces was changed",
    "icu": "the message cannot be read any more",
    "language": "the answer is in another language",
    "leakage": "the answer repeats parts of the request",
    "length": "the answer is far too short or too long",
    "lines": "lines were joined or split",
    "links": "an address was lost, changed or added",
    "masks": "a protected part, such as ⟦1⟧, was lost or changed",
    "missing": "the answer held no translation for it",
    "new_links": "a link was added",
    "notation": "the answer is written as code (JSON, escapes)",
    "placeholders": "a placeholder was lost, changed or added",
    "plural": "a plural form is missing or wrong",
    "preamble": "the answer speaks about the translation",
    "refusal": "the model refused",
    "repetition": "words stand again and again",
    "structure": "bold, links, lists or breaks are not as in the source",
    "tags": "a tag was lost, moved or added",
    "terms": "a term is not translated as the glossary says",
    "truncation": "the answer ends too early",
}
"""what the codes of findings in the ledger mean, where a translation was refused"""


def of_terms(usages: Sequence[Usage]) -> list[str]:
    """Terms that were not translated as they should be, or not everywhere alike, each in a line."""
    return [_term(usage) for usage in usages if usage.conflict]


def _term(usage: Usage) -> str:
    wanted = f", {_plain(usage.wanted)} by the glossary" if usage.kind == "glossary" else ""
    found = [
        f"{_plain(one.text) or 'otherwise'}, {one.count:,}×"
        + (f" ({', '.join(_plain(' '.join(place)) for place in one.places[:_PLACES])})" if one.places else "")
        for one in usage.renderings
    ]
    return f"- **{_plain(usage.term)}** ({_plain(usage.language)}{wanted}): {'; '.join(found)}"


def report(
    name: str,
    ledger: Ledger,
    file: str,
    lint: Mapping[str, Sequence[str]],
    terms: Sequence[str] = (),
    judged: Judged | None = None,
    alike: Sequence[str] = (),
) -> str:
    """The report; `file` is the ledger's name, `terms` and `alike` lines about terms and about references."""
    parts = [f"# {name}: translated documents", *(section(judged) if judged else [_FORM_ALONE])]
    states: dict[str, Counter[str]] = {}
    for language, state, segments, _ in ledger.counts():
        states.setdefault(language, Counter())[state] = segments
    documents = Counter(ledger.language(*one) for one in ledger)
    for language, found in states.items():
        parts += _of_language(language, documents[language], found, ledger, file)
    if terms:
        parts += ["## Terms with several renderings", "\n".join(_first(terms))]
    if alike:
        parts += ["## Compared with translations of people", "\n".join(alike)]
    if lint:
        lines = [f"- {_plain(doc)}: {_plain(said)}" for doc, all_ in sorted(lint.items()) for said in all_]
        parts += ["## What looks wrong in the sources", "\n".join(_first(lines))]
    return "\n\n".join(parts) + "\n"


def _of_language(
    language: str, documents: int, states: Counter[str], ledger: Ledger, file: str
) -> Iterator[str]:
    yield f"## {_plain(language)}"
    yield f"{counted(documents, 'document')}, {counted(states.total() - states['gone'], 'segment')}:"
    rows = [f"| {_SAID.get(state, state)} | {states[state]:,} |" for state in sorted(states)]
    yield "\n".join(["| | segments |", "| --- | ---: |", *rows])
    for title, kept in (
        ("To review", TO_REVIEW),
        ("Texts of people whose source is gone", ("gone",)),
    ):
        total = sum(states[state] for state in kept)
        if total:
            condition = (pl.col("language") == language) & pl.col("state").is_in(list(kept))
            found = [_place(row) for row in ledger.select(condition, MOST)]
            more = f"- … and {total - len(found):,} more in {file}"
            yield f"### {title} ({total:,})"
            yield "\n".join([*found, *([more] if total > len(found) else [])])


def _place(row: Row) -> str:
    where = f"{row.document}, segment {row.place}" if row.place else row.document
    lines = [f"- {_plain(where)}{f' ({_plain(row.path)})' if row.path else ''}: {_plain(row.source)}"]
    if row.state == "needs_review":
        lines.append(f"  - why: {_why(row.findings)}")
    if row.state in ("conflict", "gone"):
        lines.append(f"  - kept: {_plain(row.written.text)}")
    if row.candidate:
        what = "would be written" if row.state == "conflict" else "refused"
        lines.append(f"  - {what}: {_plain(row.candidate)}")
    return "\n".join(lines)


def _why(codes: str) -> str:
    """What was wrong, in words; the code stands in the ledger, too."""
    said = [f"{_plain(code)} ({_WHY[code]})" if code in _WHY else _plain(code) for code in codes.split()]
    return ", ".join(said) or "no answer could be used"


def _plain(text: str) -> str:
    """A text in one line, which Markdown shows as it is."""
    short = " ".join(text.split())
    short = short if len(short) <= _LONGEST else f"{short[: _LONGEST - 1]}…"
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|&~" else c for c in short)


def _first(lines: Sequence[str]) -> list[str]:
    return [*lines[:MOST], *([f"- … and {len(lines) - MOST:,} more"] if len(lines) > MOST else [])]
