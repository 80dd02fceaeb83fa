"""What is wrong with the input is said, unless what is said could quote a private value."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from pipeline.core.errors import InputError
from pipeline.job.files import Records
from pipeline.records.source import open_records
from tests.support.tables import opened, read, written


def test_an_edit_that_leaves_the_size_as_it_was_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id\n1\n2\n")
    source = opened(tmp_path, "a.csv")
    before = path.stat()
    path.write_bytes(b"id\n1\n3\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))  # clocks of disks are coarse
    with pytest.raises(InputError, match="changed while they were read"):
        read(source)


def test_a_file_that_another_one_has_taken_the_place_of_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id\n1\n2\n")
    source = opened(tmp_path, "a.csv")
    before = path.stat()
    other = written(tmp_path, "b.csv", "id\n1\n3\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)
    with pytest.raises(InputError, match="changed while they were read"):
        read(source)


@pytest.mark.parametrize("private", [(), ("t",)])
@pytest.mark.parametrize(
    "condition",
    ["CAST(t AS INT) > 1", "t::int > 1", "CAST(t AS DOUBLE) > 1", "CAST(t AS DECIMAL) > 1",
     "CAST(t AS DATE) IS NULL", "CAST(t AS TIMESTAMP) IS NULL",
     "CAST(t AS BOOLEAN)", "STRPTIME(t, '%Y') > 1"],
)  # fmt: skip
def test_a_cast_that_does_not_fit_is_told_in_plain_words(
    condition: str, private: tuple[str, ...], tmp_path: Path
) -> None:
    written(tmp_path, "a.csv", "id,t\n1,5\n2,five\n")
    with pytest.raises(InputError) as error:
        read(opened(tmp_path, "a.csv", key="id", where=condition, private=private))
    said = str(error.value)
    assert "a.csv: the records cannot be read: " in said
    assert ("CAST" in said) is not bool(private) and ("five" not in said or not private)
    assert not any(word in said for word in ("conversion", "casting", "`", "i32", "f64", "Utf8"))


@pytest.mark.parametrize("private", [(), ("name",)])
def test_an_error_of_polars_quotes_no_row_where_a_column_is_private(
    private: tuple[str, ...], tmp_path: Path
) -> None:
    frame = pl.LazyFrame({"name": ["Alice Liddell"], "age": ["seven"]})
    failing = frame.with_columns(pl.col("name").cast(pl.Int64).alias("number"))
    with pytest.raises(InputError) as error:
        open_records(Records.model_validate({"key": "number", "private": private}), tmp_path, failing)
    assert ("Alice" in str(error.value)) is not bool(private)
    assert ("it is not shown, because the job has private columns" in str(error.value)) is bool(private)
