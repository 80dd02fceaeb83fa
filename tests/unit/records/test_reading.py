"""How a file is to be read: separators, encodings, types, sheets; and what is no file of rows."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.core.errors import InputError, JobError, PipelineError
from pipeline.job.files import Records
from tests.support.tables import opened, read, written

TEXT = 'id,title\n1,größer £5\n2,"a, b"\n'
JAPANESE = "id,title\n1,お茶、ランプ\n"


def rows(folder: Path, name: str, **spec: Any) -> list[dict[str, Any]]:
    return [record.fields for record in read(opened(folder, name, **spec))]


def error(folder: Path, name: str, content: str | bytes, **spec: Any) -> str:
    written(folder, name, content)
    with pytest.raises(PipelineError) as caught:
        opened(folder, name, **spec)
    return str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *(
            (name, TEXT)
            for name in ("cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "UTF8")
        ),
        *((name, JAPANESE) for name in ("shift_jis", "gb18030", "euc_jp", "iso2022_jp", "utf-16-be")),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_a_file_in_a_named_encoding_is_read_as_its_twin_in_utf8(
    tmp_path: Path, encoding: str, text: str, suffix: str
) -> None:
    import gzip

    data = text.encode(encoding)
    written(tmp_path, f"a.{suffix}", gzip.compress(data) if suffix.endswith("gz") else data)
    written(tmp_path, "twin.csv", text)
    assert rows(tmp_path, f"a.{suffix}", encoding=encoding) == rows(tmp_path, "twin.csv")


def test_a_large_file_is_decoded_in_blocks(tmp_path: Path) -> None:
    lines = [f"{n},{'ü' * (n % 300)}お{n}" for n in range(30_000)]
    written(tmp_path, "a.csv", "\n".join(["id,t", *lines]).encode("gb18030"))
    found = rows(tmp_path, "a.csv", encoding="gb18030")
    assert [f"{row['id']},{row['t']}" for row in found] == lines


def test_what_is_not_in_the_encoding_is_an_error_with_its_line(tmp_path: Path) -> None:
    data = JAPANESE.encode("shift_jis") + b"2,\xff\xff\n"
    said = error(tmp_path, "a.csv", data, encoding="shift_jis")
    assert "a.csv, about line 3: this is not shift_jis" in said
    assert "records.encoding" in said


def test_json_lines_may_have_an_encoding(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"id": 1, "t": "é"}\n'.encode("utf-16"))
    assert rows(tmp_path, "a.jsonl", encoding="utf-16") == [{"id": 1, "t": "é"}]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (TEXT.encode("utf-16"), "records.encoding: utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "records.encoding: utf-16"),
        (TEXT.encode("cp1252"), "records.encoding (cp1252 is the Windows one)"),
    ],
)
def test_another_encoding_is_named_in_the_hint(tmp_path: Path, data: bytes, names: str) -> None:
    assert names in error(tmp_path, "a.csv", data)


@pytest.mark.parametrize("name", ["klingon", "base64", "idna", "rot13", "punycode"])
def test_what_is_no_encoding_is_refused_in_the_job_file(name: str) -> None:
    with pytest.raises(ValidationError, match="must be an encoding"):
        Records(encoding=name)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("commas", [False, True])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_another_separator_is_noticed_and_can_be_named(
    tmp_path: Path, mark: str, commas: bool, quoting: Any
) -> None:
    between = ", " if commas else " "
    table = [
        ["id", f"Preis{between}netto", "Text"],
        ["1", "1,50", f"rot{between}grün"],
        ["2", "2,00", 'a "b"'],
    ]
    text = io.StringIO()
    csv.writer(text, delimiter=mark, quoting=quoting).writerows(table)
    said = error(tmp_path, "a.csv", text.getvalue())
    shown = {"\t": '"\\t"'}.get(mark, f"'{mark}'")
    assert "a.csv, line 1: the cells of the header seem to be separated by" in said
    assert f"records.separator: {shown}" in said
    found = rows(tmp_path, "a.csv", separator=mark)
    assert [list(row.values()) for row in found] == table[1:]
    assert list(found[0]) == table[0]


def test_a_comma_that_is_said_is_taken_at_its_word(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "a;b\nx;y\n")
    assert rows(tmp_path, "a.csv", separator=",") == [{"a;b": "x;y"}]
    written(tmp_path, "a.tsv", "a,b\n1,2\n")
    assert rows(tmp_path, "a.tsv", separator=",") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("sheet", [0, True, [1], 1.5, None])
def test_a_sheet_is_a_name_or_a_number_from_1(sheet: Any) -> None:
    with pytest.raises(ValidationError, match="must be the name of a sheet, or its number from 1"):
        Records(sheet=sheet)


@pytest.mark.parametrize("separator", ["ab", '"', "\n", "ü", "x", "7"])
def test_a_separator_is_one_character(separator: str) -> None:
    with pytest.raises(ValidationError, match="one character"):
        Records(separator=separator)


def test_a_tab_may_be_written_in_every_way() -> None:
    assert {Records(separator=text).separator for text in ("\t", "\\t", "tab")} == {"\t"}


TYPED = """n,f,b,d,t,zip
 1 ,1.5,TRUE,2026-11-22,2026-11-22T18:40,007
