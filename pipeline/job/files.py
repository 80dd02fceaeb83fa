"""The keys of a job file about its files: `records` and `output`.

This module does not read files.
"""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from pipeline.job.fields import LEDGER, SOME_PATH, Spec, Template, Texts
from pipeline.system.remote import address, is_remote

MOST_PARTS = 8  # the most parts of the name of a row's file


def _one_character(text: str) -> str:
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if text and (len(text) != 1 or not text.isascii() or text.isalnum() or text in '"\r\n'):
        raise ValueError('must be one character, such as ";" or "\\t"')
    return text


def _known_codec(name: str) -> str:
    try:
        if name.lower().replace("-", "_") in ("idna", "punycode", "unicode_escape", "raw_unicode_escape"):
            raise ValueError(name)  # slow, or no encoding of a file
        if name:
            b"a".decode(name, "ignore")  # it looks at the name only if there is a byte
            codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise ValueError(
            "must be an encoding that Python knows: cp1252, utf-16, shift_jis, gb18030, …"
        ) from None
    return name


def _name_or_number(value: object) -> object:
    """Refuse a wrong value in one sentence, and not in one for each type that was possible."""
    if isinstance(value, str) or (type(value) is int and value >= 1):
        return value
    raise ValueError("must be the name of a sheet, or its number from 1")


def _places(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in filter(is_remote, names):
        address(name)
    return names


def _on_a_disk(name: str) -> str:
    if is_remote(str(name)):
        raise ValueError("must be a folder on a disk: only records and tables can be objects in a store")
    return name


Separator = Annotated[str, AfterValidator(_one_character)]
Encoding = Annotated[str, AfterValidator(_known_codec)]
ColumnType = Literal["string", "integer", "float", "decimal_comma", "boolean", "date", "datetime"]


class Sample(Spec):
    """A random part of the records, the same for the same seed."""

    n: StrictInt = Field(ge=1, description="how many records")
    seed: StrictInt = Field(0, description="another seed draws another sample")


class Records(Spec):
    """Where the input comes from, and what of it is used."""

    origins: Texts = Field(
        (),
        alias="from",
        description="one table: csv, tsv, json, jsonl (each also .gz or .zst), parquet, xlsx or ods; or"
        " documents: a folder, a file, a pattern such as docs/**/*.{md,mdx}, or several; relative to the job"
        " file; a table may be an object in a store: s3://bucket/products.csv, gs://… or az://…",
    )
    kind: Literal["", "table", "documents"] = Field(
        "",
        alias="as",
        description="table: each row is a record; documents: each file is one; default: a table where one"
        " file with the suffix of a table is named",
    )
    key: Texts = Field(
        (), description="the column(s) that identify a record; default: its content and an occurrence number"
    )
    private: Texts = Field(
        (), description="columns that prompts may use, but whose values never appear in events and messages"
    )
    where: str | None = Field(
        None, description="SQL condition over the columns: \"price > 0 and lang = 'en'\""
    )
    limit: StrictInt | None = Field(None, ge=0, description="only the first n records")
    sample: Sample | None = Field(None, description="only a random part of the records")
    separator: Separator = Field("", description="between the cells of csv and tsv; default: by the suffix")
    encoding: Encoding = Field("", description="of csv, tsv and jsonl: cp1252, utf-16, …; default: UTF-8")
    sheet: Annotated[StrictInt | str, BeforeValidator(_name_or_number)] = Field(
        1, description="of xlsx and ods: the sheet's name, or its number from 1; default: the first"
    )
    header: StrictInt | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="of xlsx and ods: the row that names the columns; default: the first that is not empty",
    )
    types: dict[str, ColumnType] = Field(
        {},
        description="columns that are to be read as another type: {price: float, zip: string};"
        " decimal_comma reads 1.250,00 as 1250.0",
    )
    plugin: str = Field(
        "", description="instead of `from`: a source of the job's plugins: NAME, for def source_NAME(options)"
    )
    options: dict[str, Any] = Field({}, description="what that source is given")

    @model_validator(mode="after")
    def _one_source(self) -> Records:
        if self.plugin and (self.origins or self.kind):
            raise ValueError("has both `plugin` and `from`; write one of the two")
        if self.options and not self.plugin:
            raise ValueError("has `options`, which are for a `plugin`; leave them out")
        of_files = {"separator", "encoding", "sheet", "header"} & self.model_fields_set
        if self.plugin and of_files:
            raise ValueError(f"has `{min(of_files)}`, which is for files, not for a `plugin`; leave it out")
        return self

    @property
    def path(self) -> str:
        """What `from` names, in one text."""
        return ", ".join(self.origins)


