"""`pipeline new --from`: separator, encoding and header are found out, and written into the job."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import xlsxwriter
import yaml

from pipeline.core.errors import InputError
from pipeline.records.first_look import look_at
from tests.support.project import Project

SCRIPTED = ("--set", "models.small={provider: scripted, model: m}")


ENCODED = {"utf-8": "", "utf-8-sig": "", "utf-16": "utf-16", "utf-16-le": "utf-16-le",
           "utf-16-be": "utf-16-be", "utf-32": "utf-32", "cp1252": "cp1252"}  # fmt: skip
"""how a file is encoded -> what the job says"""


@pytest.mark.parametrize("written_in", ENCODED)
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_separator_and_encoding_are_found_out(
    tmp_path: Path, written_in: str, name: str, mark: str, quote: str
) -> None:
    names, text = ("id", "größe"), f"ö{quote and mark} x, y; z".replace(mark, quote and mark)
    rows = [names, *((str(n), f"{quote}{text}{quote}") for n in range(1, 4))]
    content = "".join(mark.join(row) + "\r\n" for row in rows).encode(written_in)
    table = tmp_path / name
    table.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    found = look_at(table)
    usual = "\t" if name == "t.tsv" else ","
    said = {"separator": "" if mark == usual else mark, "encoding": ENCODED[written_in]}
    assert found.settings == {name: value for name, value in said.items() if value}
    assert (found.columns, found.rows, found.key) == (names, 3, "id")
    assert found.doubted == ("größe" if written_in == "cp1252" else "")


@pytest.mark.parametrize(
    ("text", "settings", "columns"),
    [
        ("id;name, full, long\n1;tea\n", {"separator": ";"}, 2),  # more commas than semicolons
        ("name (a|b)\ntea\n", {"separator": ","}, 1),
        ("word\na;b\n", {}, 1),
        ('"a;b",c\n1,2\n', {}, 2),
    ],
)
def test_the_header_alone_does_not_decide(
    tmp_path: Path, text: str, settings: dict[str, str], columns: int
) -> None:
    (tmp_path / "t.csv").write_text(text)
    found = look_at(tmp_path / "t.csv")
    assert found.settings == settings and len(found.columns) == columns


@pytest.mark.parametrize(
    ("above", "header"), [([], 0), (["List"], 2), (["List", ""], 3), (["", "List", "of 2026", ""], 5)]
)
def test_a_header_below_a_title_is_found(tmp_path: Path, above: list[str], header: int) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        for row, title in enumerate(above):
            sheet.write(row, 0, title)
        for row, cells in enumerate([("sku", "price"), ("a", 1), ("b", 2)], len(above)):
            sheet.write_row(row, 0, cells)
    found = look_at(tmp_path / "t.xlsx")
    assert found.settings == ({"header": header} if header else {})
    assert (found.columns, found.rows, found.key) == (("sku", "price"), 2, "sku")


def test_a_column_without_a_name_is_no_title(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([("sku", None, "price"), ("a", "b", "c")]):
            sheet.write_row(row, 0, cells)
    with pytest.raises(InputError, match="column 2 has no name"):
        look_at(tmp_path / "t.xlsx")


@pytest.mark.parametrize(
    ("mark", "encoding", "said"),
    [(";", "cp1252", "separator: a semicolon"), ("\t", "utf-16", "encoding: utf-16 (written into the job)")],
)
def test_the_job_says_how_its_table_is_read(project: Project, mark: str, encoding: str, said: str) -> None:
    text = f"id{mark}name\n1{mark}Müsli\n2{mark}Öl\n"
    (project.folder / "odd.csv").write_bytes(text.encode(encoding))
    done = project.run("new", "--from", "odd.csv")
    assert done.returncode == 0 and said in done.stdout
    assert ("if 'Müsli' is not spelled right" in done.stdout) == (encoding == "cp1252")
    job = yaml.safe_load((project.folder / "odd.yaml").read_text())
    assert job["records"]["separator"] == mark and job["records"]["encoding"] == encoding
    ran = project.run("run", "odd.yaml", *SCRIPTED)
    assert ran.returncode == 0 and "2 rows: 2 ok" in ran.stdout