-2,1e3,no,2026-01-01,2026-11-22 18:40:03.5,
,,,,,
"""


def test_types_are_read_and_empty_cells_stay_empty(tmp_path: Path) -> None:
    import datetime as dt

    types = dict(zip("nfbdt", ("integer", "float", "boolean", "date", "datetime"), strict=True)) | {
        "zip": "string"
    }
    written(tmp_path, "a.csv", TYPED)
    one, two, three = (list(row.values()) for row in rows(tmp_path, "a.csv", types=types))
    assert one == [1, 1.5, True, dt.date(2026, 11, 22), dt.datetime(2026, 11, 22, 18, 40), "007"]
    assert two == [-2, 1e3, False, dt.date(2026, 1, 1), dt.datetime(2026, 11, 22, 18, 40, 3, 500_000), None]
    assert three == [None] * 6
    assert len(rows(tmp_path, "a.csv", types={"f": "float"}, where="f > 2")) == 1


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        *(("integer", cell) for cell in ("1.5", "x", "9223372036854775808", "1,000")),
        *(("float", cell) for cell in ("1,5", "x", "nan", "inf", "1 2")),
        *(("decimal_comma", cell) for cell in ("1.5", "1.23,4", "1,2,3", "12.3456", "50 €", ",5", "nan")),
        *(("decimal_comma", cell) for cell in ("0.125", "00.125,5", "9" * 400)),
        *(("boolean", cell) for cell in ("maybe", "2")),
        *(("date", cell) for cell in ("22.11.2026", "2026-02-30", "2026-11-22T00:00")),
        *(("datetime", cell) for cell in ("yesterday", "2026-11-22T25:00")),
    ],
)
def test_a_wrong_value_is_an_error_with_line_and_column(tmp_path: Path, kind: str, cell: str) -> None:
    text = f'id,v\n1,\n2,"{cell}"\n'
    said = error(tmp_path, "a.csv", text, types={"v": kind})
    assert f"a.csv, line 3: the column 'v' holds '{cell[:60]}', which is no {kind}" in said
    assert f"'{cell}'" not in error(tmp_path, "a.csv", text, types={"v": kind}, private=["v"])


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        *(("39,90", 39.9), ("1.250,00", 1250.0), ("-7", -7.0), ("1 234 567,5", 1234567.5)),
        *(("1\u202f000", 1000.0), ("1'250,5", 1250.5), ("1.250", 1250.0), ("0,001", 0.001)),
    ],
)
def test_a_number_with_a_comma_is_read_as_its_type_says(tmp_path: Path, cell: str, number: float) -> None:
    written(tmp_path, "a.csv", f'id,v\n1,"{cell}"\n')
    assert [row["v"] for row in rows(tmp_path, "a.csv", types={"v": "decimal_comma"})] == [number]


def test_types_hold_for_other_formats_too(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"zip": 1234, "f": 2.0, "s": "3"}\n{"zip": null, "f": 3.0, "s": ""}\n')
    found = rows(tmp_path, "a.jsonl", types={"zip": "string", "f": "integer", "s": "integer"})
    assert found == [{"zip": "1234", "f": 2, "s": 3}, {"zip": None, "f": 3, "s": None}]
    written(tmp_path, "b.jsonl", '{"f": 2.5}\n')
    with pytest.raises(
        InputError, match=r"b\.jsonl, line 1: the column 'f' holds '2\.5', which is no integer"
    ):
        opened(tmp_path, "b.jsonl", types={"f": "integer"})
    with pytest.raises(JobError, match="there is no column 'g'"):
        opened(tmp_path, "b.jsonl", types={"g": "integer"})


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("a.csv", {"sheet": 2}),
        ("a.csv", {"header": 1}),
        ("a.jsonl", {"separator": ";"}),
        ("a.parquet", {"encoding": "cp1252"}),
        ("a.json", {"encoding": "cp1252"}),
        ("a.xlsx", {"separator": ";"}),
    ],
)
def test_what_a_format_does_not_know_is_refused(tmp_path: Path, name: str, option: dict[str, Any]) -> None:
    said = error(tmp_path, name, "x", **option)
    assert f"records.{next(iter(option))}: a .{name[2:]} file has no {next(iter(option))}" in said


def test_a_json_array_is_read(tmp_path: Path) -> None:
    written(tmp_path, "a.json", '\ufeff[{"id": 1, "t": ["a"]}, {"id": 12345678901234567890123}]')
    assert [row["id"] for row in rows(tmp_path, "a.json")] == ["1", "12345678901234567890123"]
    said = error(tmp_path, "a.json", '[{"id": 1}, {"id": null}]', key="id")
    assert "a.json, item 2" in said


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"id": 1}', "this is not a JSON array"),
        ('{"id": 1}\n{"id": 2}\n', "this is not JSON"),
        ("[1, 2]", "item 1: this is not a JSON object"),
        ("[]", "no JSON object with a field"),
        ("[" * 100_000, "this is not JSON"),
        (b"\xff", "byte 0 is not UTF-8"),
    ],
)
def test_what_is_no_array_of_objects_is_an_error(tmp_path: Path, text: str | bytes, what: str) -> None:
    assert what in error(tmp_path, "a.json", text)


@pytest.mark.parametrize("text", ['[{"id": 1},\n {"id": 2}]', '[{"id": 1}, {"id": 2}]', "[\n1]"])
def test_an_array_in_a_file_of_json_lines_is_named(tmp_path: Path, text: str) -> None:
    assert "is named .json" in error(tmp_path, "a.jsonl", text)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("https://example.org/a.csv", "only local files are read\n  download it first"),
        ("s3://bucket/a.parquet", "only local files are read"),
        ("a.pdf", "convert it first"),
        ("none", "there is no such file"),
        ("a.xls", "save it as .xlsx"),
        ("a.ndjson", "name it .jsonl"),
    ],
)
def test_what_is_no_file_of_rows_is_named(tmp_path: Path, name: str, what: str) -> None:
    written(tmp_path, "a.xls", "x")
    written(tmp_path, "a.ndjson", "{}")
    written(tmp_path, "a.pdf", "%PDF")
    with pytest.raises(PipelineError) as caught:
        opened(tmp_path, name)
    assert what in str(caught.value)
