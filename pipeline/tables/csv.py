"""Comma-separated text with a header line, UTF-8: cells are text as written (also .csv.gz, .csv.zst).

This module does not know what the cells mean; no type is guessed.
"""

from __future__ import annotations

from functools import partial

from pipeline.tables import _delimited, _guess
from pipeline.tables._text import Delimited

SPREADSHEET = True
READS = ("separator", "encoding")
scan = partial(_delimited.scan, ",")
place = partial(_delimited.place, ",")
guesses = partial(_guess.delimited, ",")
create = partial(Delimited, ",")
