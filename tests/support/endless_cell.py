"""A packed table with a cell that does not end, and what is said of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from pipeline.core.errors import InputError
from pipeline.tables import _lines, csv, jsonl


def endless_cell_is_refused(folder: Path, name: str, quoted: bool) -> None:
    """Refused with its line, in a file of this name."""
    long = b"x" * (_lines.LONGEST + 1)
    cell = (
        b'"\n' + long[: _lines.LONGEST // 2] + b"\n" + long[: _lines.LONGEST // 2] + b'"' if quoted else long
    )
    text = (b'{"a": "' + long + b'"}\n') if "jsonl" in name else b"a\n1\n" + cell + b"\n"
    pack = zstandard.compress if name.endswith("zst") else gzip.compress
    (folder / name).write_bytes(pack(text))
    scan = jsonl.scan if "jsonl" in name else csv.scan
    with pytest.raises(InputError, match="a record of more than 64 MiB begins here") as error:
        scan(folder / name)
    assert error.value.where.endswith("line 1" if "jsonl" in name else "line 3")
