"""What csv and tsv share: a strict reading of the text, and a polars scan of what passed it.

The text must be what RFC 4180 describes, in UTF-8 or the encoding that is named: then polars and any other
reader agree on every cell.
A first pass over the file, which keeps nothing of it, raises with the line number before a record is used.
This module does not know records, keys or the job.

Rules where writers of such files differ:
- a cell is null where it is empty, and '' where it is an empty pair of quotes;
- in a file where no cell begins with a quote, quotes are ordinary text (5" is an inch mark);
- empty lines at the end are ignored, elsewhere they are errors; in a file of one column they are nulls;
- a carriage return ends a line only together with a line feed; a lone one is allowed inside quotes.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from pipeline.core.contracts import AS_IT_IS, Reading
from pipeline.core.errors import InputError
from pipeline.system.files import BLOCK, adapter_name, readable_file, reading
from pipeline.tables._guess import refuse_others, wide
from pipeline.tables._lines import LONGEST, lines, too_long, utf8

# polars reads CSV in chunks of at least 4 MiB and many ahead; a sixteenth of it is as fast here, and its
# memory does not grow with the file. It looks at these variables whenever a scan starts.
os.environ.setdefault("POLARS_CSV_CHUNK_SIZE", str(BLOCK))
os.environ.setdefault("POLARS_CSV_CHUNK_PREFETCH_LIMIT", "2")


@dataclass(frozen=True)
class Layout:
    """What a file's header and quoting tell. `data` is the line number of the first record."""

    separator: bytes
    encoding: str
    quoted: bool
    header: tuple[str, ...]
    data: int

    @property
    def width(self) -> int:
        return len(self.header)


def scan(separator: str, path: Path, how: Reading = AS_IT_IS) -> pl.LazyFrame:
    """The file's cells as text, all columns String; raises `InputError` with the line for what is wrong."""
    readable_file(path)
    refuse_others(path, "a text of cells")
    if not how.encoding:
        with reading(path) as stream:
            _refuse_wide(path, stream.read(64))
    layout = _layout(path, separator, how)
    count = sum(1 for _ in _records(path, layout))
    if adapter_name(path)[1] or how.encoding:
        frame = _unpacked(path, layout, count)
    else:
        frame = pl.scan_csv(path, infer_schema=False, n_rows=count, glob=False, **_dialect(layout))
    names = frame.collect_schema().names()
    return frame.rename(dict(zip(names, layout.header, strict=True)))


def _unpacked(path: Path, layout: Layout, count: int) -> pl.LazyFrame:
    """The records of a compressed file, a block of text at a time: polars would decompress far ahead."""
    names = [f"column_{number}" for number in range(layout.width)]
    header = layout.separator.join(name.encode() for name in names) + b"\n"

    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        texts = _texts(path, layout.quoted, layout.encoding)
        records = (text for _, text in islice(texts, 1, 1 + count))
        for block in _blocks(islice(records, limit)):
            frame = pl.read_csv(header + block, infer_schema=False, **_dialect(layout))
            frame = frame if columns is None else frame.select(columns)
            yield frame if predicate is None else frame.filter(predicate)

    return register_io_source(frames, schema=dict.fromkeys(names, pl.String))


def _dialect(layout: Layout) -> dict[str, Any]:
    return {"separator": layout.separator.decode(), "quote_char": '"' if layout.quoted else None}


def _blocks(texts: Iterable[bytes]) -> Iterator[bytes]:
    block: list[bytes] = []
    size = 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= BLOCK:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)


def place(separator: str, path: Path, row: int, how: Reading = AS_IT_IS) -> str:
    """Where the record number `row` (1-based) begins: "line 12"."""
    for line, _ in islice(_records(path, _layout(path, separator, how)), row - 1, row):
        return f"line {line}"
    return f"row {row}"


def _refuse_wide(path: Path, head: bytes) -> None:
    if name := wide(head):
        hint = f"say so with records.encoding: {name}, or save it as UTF-8"
        raise InputError(f"the file is {name.upper()}, not UTF-8", where=f"{path}, line 1", hint=hint)


def _has_quoted_cell(path: Path, separator: bytes, encoding: str) -> bool:
    begins = re.compile(rb"[\r\n" + re.escape(separator) + rb']"')
    last = b"\n"
    with utf8(path, encoding) as stream:
        while block := stream.read(BLOCK):
            text = last + (block.removeprefix(codecs.BOM_UTF8) if last == b"\n" else block)
            if b'"' in block and begins.search(text):
                return True
            last = block[-1:]
    return False


def _layout(path: Path, usual: str, how: Reading) -> Layout:
    separator = (how.separator or usual).encode()
    quoted = _has_quoted_cell(path, separator, how.encoding)
    for first, text in _texts(path, quoted, how.encoding):
        line = text.removeprefix(codecs.BOM_UTF8)
        if not how.separator:
            _refuse_other_separator(path, line, separator)
        names = _cells(path, first, line, separator, quoted)
        _check_header(path, names)
        return Layout(separator, how.encoding, quoted, tuple(names), first + text.count(b"\n"))
    raise InputError("the file is empty, without even a header", where=str(path))


def _refuse_other_separator(path: Path, header: bytes, separator: bytes) -> None:
    """Refuse a file whose header has more of another separator than of its own."""
    bare = re.sub(rb'"[^"]*"', b"", header)
    other = max((mark for mark in _SEPARATORS if mark != separator), key=bare.count)
    if bare.count(other) > bare.count(separator):
        name, own = (_SEPARATORS.get(mark, repr(mark.decode())) for mark in (other, separator))
        written = {b"\t": '"\\t"', b",": '","'}
        either = f"records.separator: {written.get(other, repr(other.decode()))}"
        hint = f"say so with {either}; if not, with records.separator: {written[separator]}"
        what = f"the cells of the header seem to be separated by {name}, not by {own}"
        raise InputError(what, where=f"{path}, line 1", hint=hint)


