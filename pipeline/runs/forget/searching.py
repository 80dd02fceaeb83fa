"""Every file in which something of a record may be left, searched, inside of what compresses, too.

This module does not know what is looked for, nor why, and changes nothing.
"""

from __future__ import annotations

import bz2
import lzma
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, cast

import polars as pl

from pipeline.job.spec import Job
from pipeline.journal.spill import Spill
from pipeline.output import manifest
from pipeline.output.table import leftovers
from pipeline.runs.forget.erasing import table_text
from pipeline.runs.forget.traces import BLOCK, blocks
from pipeline.system.files import reading
from pipeline.tables import parquet

_HEAD = 8
_GZIP, _ZSTD, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"
_CLOSED = (b"7z\xbc\xaf\x27\x1c", b"Rar!", b"ARROW1", b"\x04\x22\x4d\x18", b"ORC")
"""beginnings of files that compress in a way that is not undone here"""


class NotSearched(Exception):
    """A file that compresses what is in it, and cannot be opened."""


def files_of(job: Job) -> Iterator[Path]:
    """Every file of the job's folder, the reserve's and the rows', and the results elsewhere."""
    folders = [job.folder, *Spill(job.folder / "journal.sqlite").folders()]
    folders += [job.root / name for name in manifest.folders(job.folder)]
    found = {file for folder in folders for file in folder.rglob("*") if file.is_file()}
    for target in job.targets:
        found |= {target} if target.is_file() else set()
        found |= set(leftovers(target))
    yield from sorted(found)


def contents(file: Path) -> Iterator[bytes]:
    """What stands in a file: its bytes, and then what they are where they are compressed or a table's.

    Raises `NotSearched`.
    """
    return chain(blocks(file), _unpacked(file))


def _unpacked(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    try:
        if head.startswith((_GZIP, _ZSTD)):
            with reading(file, "gz" if head.startswith(_GZIP) else "zst") as plain:
                yield from _read(plain)
        elif head.startswith((_BZIP2, _XZ)):
            with bz2.open(file) if head.startswith(_BZIP2) else lzma.open(file) as packed:
                yield from _read(cast("IO[bytes]", packed))
        elif head.startswith(_ZIP):
            yield from _members(file)
        elif head.startswith(b"PAR1"):
            yield from table_text(parquet.scan(file).collect())
        elif head.startswith(_CLOSED):
            raise NotSearched
    except NotSearched:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # whatever libraries make of foreign bytes
        raise NotSearched from error


def _members(file: Path) -> Iterator[bytes]:
    """The files of an archive; a workbook is one, and each of its sheets a file."""
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                yield from _read(member)


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block
