"""How alike the translations of a set are to those of people, where there are any: chrF and BLEU.

A reference is a file of the same name as the translation, in another folder. This module counts nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pipeline.core.display import counted
from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.output.translated.ledger import Ledger
from pipeline.translation.formats import read_document
from pipeline.translation.review.metrics import scores


def compared(ledger: Ledger, folder: Path) -> Iterator[str]:
    """A line for each language with references; `JobError` where sacrebleu is not installed."""
    targets, references = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    other = dict[str, int]()
    for document, file in ledger:
        language = ledger.language(document, file)
        try:
            content = (folder / file).read_bytes()
            segments = read_document(file, content, Policy(target=language)).segments
        except (OSError, InputError):
            continue
        rows = [row for row in ledger.rows(document, file) if row.state != "gone"]
        if len(rows) != len(segments):
            other[language] = other.get(language, 0) + 1
            continue
        for row, segment in zip(rows, segments, strict=True):
            if row.target:
                targets[language].append(row.target)
                references[language].append(segment.given or segment.text)
    for language in {**dict.fromkeys(targets), **other}:
        unlike = counted(other.get(language, 0), "document")
        left = f"; left out: {unlike} with other paragraphs" if language in other else ""
        if not targets[language]:
            yield f"- {language}: no reference could be compared{left}"
            continue
        found = scores(targets[language], references[language], language)
        numbers = f"chrF {found['chrF']:.1f}, BLEU {found['BLEU']:.1f} (tokenize {found['tokenize']})"
        yield f"- {language}: {numbers}, over {len(targets[language]):,} segments{left}"
