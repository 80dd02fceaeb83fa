"""A glossary as CSV or TSV: one line a term, one column a language.

Columns: `source` or the tag of the source language, which stands first; a tag for each target language, or
`target` where there is one; `note`; `case`, `keep` (or `do_not_translate`) and `inflected`: yes or no;
`forbidden`, with a semicolon between several, or `forbidden:de` for those of one language. Every other column
is an error.
This module does not know how terms are looked for.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO

from pipeline.core.errors import InputError, together
from pipeline.core.suggest import closest
from pipeline.translation.question import Term
from pipeline.translation.terms.entry import ANY, SOURCE, TARGET, Entry, tag_of

_FLAGS = {"case": "case", "keep": "keep", "do_not_translate": "keep", "inflected": "inflected"}
_FORBIDDEN = "forbidden"
_OTHERS = ("note", _FORBIDDEN, *_FLAGS)
_TRUTH = dict.fromkeys(("yes", "y", "true", "1", "x"), True) | dict.fromkeys(
    ("no", "n", "false", "0", ""), False
)
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,4}")
_SEPARATORS = ",;\t"
_WIDE = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def read(name: str, content: bytes) -> list[Entry]:
    """The entries of a table; `InputError` with the line for each thing that is wrong."""
    lines = _rows(name, _decoded(name, content))
    _, header = next(lines, (1, []))
    columns = _columns(name, header)
    entries, errors = [], []
    for line, cells in lines:
        try:
            if any(cells):
                entries.append(_entry(f"{name}, line {line}", columns, cells))
        except InputError as error:
            errors.append(error)
    if errors:
        raise together(errors)
    return entries


def written(terms: Iterable[Term]) -> str:
    """A table of terms that `read` reads."""
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow((SOURCE, TARGET, "note", *dict.fromkeys(_FLAGS.values()), _FORBIDDEN))
    for term in terms:
        flags = ("yes" if flag else "no" for flag in (term.case, term.keep, term.inflected))
        lines.writerow((term.source, term.target, term.note, *flags, "; ".join(term.forbidden)))
    return text.getvalue()


def _decoded(name: str, content: bytes) -> str:
    hint = "save the file as UTF-8"
    if wide := _WIDE.get(content[:2]):
        raise InputError(f"the file is {wide}, not UTF-8", where=f"{name}, line 1", hint=hint)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError("the file is not UTF-8", where=f"{name}, line {line}", hint=hint) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("a NUL byte: this is no file of text", where=f"{name}, line {line}", hint=hint)
    return text


def _rows(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table, each with its number and its cells without blanks around them."""
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    while True:
        try:
            cells = next(rows, None)
        except csv.Error:
            hint = 'double a quote inside a quoted cell (""), and close the cell with a quote'
            raise InputError(
                "a cell whose quotes do not match, or that is too long",
                where=f"{name}, line {line}",
                hint=hint,
            ) from None
        if cells is None:
            return
        yield line, [cell.strip() for cell in cells]
        line = rows.line_num + 1


def _columns(name: str, header: Sequence[str]) -> list[str]:
    """What each column is: one of the words above, or a tag in its one spelling."""
    where = f"{name}, line 1"
    if not any(header):
        raise InputError("the glossary is empty, without even a header", where=where)
    columns = [_column(where, cell) for cell in header]
    if twice := next((column for column in columns if columns.count(column) > 1), ""):
        raise InputError(f"the column '{twice}' stands twice", where=where)
    languages = [column for column in columns if _is_language(column)]
    if not languages:
        hint = "name the first column `source`, or by the tag of its language"
        raise InputError("no column holds the terms", where=where, hint=hint)
    if len(languages) == 1 and "keep" not in [_FLAGS.get(column) for column in columns]:
        hint = "name a column `target`, or by the tag of its language (en, pt-BR)"
        raise InputError("no column holds the translations", where=where, hint=hint)
    return columns


def _is_language(column: str) -> bool:
    return column not in _OTHERS and not column.startswith(f"{_FORBIDDEN}:")


def _column(where: str, cell: str) -> str:
    column = re.sub(r"[ -]+", "_", cell.lower())
    if column in (SOURCE, TARGET, *_OTHERS):
        return column
    first, colon, tag = cell.lower().partition(":")
    tag = tag_of(tag if colon and first.strip() == _FORBIDDEN else cell)
    near = closest(column, (SOURCE, TARGET, *_OTHERS))
    if not _TAG.fullmatch(tag) or (near and not colon and len(tag.partition("-")[0]) == 3):
        hint = (
            f"did you mean '{near}'?"
            if near
            else f"columns are tags of languages (en, pt-BR), {SOURCE}, {TARGET}"
        )
        if not near:
            hint += f", {', '.join(_OTHERS)}"
        raise InputError(f"no column is called '{cell[:80]}'", where=where, hint=hint)
    return f"{_FORBIDDEN}:{tag}" if colon else tag


def _entry(place: str, columns: Sequence[str], cells: Sequence[str]) -> Entry:
    if len(cells) > len(columns):
        hint = "put a cell that holds the separator into double quotes"
        what = f"{len(cells)} cells, and the header has {len(columns)}"
        raise InputError(what, where=place, hint=hint)
    row = {column: cell for column, cell in zip(columns, cells, strict=False) if cell}
    first = next(column for column in (SOURCE, *columns) if column in columns and _is_language(column))
    if first not in row:
        hint = "fill it in, or leave the whole line out"
        raise InputError(f"the source (column '{first}') is empty", where=place, hint=hint)
    return Entry(
        place,
        {column: (row[column],) for column in (first, *row) if column in row and _is_language(column)},
        {
            column.partition(":")[2] or ANY: tuple(filter(None, map(str.strip, cell.split(";"))))
            for column, cell in row.items()
            if column.startswith(_FORBIDDEN)
        },
        row.get("note", ""),
        **_flags(place, row),
    )


def _flags(place: str, row: Mapping[str, str]) -> dict[str, bool]:
    flags: dict[str, bool] = {}
    for column, flag in _FLAGS.items():
        answer = _TRUTH.get(row.get(column, "").lower())
        if answer is None:
            raise InputError(
                f"'{row[column][:80]}' in column '{column}'", where=place, hint="write yes or no"
            )
        flags[flag] = flags.get(flag, False) or answer
    return flags
