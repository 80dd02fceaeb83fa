"""What all wordings share: aligned tables, paths, and the sentence for no records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.core.display import safe_text

NO_RECORDS = "no records were chosen: check records.where, limit and sample, and whether the file is empty"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table with aligned columns."""
    cells = [list(head), *([safe_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def of_sharing(sharing: Mapping[str, int]) -> Iterator[str]:
    """A line for each step whose rows share answers."""
    for step, rows in sharing.items():
        said = f"{rows:,} rows have the same prompt as another row: they share one answer"
        yield safe_text(f"step {step}: {said}")


def of_told(told: Mapping[str, int]) -> Iterator[str]:
    """What soft checks say of the rows, check by check."""
    if told:
        counts = ", ".join(f"{name} {count:,}" for name, count in told.items())
        yield safe_text(f"checks    told only: {counts}")


def shown(path: Path) -> str:
    """A path as a person would type it."""
    return safe_text(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
