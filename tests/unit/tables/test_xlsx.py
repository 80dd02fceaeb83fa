"""Workbooks, both ways."""

from __future__ import annotations

import datetime
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from pipeline.core.errors import InputError, JobError
from pipeline.tables import xlsx
from tests.support.tables import opened, publish, refused, written


def test_xlsx_cells_keep_their_types(tmp_path: Path) -> None:
    import datetime

    frame = pl.DataFrame(
        {
            "id": ["007", "008"],
            "whole": [1, 2],
            "part": [1.5, None],
            "yes": [True, False],
            "day": [datetime.datetime(2020, 1, 2, 3, 4, 5), None],
        }
    )
    frame.write_excel(tmp_path / "a.xlsx")
    read_back = xlsx.scan(tmp_path / "a.xlsx").collect()
    assert read_back.rows() == frame.rows()
    assert read_back.schema["whole"] == pl.Int64


def test_a_workbook_without_a_proper_header_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"x": ["a", "1"], "y": ["a", "2"]}).write_excel(tmp_path / "a.xlsx", include_header=False)
    with pytest.raises(InputError, match="row 1: two columns are named 'a'"):
        xlsx.scan(tmp_path / "a.xlsx")
    assert "not an .xlsx workbook" in refused(tmp_path, "b.xlsx", b"PK\x03\x04 broken")


def test_a_missing_extra_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "a.xlsx", b"PK")
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(JobError, match=r"pip install .*'fastexcel.* 'xlsxwriter"):
        opened(tmp_path, "a.xlsx")


def test_excel_takes_text_as_text(tmp_path: Path) -> None:
    rows = [("=1+1",), ("https://example.com",), ("007",), ("\x01_x0041_é",), (None,)]
    publish(tmp_path / "a.xlsx", pl.Schema({"t": pl.String}), rows)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert not any(
            "Hyperlink" in name or ("rels" in name and "sheet" in name) for name in book.namelist()
        )
    assert "<f>" not in sheet and "hyperlink" not in sheet
    assert xlsx.scan(tmp_path / "a.xlsx").collect().rows()[:3] == rows[:3]


def test_excel_keeps_numbers_dates_and_long_integers(tmp_path: Path) -> None:
    day = datetime.date(2020, 2, 29)
    schema = pl.Schema(
        {"n": pl.Int64, "f": pl.Float64, "d": pl.Date, "long": pl.Int64, "o": pl.List(pl.Int64)}
    )
    publish(tmp_path / "a.xlsx", schema, [(1, 0.5, day, 2**62, [1, 2])])
    assert xlsx.scan(tmp_path / "a.xlsx").collect().rows() == [(1, 0.5, day, str(2**62), "[1,2]")]


DAY, NIGHT = datetime.datetime(2026, 1, 2), datetime.datetime(2026, 1, 3)


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ([datetime.time(7, 30), datetime.time(0)], [datetime.time(7, 30), datetime.time(0)]),
        ([DAY, NIGHT, None], [DAY.date(), NIGHT.date(), None]),
        ([DAY, NIGHT.replace(hour=7)], [DAY, NIGHT.replace(hour=7)]),
        ([DAY, datetime.time(7, 30)], [DAY, "at 7:30"]),
    ],
)
@pytest.mark.parametrize("macintosh", [False, True])
def test_a_column_of_days_has_no_times_and_one_of_times_has_no_days(
    cells: list[Any], read: list[Any], macintosh: bool, tmp_path: Path
) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx"), {"date_1904": macintosh}) as book:
        sheet, form = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, ["n", "when"])
        for row, cell in enumerate(cells, 1):
            sheet.write_number(row, 0, row)
            if cell is not None:
                sheet.write_datetime(row, 1, cell, form)
    first = datetime.datetime(1904, 1, 1, 7, 30) if macintosh else datetime.datetime(1899, 12, 31, 7, 30)
    wanted = [first if cell == "at 7:30" else cell for cell in read]
    assert xlsx.scan(tmp_path / "a.xlsx").collect()["when"].to_list() == wanted


def test_durations_beside_times_of_day_are_named(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["n", "when"])
        for row, form in enumerate(("hh:mm", "[h]:mm"), 1):
            sheet.write_number(row, 1, 0.5, book.add_format({"num_format": form}))
    with pytest.raises(InputError, match="a column has durations beside dates or times of day"):
        xlsx.scan(tmp_path / "a.xlsx")


def test_a_cell_too_long_for_excel_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"row 2, column 't' has 32,768 characters"):
        publish(tmp_path / "a.xlsx", pl.Schema({"t": pl.String}), [("x" * 32_767,), ("x" * 32_768,)])
    assert list(tmp_path.iterdir()) == []


def _workbook(size: int = 0) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>" + b" " * size)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),  # how an encrypted workbook begins
        _workbook()[:-20],
        _workbook(),
        b"PK\x03\x04 no archive",
    ],
    ids=["encrypted", "cut off", "without sheets", "no archive"],
)
def test_a_workbook_that_cannot_be_opened_is_refused_before_a_record(content: bytes, tmp_path: Path) -> None:
    written(tmp_path, "a.xlsx", content)
    with pytest.raises(InputError, match=r"a\.xlsx") as error:
        opened(tmp_path, "a.xlsx")
    assert error.value.hint == "save it again as a workbook, without a password; a text is named .csv"
