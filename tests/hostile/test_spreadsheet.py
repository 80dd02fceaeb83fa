"""What a model says becomes no formula in a table that is meant for spreadsheets."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.output.spreadsheet import BEGINNINGS
from pipeline.output.table import Table
from pipeline.testing import Rule
from tests.support.project import Project

CELLS = st.text(st.sampled_from([*BEGINNINGS, "1", ".", "e", "a", "'", '"', ",", ";", " ", "é"]), max_size=6)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def written(folder: Path, name: str, rows: list[tuple[Any, ...]], schema: Any, *, safe: bool) -> Path:
    path = folder / name
    with Table([path], pl.Schema(schema), spreadsheet_safe=safe) as table:
        table.write(rows)
        table.publish()
    return path


def cells(path: Path) -> list[list[str]]:
    """The cells of a csv or tsv file, by a reader that is not ours."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


SCHEMA = {"n": pl.Int64(), "text": pl.String()}
FAST = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(texts=st.lists(CELLS, min_size=1, max_size=8), suffix=st.sampled_from(["csv", "tsv"]))
def test_data_are_written_as_they_are_unless_they_are_for_spreadsheets(
    tmp_path: Path, texts: list[str], suffix: str
) -> None:
    path = written(tmp_path, f"plain.{suffix}", [(1, t) for t in texts], SCHEMA, safe=False)
    assert [row[1] for row in cells(path)[1:]] == texts


@FAST
@given(texts=st.lists(CELLS, min_size=1, max_size=8), suffix=st.sampled_from(["csv", "tsv"]))
def test_no_cell_for_a_spreadsheet_begins_a_formula(tmp_path: Path, texts: list[str], suffix: str) -> None:
    rows = [(-n, text) for n, text in enumerate(texts)]
    head, *found = cells(written(tmp_path, f"safe.{suffix}", rows, SCHEMA, safe=True))
    assert head == ["n", "text"]
    for (number, text), cell in zip(rows, found, strict=True):
        assert cell[0] == str(number), "numbers stay numbers"
        dangerous = text.startswith(tuple(BEGINNINGS)) and not NUMBER.fullmatch(text)
        assert cell[1] == (f"'{text}" if dangerous else text)


ROWS = [("=1+1", -5, -1.5, ["=x"]), ("＝1", 7, 2.0, []), ("-5.3", 0, 0.0, ["-"]), ("@a", 1, 1.0, None)]
ROW_SCHEMA = {"=a": pl.String(), "n": pl.Int64(), "x": pl.Float64(), "l": pl.List(pl.String())}


def test_a_workbook_for_spreadsheets_has_numbers_texts_and_no_formula(tmp_path: Path) -> None:
    path = written(tmp_path, "safe.xlsx", ROWS, ROW_SCHEMA, safe=True)
    frame = pl.read_excel(path)
    assert frame.columns == ["'=a", "n", "x", "l"]
    assert frame["'=a"].to_list() == ["'=1+1", "'＝1", "-5.3", "'@a"]
    assert frame["n"].to_list() == [-5, 7, 0, 1] and frame["x"].to_list() == [-1.5, 2.0, 0.0, 1.0]
    assert frame["l"].to_list() == ['["=x"]', "[]", '["-"]', None]
    with zipfile.ZipFile(path) as package:
        assert not any(b"<f>" in package.read(name) for name in package.namelist())


def test_two_columns_keep_two_names(tmp_path: Path) -> None:
    schema = dict.fromkeys(("=a", "'=a", "b", "@", "'@"), pl.String())
    head = cells(written(tmp_path, "names.csv", [("1", "2", "3", "4", "5")], schema, safe=True))[0]
    assert len(set(head)) == 5 and head[1:3] == ["'=a", "b"]
    assert not any(name.startswith(tuple(BEGINNINGS)) for name in head)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_files_that_no_spreadsheet_opens_are_not_changed(tmp_path: Path, suffix: str) -> None:
    plain = written(tmp_path, f"plain.{suffix}", ROWS, ROW_SCHEMA, safe=False).read_bytes()
    assert written(tmp_path, f"safe.{suffix}", ROWS, ROW_SCHEMA, safe=True).read_bytes() == plain


OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.mark.skipif(OFFICE is None, reason="needs LibreOffice")
def test_libreoffice_finds_no_formula(tmp_path: Path) -> None:
    texts = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", '=HYPERLINK("http://evil.example")']
    path = written(tmp_path, "safe.csv", [(1, text) for text in texts], SCHEMA, safe=True)
    command = [str(OFFICE), "--headless", "--convert-to", "fods", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert "table:formula" not in (tmp_path / "safe.fods").read_text("utf-8")


def test_a_job_file_asks_for_it_and_the_failures_get_it_too(project: Project) -> None:
    answers = {"tea": "=cmd|' /C calc'!A0", "lamp": "fine", "mug": "-5"}
    faults = (Rule(match="lamp", fault="length"),)
    project.job(
        models={"writer": {"provider": "scripted", "model": "m", "options": {"answer": answers, "faults": [
            rule.model_dump(exclude_none=True) for rule in faults]}}},
        records="sku,title\n=1,tea\n+a,lamp\n-3,mug\n",
        output={"to": "output/shop/posts.csv", "spreadsheet_safe": True},
    )  # fmt: skip
    assert project.run("run", "job.yaml").returncode == 3
    assert project.result().select("sku", "post").rows() == [
        ("'=1", "'=cmd|' /C calc'!A0"),
        ("'+a", None),
        ("-3", "-5"),
    ]
    assert project.result("failures.csv")["key"].to_list() == ["'+a"]
    done = project.run("run", "job.yaml", "--set", "output.spreadsheet_safe=false")
    assert done.returncode == 3 and "0 requests sent" in done.stdout
    assert project.result()["post"].to_list() == ["=cmd|' /C calc'!A0", None, "-5"]
