"""Tables of JSON lines, both ways."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.tables import jsonl
from tests.support.tables import NESTED, NESTED_ROWS, opened, publish, read, refused, written


def test_jsonl_keeps_nesting_and_types(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"id":1,"o":{"x":[1,2],"y":"é"},"b":true}\n\n{"id":2,"o":{"x":[]}}')
    assert jsonl.scan(path).collect().to_dicts() == [
        {"id": 1, "o": {"x": [1, 2], "y": "é"}, "b": True},
        {"id": 2, "o": {"x": [], "y": None}, "b": None},
    ]


def test_jsonl_types_come_from_all_lines(tmp_path: Path) -> None:
    lines = [{"n": n, "m": n} for n in range(500)] + [{"n": 1.5, "m": "x", "late": {"a": 1}}]
    path = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    last = jsonl.scan(path).collect().to_dicts()[-1]
    assert last == {"n": 1.5, "m": "x", "late": {"a": 1}}
    assert jsonl.scan(path).collect()["m"].to_list()[:2] == ["0", "1"]


def test_jsonl_loses_no_digit_of_a_long_number(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"n":18446744073709551617,"m":9007199254740993}\n{"n":1,"m":0.5}\n')
    rows = jsonl.scan(path).collect().to_dicts()
    assert rows == [{"n": "18446744073709551617", "m": "9007199254740993"}, {"n": "1", "m": "0.5"}]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ('{"a":1}\n{"a":\n{"a":2}\n', 2, "this line is not JSON"),
        ('{"a":1}\n\n{"a":1', 3, "the last line is cut off"),
        ('{"a":1}\n[1]\n', 2, "not a JSON object"),
        (b'{"a":"caf\xe9"}\n', 1, "not UTF-8"),
        ('{"a":' + "[" * 5000 + "]" * 5000 + "}\n", 1, "not JSON"),
        ('{"a":"\\ud83d"}\n', 1, "not JSON"),
        ('{"a":NaN}\n', 1, "not JSON: a value is missing here, or a text without double quotes"),
        ('{"a":1}\n{"a":1} {"a":2}\n', 2, "more text follows where it should end (character 9)"),
        ('{"a":1,"a":2}\n', 1, "the key 'a' stands twice in one object"),
        ('{"a":1}\n{"a":1,"b":2,"a" : 2}', 2, "the key 'a' stands twice in one object"),
        ('{"a":1}\n{"b":[{"x":{"y":"1","y":"1"}}]}\n', 2, "the key 'y' stands twice in one object"),
        ('{"a":12345678901234567890123,"a":1}\n', 1, "the key 'a' stands twice in one object"),
        ('{"a":1,"\\u0061":2}\n', 1, "the key 'a' stands twice in one object"),
        ('{"a":"\\u0022:","b":1,"b":2}\n', 1, "the key 'b' stands twice in one object"),
        ("{'a':1}\n", 1, "a key without double quotes"),
        ('{"a":1}\n{"a":-Infinity}\n', 2, "write null"),
        ('{\n "a": 1\n}\n', 1, "it ends too early\n  each line is one"),
        ("a,b\n1,2\n", 1, "a table of cells .csv"),
        ("<!DOCTYPE html><p>404</p>", 0, "this is a web page, not JSON"),
        (b"PK\x03\x04\x14\x00", 0, "this is a workbook or another zip file, not JSON"),
        ('{"a":1}\n'.encode("utf-32"), 1, "records.encoding: utf-32"),
        ('{"a":1}\n'.encode("utf-16"), 1, "records.encoding: utf-16"),
    ],
)
def test_jsonl_that_is_ill_formed_is_refused_with_the_line(
    tmp_path: Path, content: str | bytes, line: int, what: str
) -> None:
    message = refused(tmp_path, "a.jsonl", content)
    assert (f"a.jsonl, line {line}: " if line else "a.jsonl: ") in message
    assert what in message


@pytest.mark.parametrize(
    "line",
    [
        '{"a":"\\u0022:1","b":{"a":1}}',
        '{"a":"x\\": y","b":"\\":\\":"}',
        '{"b":[{"a":1},{"a":1}],"a":":"}',
    ],
)
def test_jsonl_takes_keys_and_colons_that_are_no_repeats(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, "a.jsonl", line + "\n")
    assert jsonl.scan(path).collect().to_dicts() == [json.loads(line)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('[{"a":1,"a":2}]', "the key 'a' stands twice in one object"),
        ('{"a":1}\n{"a":2}', "more text follows where it should end (line 2, character 1)"),
        ('[{"a":1},]', "this is not JSON: "),
        ('[{"a":NaN}]', "it has no NaN\n  write null"),
        ("a,b\n1,2\n", "a value is missing here"),
        (b"PAR1\x15\x04", "this is a Parquet file (.parquet), not JSON"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_an_array_that_is_ill_formed_is_refused_in_plain_words(
    tmp_path: Path, content: str | bytes, what: str
) -> None:
    message = refused(tmp_path, "a.json", content)
    assert what in message
    assert "char " not in message and "Expecting" not in message and "recursion" not in message


def test_jsonl_conditions_and_column_choices_reach_the_lines(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl.gz", gzip.compress(b'{"id":1,"p":2.5}\n{"id":2,"p":7}\n{"id":3}\n'))
    assert [r.fields for r in read(opened(tmp_path, "a.jsonl.gz", where="p > 3"))] == [{"id": 2, "p": 7.0}]
    assert jsonl.scan(tmp_path / "a.jsonl.gz").select("p").head(2).collect().rows() == [(2.5,), (7.0,)]


def test_a_jsonl_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    publish(tmp_path / "a.jsonl.gz", NESTED, NESTED_ROWS)
    back = jsonl.scan(tmp_path / "a.jsonl.gz").collect()
    assert (back.schema, back.rows()) == (NESTED, NESTED_ROWS)
