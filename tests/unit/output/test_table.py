"""A table on its way into its files: whole or not at all, the same bytes for the same rows."""

from __future__ import annotations

import gzip
import os
import stat
import time
from pathlib import Path

import polars as pl
import pytest

from pipeline.core.errors import DiskError, JobError
from pipeline.output.table import Table
from pipeline.system.files import same_file
from tests.support.tables import FORMATS, PLAIN, ROWS, publish


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_give_the_same_bytes_however_they_come(tmp_path: Path, name: str) -> None:
    rows = [(str(n), n, n / 3, n % 2 == 0) for n in range(9000)]
    first = publish(tmp_path / name, PLAIN, rows, 512)
    time.sleep(1.1 if name.endswith(("xlsx", "gz")) else 0)  # their formats have clocks of one second
    assert publish(tmp_path / name, PLAIN, rows, 1000) == first
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_without_rows_has_a_header(tmp_path: Path, name: str) -> None:
    data = publish(tmp_path / name, PLAIN, [])
    if name == "a.csv":
        assert data == b"id,n,f,b\n"
    if name == "a.parquet":
        assert pl.read_parquet(tmp_path / name).schema == PLAIN
    if name == "a.csv.gz":
        assert gzip.decompress(data) == b"id,n,f,b\n"


@pytest.mark.parametrize("name", FORMATS)
def test_a_target_keeps_its_content_until_the_table_is_whole(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    target.write_text("old")
    with Table([target], PLAIN) as table:
        table.write(ROWS * 2000)
        assert target.read_text() == "old"
        aside = [path.name for path in tmp_path.iterdir() if path != target]
        assert len(aside) == 1 and aside[0].startswith("." + name)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_all_targets_are_written_at_once_and_folders_made(tmp_path: Path) -> None:
    targets = [tmp_path / "new" / "a.csv", tmp_path / "b.parquet"]
    with Table(targets, PLAIN) as table:
        table.write(ROWS)
        table.publish()
    assert pl.read_parquet(targets[1]).rows() == ROWS
    assert targets[0].read_text().count("\n") == 4


def test_the_mode_follows_the_umask_and_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    before = os.umask(0o027)
    try:
        publish(tmp_path / "link.csv", PLAIN, ROWS)
    finally:
        os.umask(before)
    assert (tmp_path / "link.csv").is_symlink()
    assert stat.S_IMODE((tmp_path / "real.csv").stat().st_mode) == 0o640


# what goes wrong


def test_a_folder_that_cannot_be_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DiskError, match=r"file/a\.csv: "):
        Table([tmp_path / "file" / "a.csv"], PLAIN)


def test_one_bad_target_leaves_no_trace_of_the_others(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"unknown table format 'txt'\n  known: csv"):
        Table([tmp_path / "a.parquet", tmp_path / "b.txt"], PLAIN)
    with pytest.raises(JobError, match="compressed already"):
        Table([tmp_path / "a.csv", tmp_path / "b.parquet.gz"], PLAIN)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(JobError, match="this is a folder"):
        Table([tmp_path / "d.csv"], PLAIN)
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]


def test_a_target_that_cannot_be_moved_into_place_says_what_is_done(tmp_path: Path) -> None:
    with Table([tmp_path / "a.csv", tmp_path / "b.csv"], PLAIN) as table:
        table.write(ROWS)
        (tmp_path / "b.csv").mkdir()
        with pytest.raises(DiskError, match=r"b\.csv: .*\n  already written: .*a\.csv"):
            table.publish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_same_file_sees_through_links_and_dots(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "link.csv").symlink_to("a.csv")
    assert same_file(tmp_path / "a.csv", tmp_path / "link.csv")
    assert same_file(tmp_path / "new.csv", tmp_path / "x" / ".." / "new.csv")
    assert not same_file(tmp_path / "a.csv", tmp_path / "new.csv")