_OfRows = Literal["status", "reason", "model", "key", "attempts", "checks", "cost", "date", "prompt"]
_Beside = Literal["bilingual", "tmx", "terms"]
Included = Literal[_OfRows, _Beside]
_OF_DOCUMENTS = get_args(_Beside)


class Files(Spec):
    """A file for each row that is ok, beside the table."""

    to: Annotated[str, Field(pattern=SOME_PATH), AfterValidator(_on_a_disk)] = Field(
        description="the folder for the files"
    )
    name: Texts = Field(
        description="columns whose values form the file name; all but the last one form folders"
    )
    suffix: str = Field(".txt", description="the end of each file's name: .md, .html")
    text: Template = Field(description="a template over the row: columns, values of each, answers")

    @field_validator("name")
    @classmethod
    def _is_short(cls, name: tuple[str, ...]) -> tuple[str, ...]:
        if not 1 <= len(name) <= MOST_PARTS:
            raise ValueError(f"must be from 1 to {MOST_PARTS} columns")
        return name

    @field_validator("suffix")
    @classmethod
    def _is_plain(cls, suffix: str) -> str:
        if not re.fullmatch(r"(\.[A-Za-z0-9_-]{1,16}){0,2}", suffix):
            raise ValueError("must be a dot with letters or digits behind it, such as .md")
        return suffix


class Output(Spec):
    """Where the result goes."""

    to: Annotated[Texts, AfterValidator(_places)] = Field(
        (),
        description="one file or several: csv, tsv, json, jsonl (each also .gz or .zst), parquet or xlsx by"
        " suffix; default: results.csv in the job's folder; s3://bucket/posts.parquet, gs://… and az://… are"
        " written into the job's folder, and then to the store",
    )
    include: tuple[Included, ...] = Field(
        ("status", "model"),
        description="columns about the answers, each with an underscore before its name: status, reason,"
        " model, key, attempts (answers behind the row, judges' too), checks (what soft checks say), cost"
        " (dollars; a shared answer counts in its first row), date (of the last answer, UTC), prompt (digits"
        " for the version of all prompts); for documents also"
        " bilingual (source and translation side by side), tmx (a translation memory) and terms (proposals"
        " for a glossary)",
    )
    spreadsheet_safe: StrictBool = Field(
        False,
        description="in csv, tsv and xlsx, put an apostrophe before any text that would be read as a formula",
    )
    overwrite: Literal["keep", "never"] = Field(
        "keep",
        description="what to do with a table that the job did not write, or that was changed since: keep it"
        " beside the new one, or refuse to run",
    )
    files: Files | None = Field(None, description="a file for each row that is ok, beside the table")
    tree: Template | None = Field(
        None,
        description="where translated documents go, a template over path, name (the path without suffix),"
        ' suffix, format and the values of each: "output/docs/{{ lang }}/{{ path }}"',
    )
    ledger: Annotated[str, Field(pattern=LEDGER)] = Field(
        "segments.parquet",
        description="the table of all segments of documents, in the job's folder: .parquet or .csv",
    )
    references: Annotated[str, AfterValidator(_on_a_disk)] = Field(
        "",
        description="a folder with translations by people, named as in the tree: the report says how alike"
        " the translations are (chrF and BLEU, with the extra `metrics`)",
    )

    @field_validator("tree")
    @classmethod
    def _tree_on_a_disk(cls, tree: Any) -> Any:
        _on_a_disk(str(getattr(tree, "text", tree) or ""))
        return tree

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns about the answers; the usual ones where only files of documents are named."""
        named = tuple(name for name in self.include if name not in _OF_DOCUMENTS)
        return named if named or not self.include else ("status", "model")

    @model_validator(mode="after")
    def _one_kind(self) -> Output:
        if self.files and self.tree:
            raise ValueError("has both `files` and `tree`; documents are written by `tree` alone")
        return self
