"""Tab-separated text with a header line, UTF-8: cells are text as written (also .tsv.gz, .tsv.zst).

This module does not know what the cells mean; no type is guessed.
"""

from __future__ import annotations

from functools import partial

from pipeline.tables import _delimited, _guess
from pipeline.tables._text import Delimited

SPREADSHEET = True
READS = ("separator", "encoding")
scan = partial(_delimited.scan, "\t")
place = partial(_delimited.place, "\t")
guesses = partial(_guess.delimited, "\t")
create = partial(Delimited, "\t")
