"""A sheet of an OpenDocument workbook, as LibreOffice writes it; it is read, but not written.

This module does not know what the columns mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import polars as pl

from pipeline.core.errors import JobError
from pipeline.tables import _sheets

SPREADSHEET = True
READS = _sheets.READS
scan = _sheets.scan
place = _sheets.place
guesses = _sheets.guesses


def create(path: Path, target: Path, schema: pl.Schema) -> NoReturn:
    """Refuse to write it."""
    hint = "write .xlsx, which LibreOffice opens"
    raise JobError(".ods files are read, but not written", where="output.to", hint=hint)