_SEPARATORS = {b";": "semicolons", b"\t": "tabs", b"|": "bars (|)", b",": "commas"}


def _cells(path: Path, first: int, line: bytes, separator: bytes, quoted: bool) -> list[str]:
    """The cells of one record; an `InputError` where it is not well formed."""
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    pattern = _cell(separator, quoted)
    cells, at = [], 0
    while found := pattern.match(line, at):
        cells.append(_unquote(found.group(), quoted))
        at = found.end() + 1
        if found.end() == len(line):
            return cells
        if line[found.end() : at] != separator:
            break
    raise _malformed(path, first, line, quoted)


def _unquote(cell: bytes, quoted: bool) -> str:
    if quoted and cell.startswith(b'"'):
        cell = cell[1:-1].replace(b'""', b'"')
    return cell.decode()


def _check_header(path: Path, names: list[str]) -> None:
    where = f"{path}, line 1"
    seen = set[str]()
    for number, name in enumerate(names, 1):
        if not name.strip():
            nameless = f"column {number} of the header has no name"
            what = "the first line is empty" if len(names) == 1 else nameless
            raise InputError(what, where=where, hint="the first line names the columns")
        if name in seen:
            raise InputError(f"the header names '{name}' twice", where=where, hint="rename one of the two")
        seen.add(name)


def _records(path: Path, layout: Layout) -> Iterator[tuple[int, bytes]]:
    """The line each record begins on, and its text; `InputError` for the first that is not well formed."""
    whole = _record(layout.separator, layout.width, layout.quoted)
    separator, between = layout.separator, layout.width - 1
    blank = 0
    for line, text in _texts(path, layout.quoted, layout.encoding):
        if line < layout.data:
            continue
        if between and text in (b"\n", b"\r\n"):
            blank = blank or line
            continue
        if blank:
            hint = "remove it, or write the cells' separators"
            raise InputError("this line is empty", where=f"{path}, line {blank}", hint=hint)
        simple = b'"' not in text and text.count(b"\r") == text.endswith(b"\r\n")
        if not (text.count(separator) == between if simple else whole.fullmatch(text)):
            raise _ill_record(path, line, text, layout)
        yield line, text


def _texts(path: Path, quoted: bool, encoding: str) -> Iterator[tuple[int, bytes]]:
    """Line number and bytes of each record, header included: lines, joined while a quote is open."""
    pending: list[bytes] = []
    opened = offset = size = 0
    for line, text in enumerate(lines(path, encoding), 1):
        _check_utf8(path, line, offset, text)
        offset += len(text)
        odd = quoted and text.count(b'"') % 2 == 1
        if pending:
            pending.append(text)
            size += len(text)
            if size > LONGEST:
                raise too_long(path, opened)
            if odd:
                yield opened, b"".join(pending)
                pending = []
        elif odd:
            pending, opened, size = [text], line, len(text)
        else:
            yield line, text
    if pending:
        what = "a quote that is opened here is never closed"
        hint = 'a quote inside a quoted cell is written twice: "5"" pipe"'
        raise InputError(what, where=f"{path}, line {opened}", hint=hint)


def _check_utf8(path: Path, line: int, offset: int, text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        byte = text[error.start]
        what = f"byte {offset + error.start} (0x{byte:02x}) is not UTF-8"
        hint = "name its encoding with records.encoding (cp1252 is the Windows one), or save it as UTF-8"
        raise InputError(what, where=f"{path}, line {line}", hint=hint) from None


def _cell(separator: bytes, quoted: bool) -> re.Pattern[bytes]:
    """One cell. The repeats are possessive, so a cell of any size is matched in linear time."""
    plain = rb"[^\r\n" + re.escape(separator) + (rb'"' if quoted else b"") + rb"]*+"
    return re.compile(rb'"[^"]*+(?:""[^"]*+)*+"|' + plain if quoted else plain)


def _record(separator: bytes, width: int, quoted: bool) -> re.Pattern[bytes]:
    cell = rb"(?:" + _cell(separator, quoted).pattern + rb")"
    rest = rb"(?:" + re.escape(separator) + cell + rb"){%d}" % (width - 1)
    return re.compile(cell + rest + rb"(?:\r?\n)?")


def _ill_record(path: Path, line: int, text: bytes, layout: Layout) -> InputError:
    try:
        found = len(_cells(path, line, text, layout.separator, layout.quoted))
    except InputError as error:
        return error
    what = f"{found} cell{'s' * (found != 1)}, but the header has {layout.width}"
    hint = 'a cell with a separator or a line break in it is written in quotes: "a, b"'
    return InputError(what, where=f"{path}, line {line}", hint=hint)


def _malformed(path: Path, line: int, text: bytes, quoted: bool) -> InputError:
    where = f"{path}, line {line}"
    if re.search(rb"\r", re.sub(rb'"[^"]*"', b"", text) if quoted else text):
        hint = "end lines with LF or CR LF, as every editor can"
        return InputError("a carriage return (CR) stands without a line feed (LF)", where=where, hint=hint)
    hint = 'a cell with a quote in it is written in quotes, and the quote twice: "5"" pipe"'
    return InputError("a quote is not allowed here", where=where, hint=hint)
