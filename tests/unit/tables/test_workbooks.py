"""Workbooks: words that look empty, cells without a value, sheets, header rows, OpenDocument."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from pipeline.core.errors import InputError, JobError
from pipeline.output.table import Table
from tests.support.tables import PLAIN, opened, read

FILES = Path(__file__).parents[2] / "data/workbooks"
WORDS = (
    "N/A",
    "NA",
    "None",
    "null",
    "nan",
    "NaN",
    "NULL",
    "n/a",
    "#N/A N/A",
    "<NA>",
    "-",
    "1.#IND",
    "-nan",
    " ",
)


def rows(name: str, folder: Path = FILES, **spec: Any) -> list[dict[str, Any]]:
    return [record.fields for record in read(opened(folder, name, **spec))]


def refused(folder: Path, name: str, **spec: Any) -> str:
    with pytest.raises(InputError) as error:
        opened(folder, name, **spec)
    return str(error.value)


@pytest.mark.parametrize("others", [[], [5], [1.5], [True], ["x"], [5, None, "y"]])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_stays_a_word_whatever_the_other_cells_hold(
    tmp_path: Path, word: str, others: list[Any]
) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "v"])
        for number, value in enumerate([*others, word], 1):
            sheet.write_row(number, 0, [number, value])
    assert rows("a.xlsx", tmp_path)[-1]["v"] == word
    assert [row["v"] for row in rows("a.xlsx", tmp_path)][: len(others)].count(None) == others.count(None)


def test_openpyxls_words_numbers_and_dates() -> None:
    found = [list(row.values()) for row in rows("openpyxl.xlsx")]
    assert found == [
        [1, "NA", "38", "None", "2024-01-02 03:04:05", "true"],
        [2, "NA", "40.5", "null", "2024-01-03 00:00:00", "false"],
        [3, "n/a", "N/A", "5", "nan", "NaN"],
        [4, None, None, None, None, None],
    ]


def test_a_sheet_by_name_or_number_and_a_header_below_titles() -> None:
    expected = [
        {"sku": "x", "price": 1.5},
        {"sku": None, "price": 2.5},
    ]  # merged cells: the first has the value
    for sheet in ("Zweite Seite", 2):
        assert rows("openpyxl.xlsx", sheet=sheet, header=3) == expected
    said = refused(FILES, "openpyxl.xlsx", sheet=2, header=3, key="sku")
    assert "openpyxl.xlsx, sheet 'Zweite Seite', row 5: the key 'sku' is empty" in said


def test_a_table_that_does_not_begin_in_the_corner_has_its_rows_numbers() -> None:
    assert rows("openpyxl.xlsx", sheet="Offset", where="sku is not null") == [
        {"sku": "a", "n": "1"},
        {"sku": "b", "n": "None"},
    ]
    assert "row 6: the key 'sku' is empty" in refused(FILES, "openpyxl.xlsx", sheet="Offset", key="sku")


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"sheet": "Dta"}, "there is no sheet 'Dta'\n  did you mean 'Data'?"),
        ({"sheet": 9}, "there is no sheet number 9\n  sheets: Data, Zweite Seite, Offset"),
        ({"header": 99}, "the sheet has 5 rows, and records.header is 99"),
        ({"sheet": "Offset", "header": 2}, "row 2: this row is empty"),
    ],
)
def test_a_sheet_or_header_that_is_not_there(spec: dict[str, Any], what: str) -> None:
    assert what in refused(FILES, "openpyxl.xlsx", **spec)


def test_a_formula_that_was_never_computed_is_named() -> None:
    said = refused(FILES, "openpyxl_formula.xlsx")
    assert "openpyxl_formula.xlsx: sheet 'Data', cell B2 holds a formula that was never computed" in said


def test_an_error_is_named_and_other_sheets_do_not_matter() -> None:
    said = refused(FILES, "openpyxl_formula.xlsx", sheet="Errors")
    assert "sheet 'Errors', cell B3 holds the error #DIV/0!, so it has no value" in said
    assert rows("openpyxl_formula.xlsx", sheet="Good") == [{"id": 1, "v": 2}]


@pytest.mark.parametrize(
    ("value", "fine"), [(None, False), (3, True), ("text", True), ("#N/A", False), (True, True)]
)
def test_xlsxwriters_formulas(tmp_path: Path, value: Any, fine: bool) -> None:
    """It writes 0 for a formula whose value the caller does not give."""
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "v"])
        sheet.write_formula(1, 0, "=1", None, 1)
        sheet.write_formula(1, 1, "=A2", None, *([] if value is None else [value]))
    if fine:
        assert len(rows("a.xlsx", tmp_path)) == 1
    else:
        assert "sheet 'Sheet1', cell B2 holds" in refused(tmp_path, "a.xlsx")


def test_a_large_sheet_is_looked_through_in_blocks(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "v"])
        for number in range(1, 60_000):
            sheet.write_number(number, 0, number)
            sheet.write_formula(number, 1, "=A1+1", None, 7 if number != 55_555 else "#REF!")
    assert "cell B55556 holds the error #REF!" in refused(tmp_path, "a.xlsx")


def test_an_opendocument_sheet_is_read_and_not_written(tmp_path: Path) -> None:
    assert rows("odfpy.ods") == [{"id": n, "v": v} for n, v in enumerate(("N/A", "5", None, "2.5"), 1)]
    with pytest.raises(JobError, match=r"\.ods files are read, but not written"):
        Table([tmp_path / "a.ods"], PLAIN)


def ods(folder: Path, old: str, new: str) -> None:
    with zipfile.ZipFile(FILES / "odfpy.ods") as one, zipfile.ZipFile(folder / "a.ods", "w") as other:
        for entry in one.infolist():
            text = one.read(entry)
            assert entry.filename != "content.xml" or old.encode() in text
            other.writestr(entry, text.replace(old.encode(), new.encode()))


@pytest.mark.parametrize("unit", ["row", "cell"])
def test_a_repeated_cell_that_would_fill_the_memory_is_refused(tmp_path: Path, unit: str) -> None:
    times = 'table:number-{}s-repeated="{}"'
    new = {"row": times.format("row", 10**8), "cell": times.format("column", 10**8)}[unit]
    ods(tmp_path, f"<table:table-{unit}", f"<table:table-{unit} {new}")
    assert "span" in refused(tmp_path, "a.ods")
    empty = (
        f"<table:table-row {times.format('row', 10**6)}><table:table-cell {times.format('column', 16384)}/>"
    )
    ods(tmp_path, "</table:table>", f"{empty}</table:table-row></table:table>")
    assert len(rows("a.ods", tmp_path)) == 4  # LibreOffice writes such a row at the end of each sheet


def test_an_empty_text_beside_numbers_is_an_empty_cell(tmp_path: Path) -> None:
    ods(
        tmp_path,
        "<table:table-cell/>",
        '<table:table-cell office:value-type="string"><text:p/></table:table-cell>',
    )
    assert rows("a.ods", tmp_path)[2] == {"id": 3, "v": ""}  # beside "N/A" it is a text
    with xlsxwriter.Workbook(str(tmp_path / "b.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "v"])
        sheet.write_row(1, 0, [1, 5])
        sheet.write_formula(2, 1, '=""', None, "x")
        sheet.write_number(2, 0, 2)
    with zipfile.ZipFile(tmp_path / "b.xlsx") as one, zipfile.ZipFile(tmp_path / "c.xlsx", "w") as other:
        for entry in one.infolist():
            other.writestr(entry, one.read(entry).replace(b"<v>x</v>", b"<v></v>"))
    assert rows("c.xlsx", tmp_path) == [{"id": 1, "v": 5}, {"id": 2, "v": None}]  # Excel writes it so


FOUR = '<table:table-cell office:value-type="float" office:value="5"><text:p>5</text:p></table:table-cell>'
FORMULA = 'table:formula="of:=[.A1]"'
ERROR = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
LONG = "a duration that is read from .xlsx alone"
UNREAD = {
    f"<table:table-cell {FORMULA}/>": "a formula that was never computed",
    f'<table:table-cell {FORMULA} office:value-type="float"/>': "a formula that was never computed",
    f"<table:table-cell {FORMULA} {ERROR}><text:p>#DIV/0!</text:p></table:table-cell>": "the error #DIV/0!",
    f'<table:table-cell table:style-name="ce1" {ERROR}/>': "an error",
    '<table:table-cell office:value-type="time" office:time-value="PT36H30M00S"/>': LONG,
    '<table:table-cell office:value-type="time" office:time-value="-PT1H00M00S"/>': LONG,
}
COMPUTED = {
    'office:value-type="float" office:value="0"': 0,
    'office:value-type="float" office:value="7"': 7,
    'office:value-type="string" office:string-value=""': "",
    'office:value-type="string"': "x",
}


@pytest.mark.parametrize("cell", UNREAD)
def test_a_cell_without_a_value_in_an_opendocument_sheet_is_named(tmp_path: Path, cell: str) -> None:
    ods(tmp_path, FOUR, cell)
    assert f"sheet 'S1', cell B3 holds {UNREAD[cell]}, so" in refused(tmp_path, "a.ods")
    ods(
        tmp_path,
        "</table:table>",
        f"</table:table><table:table><table:table-row>{cell}</table:table-row></table:table>",
    )
    assert len(rows("a.ods", tmp_path)) == 4, "another sheet does not matter"
    nine = '<table:table-cell table:number-columns-repeated="9"/>'
    skipped = f'<table:table-row table:number-rows-repeated="40">{nine}'
    far = f'<table:table-cell table:number-columns-repeated="27"/>{cell}'
    ods(
        tmp_path,
        "</table:table>",
        f"{skipped}</table:table-row><table:table-row>{far}</table:table-row></table:table>",
    )
    assert "cell AB46 holds" in refused(tmp_path, "a.ods")
    ods(
        tmp_path,
        '<table:table table:name="S1">',
        f'<table:table table:name="S1"><table:table-row>{cell}</table:table-row>',
    )
    assert len(rows("a.ods", tmp_path, header=2)) == 4, "what stands above the header does not matter"


@pytest.mark.parametrize("attributes", COMPUTED)
def test_a_formula_with_a_value_in_an_opendocument_sheet_is_read(tmp_path: Path, attributes: str) -> None:
    value = COMPUTED[attributes]
    ods(
        tmp_path,
        FOUR,
        f"<table:table-cell {FORMULA} {attributes}><text:p>{value}</text:p></table:table-cell>",
    )
    assert rows("a.ods", tmp_path)[1]["v"] == str(value)


@pytest.mark.parametrize(
    ("settings", "values", "fine"),
    [
        ('calcId="191029"', ["0"], True),  # Excel, which has computed it
        ('calcId="191029" fullCalcOnLoad="1"', ["0"], False),  # whoever wrote it may not have
        ('calcId="191029" fullCalcOnLoad="0"', ["0"], True),
        ('calcId="0" fullCalcOnLoad="true"', ["0", "12"], True),  # Apache POI
        ('calcId="0" fullCalcOnLoad="true"', ["0", "0.0"], True),
        ('calcId="124519" fullCalcOnLoad="1"', ["0", "12"], False),  # XlsxWriter
        ('fullCalcOnLoad="1" calcId="999999"', ["12", "0"], False),  # PhpSpreadsheet, not told to compute
        ('calcId="999999" fullCalcOnLoad="0"', ["12", "0"], True),
        ('calcId="191029"', [""], False),
    ],
)
def test_a_formula_whose_value_is_truly_0_is_computed(
    tmp_path: Path, settings: str, values: list[str], fine: bool
) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "a.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "v"])
        for row in range(len(values)):
            sheet.write(row + 1, 0, row)
            sheet.write_formula(row + 1, 1, "=A2", None, 1000 + row)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as one, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as other:
        for entry in one.infolist():
            text = one.read(entry).replace(b'calcId="124519" fullCalcOnLoad="1"', settings.encode())
            for row, value in enumerate(values):
                text = text.replace(f"<v>{1000 + row}</v>".encode(), f"<v>{value}</v>".encode())
            other.writestr(entry, text)
    if fine:
        assert [row["v"] for row in rows("b.xlsx", tmp_path)] == [float(value) for value in values]
    else:
        assert f"cell B{2 + values.index(min(values))} holds a formula that" in refused(tmp_path, "b.xlsx")
