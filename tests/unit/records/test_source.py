"""Records: their keys, which of them are chosen, and that they come again as they came."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import polars as pl
import pytest

from pipeline.core.errors import InputError, JobError
from pipeline.core.redaction import label
from pipeline.job.files import Records, Sample
from pipeline.records.source import open_records
from tests.support.people import ALICE, BOB
from tests.support.tables import opened, read, refused, written

# what is no file of records


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    written(tmp_path, "products.csv", "a\n")
    with pytest.raises(InputError, match=r"no such file\n  did you mean 'products\.csv'"):
        opened(tmp_path, "product.csv")


def test_folders_pipes_and_empty_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(InputError, match="this is a folder"):
        opened(tmp_path, "d.csv", **{"as": "table"})
    os.mkfifo(tmp_path / "f.csv")
    for name, what in [("f.csv", "a pipe or a device")]:
        with pytest.raises(InputError, match=what):
            opened(tmp_path, name)
    with pytest.raises(JobError, match="standard input"):
        opened(tmp_path, "-")
    for name in ("e.csv", "e.jsonl", "e.parquet", "e.xlsx"):
        assert "empty" in refused(tmp_path, name, "")
    assert "empty" in refused(tmp_path, "e.csv.gz", gzip.compress(b""))


def test_an_unknown_suffix_lists_the_known_ones(tmp_path: Path) -> None:
    written(tmp_path, "a.dat", "x")
    written(tmp_path, "a.txt", "x")
    with pytest.raises(JobError, match=r"no table format reads 'a\.dat'\n  known suffixes: \.csv"):
        opened(tmp_path, "a.dat")
    with pytest.raises(
        JobError,
        match=r"no table format reads 'a\.txt'\n  name it .*; known suffixes: \.csv, \.json, \.jsonl",
    ):
        opened(tmp_path, "a.txt", **{"as": "table"})


def test_a_name_with_wildcards_is_one_file(tmp_path: Path) -> None:
    written(tmp_path, "a[1]*.csv", "id\n1\n")
    written(tmp_path, "a1.csv", "id\n2\n")
    assert [record.fields for record in read(opened(tmp_path, "a[1]*.csv"))] == [{"id": "1"}]


def test_a_file_that_changes_under_way_is_noticed(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "id\n1\n2\n")
    source = opened(tmp_path, "a.csv")
    written(tmp_path, "a.csv", "id\n1\n2\n3\n")
    with pytest.raises(InputError, match="changed while they were read"):
        read(source)


# keys


def test_a_key_of_one_column_is_its_text_and_of_several_a_json_array(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 1], "b": ["x", 'y"']})
    pair = open_records(Records(key=("a", "b")), tmp_path, frame)
    assert [record.key for record in read(pair)] == ['[1,"x"]', '[1,"y\\""]']
    assert [r.key for r in read(open_records(Records(key="b"), tmp_path, frame))] == ["x", 'y"']


def test_without_a_key_equal_rows_are_numbered_and_order_does_not_matter(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "a,b\n1,x\n2,y\n1,x\n1,x\n")
    written(tmp_path, "b.csv", "b,a\ny,2\nx,1\nx,1\nx,1\n")
    keys = [record.key for record in read(opened(tmp_path, "a.csv"))]
    assert [len(key) for key in keys] == [32, 32, 34, 34]
    assert keys[2:] == [keys[0] + "#2", keys[0] + "#3"]
    assert sorted(record.key for record in read(opened(tmp_path, "b.csv"))) == sorted(keys)


def test_null_is_another_content_than_the_empty_text(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", 'a,b\n,x\n"",x\n')
    first, second = (record.key for record in read(opened(tmp_path, "a.csv")))
    assert "#" not in first + second and first != second


def test_nan_and_null_do_not_share_a_key(tmp_path: Path) -> None:
    frame = pl.DataFrame({"f": [float("nan"), None, 1.0]})
    keys = [record.key for record in read(open_records(Records(), tmp_path, frame))]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('id,t\n1,"a\nb"\n2,c\n1,d\n', "the key '1' occurs twice: line 2 and line 5"),
        ("id,t\n1,a\n,b\n", "line 3: the key 'id' is empty"),
    ],
)
def test_a_duplicate_and_an_empty_key_name_their_lines(tmp_path: Path, content: str, what: str) -> None:
    assert what in refused(tmp_path, "a.csv", content, key="id")


def test_a_duplicate_key_counts_only_among_the_chosen_rows(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", '{"id":1,"n":1}\n{"id":1,"n":2}\n{"id":2,"n":3}\n')
    assert [record.key for record in read(opened(tmp_path, "a.jsonl", key="id", where="n > 1"))] == ["1", "2"]
    with pytest.raises(InputError, match="line 1 and line 2"):
        opened(tmp_path, "a.jsonl", key="id", where="n < 3")


def test_a_missing_key_column_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "title,sku\n1,2\n")
    with pytest.raises(
        JobError, match=r"records\.key: .*a\.csv has no column 'titel'\n  did you mean 'title'"
    ):
        opened(tmp_path, "a.csv", key="titel")


def test_rows_of_nested_and_empty_columns_are_counted_and_told_apart(tmp_path: Path) -> None:
    frame = pl.DataFrame({"l": [[1], [1], [2], None], "n": [None] * 4})
    source = open_records(Records(), tmp_path, frame)
    keys = [record.key for record in read(source)]
    assert source.total() == len(set(keys)) == 4
    assert keys[1] == keys[0] + "#2"


# where, sample, limit


def test_where_compares_text_with_numbers_as_numbers_and_leaves_it_text(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "id,price,lang\n1, 9.50,en\n2,10,en\n3,100,de\n4,n/a,en\n5,,en\n")
    source = opened(tmp_path, "a.csv", key="id", where="price > 9.4 and lang = 'en'")
    assert [(r.key, r.fields["price"], r.row) for r in read(source)] == [("1", " 9.50", 1), ("2", "10", 2)]
    assert (source.total(), source.schema.names()) == (2, ["id", "price", "lang"])


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("price in (10, 100)", ["2", "3"]),
        ("price between 9 and 50", ["1", "2"]),
        ("price = '10'", ["2"]),
        ("price + stock > 100", ["3"]),
        ("price > avg(price)", ["3"]),
        ("price is null", []),
        ("length(lang) > 2", []),
        ("lang like 'd%' or stock = 0", ["2", "3"]),
    ],
)
def test_where_reads_as_numbers_only_what_must_be(tmp_path: Path, where: str, keys: list[str]) -> None:
    written(tmp_path, "a.csv", "id,price,stock,lang\n1,9.5,3,en\n2,10,0,en\n3,100,5,de\n")
    assert [record.key for record in read(opened(tmp_path, "a.csv", key="id", where=where))] == keys


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("prise > 0", "there is no column 'prise'\n  did you mean 'price'"),
        ('lang = "en"', "text stands in single quotes"),
        ("price >", "this is not an SQL condition"),
        ("price", "does not fit the columns' types"),
        ("lang > 3 or lang = 'en'", "does not fit the columns' types"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_refused(tmp_path: Path, where: str, what: str) -> None:
    written(tmp_path, "a.csv", "id,price,lang\n1,9.5,en\n")
    with pytest.raises(JobError) as error:
        opened(tmp_path, "a.csv", where=where)
    assert what in str(error.value) and "records.where" in str(error.value)


def test_limit_comes_after_where(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "id\n" + "".join(f"{n}\n" for n in range(3000)))
    source = opened(tmp_path, "a.csv", key="id", where="id >= 1000", limit=700)
    assert [record.key for record in read(source)] == [str(n) for n in range(1000, 1700)]
    assert source.total() == 700
    assert read(opened(tmp_path, "a.csv", key="id", limit=0)) == []


def test_a_sample_is_in_order_and_the_same_for_the_same_rows_in_any_order(tmp_path: Path) -> None:
    lines = [f"{n}\n" for n in range(2000)]
    written(tmp_path, "a.csv", "id\n" + "".join(lines))
    written(tmp_path, "b.csv", "id\n" + "".join(reversed(lines)))
    chosen = [int(r.key) for r in read(opened(tmp_path, "a.csv", key="id", sample={"n": 50, "seed": 1}))]
    assert (len(chosen), chosen) == (50, sorted(chosen))
    again = opened(tmp_path, "b.csv", key="id", sample={"n": 50, "seed": 1})
    assert sorted(int(record.key) for record in read(again)) == chosen
    other = opened(tmp_path, "a.csv", key="id", sample={"n": 50, "seed": 2}, limit=10)
    assert other.total() == 10 and [int(r.key) for r in read(other)] != chosen[:10]


def test_iterating_twice_gives_the_same_records_whatever_the_batches(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "a,b\n" + "".join(f"{n % 700},x\n" for n in range(1500)))
    source = opened(tmp_path, "a.csv")
    once = read(source)
    assert read(source, 7) == once
    assert len({record.key for record in once}) == source.total() == 1500
    assert [record.row for record in once] == list(range(1, 1501))


def test_a_frame_serves_as_input(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [3, 1, 2], "t": ["a", None, "c"]}).lazy()
    source = open_records(Records(key="id", where="id < 3"), tmp_path, frame)
    assert [(r.key, r.fields, r.row) for r in read(source)] == [
        ("1", {"id": 1, "t": None}, 2),
        ("2", {"id": 2, "t": "c"}, 3),
    ]
    assert source.path is None


def test_a_key_that_occurs_twice_is_shown_as_its_digest(tmp_path: Path) -> None:
    frame = pl.DataFrame({"email": [ALICE, BOB, ALICE]})
    with pytest.raises(InputError) as error:
        open_records(Records.model_validate({"key": "email", "private": "email"}), tmp_path, frame)
    assert ALICE not in str(error.value)
    assert label(ALICE) in str(error.value)


def test_the_same_records_are_drawn_whether_their_key_is_private_or_not(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [str(i) for i in range(100)]})
    drawn = []
    for private in ((), ("id",)):
        source = open_records(Records.model_validate({"key": "id", "private": private}), tmp_path, frame)
        source.choose(Sample(n=7), None)
        drawn.append([record.fields["id"] for batch in source.batches() for record in batch])
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 7


def test_an_unknown_column_of_a_frame_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no column 'x'"):
        open_records(Records.model_validate({"private": "x"}), tmp_path, pl.DataFrame({"a": [1]}))
