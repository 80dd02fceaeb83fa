"""`pipeline new --from`: a job for the table that a person has, which checks and runs as it is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.records.first_look import look_at
from tests.support.project import Project

SCRIPTED = ("--set", "models.small={provider: scripted, model: m}")
ODD: dict[str, list[Any]] = {
    "name": ["a", "a", "b"],
    "Talk title": ["x", 'y "z"', "{{ sku }}"],
    "price": [1, 2, 2],
    "self": ["s", "t", "u"],
    "if": ["s", "t", "u"],
    "text": ["s", "t", "u"],
    'a "quoted" one': ["s", "t", "u"],
    "odd { one": ["s", "t", "u"],
    " sku ": ["1", "2", "3"],
}
TYPED: dict[str, list[Any]] = {
    **ODD,
    "tags": [["x"], [], ["y"]],
    "when": [date(2026, 1, day) for day in (1, 2, 3)],
    "weight": [0.5, 1.5, None],
    "raw": [b"\x00", b"", b"\xff"],
    "length": [timedelta(days=1)] * 3,
}


def written(folder: Path, name: str, columns: dict[str, list[Any]]) -> str:
    """Write a table in the format that its name says."""
    frame, file = pl.DataFrame(columns), folder / name
    match file.suffix:
        case ".csv":
            frame.write_csv(file)
        case ".tsv":
            frame.write_csv(file, separator="\t")
        case ".parquet":
            frame.write_parquet(file)
        case ".jsonl":
            frame.drop("raw", "length", strict=False).write_ndjson(file)
        case _:
            frame.write_excel(file)
    return name


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("my.table.csv", ODD),
        ("table.tsv", ODD),
        ("table.xlsx", ODD),
        ("table.jsonl", TYPED),
        ("table.parquet", TYPED),
    ],
)
def test_any_table_gets_a_job_that_runs(project: Project, name: str, columns: dict[str, list[Any]]) -> None:
    done = project.run("new", "jobs.yaml", "--from", written(project.folder, name, columns))
    assert done.returncode == 0, done.stderr
    assert "key:  sku , which is different in every row" in done.stdout
    job = yaml.safe_load((project.folder / "jobs.yaml").read_text())
    assert job["records"]["key"] == " sku " and job["records"]["from"] == name
    assert project.run("check", "jobs.yaml", "--rows").returncode == 0
    ran = project.run("run", "jobs.yaml", *SCRIPTED)
    assert ran.returncode == 0 and "3 rows: 3 ok" in ran.stdout, ran.stderr
    prompt = job["steps"][0]["prompt"]
    assert '{{ row["Talk title"] }}' in prompt and "{{ price }}" in prompt
    assert not any(word in prompt for word in ("odd", "tags", "raw", "sku"))


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"id": [1, 2]}, "id"),
        ({"name": ["a", "b"], "product_id": [1, 2]}, "product_id"),
        ({"id": [1, 1], "SKU": ["x", "y"]}, "SKU"),
        ({"title": ["a", "b"], "slug": ["a", None]}, "title"),
        ({"about": ["a", "b"], "name": ["c", "d"]}, "name"),
        ({"price": [1, 2], "word": ["a", "b"]}, "word"),
        ({"price": [1, 2]}, ""),
        ({"name": ["a", "a"]}, ""),
        ({"weight": [1.5, 2.5], "good": [True, False]}, ""),
    ],
)
def test_the_key_is_a_column_that_can_be_one(tmp_path: Path, columns: dict[str, list[Any]], key: str) -> None:
    assert look_at(tmp_path / written(tmp_path, "table.parquet", columns)).key == key


def test_a_table_without_a_key_is_said_and_works(project: Project) -> None:
    (project.folder / "words.csv").write_text("word\na\na\n")
    done = project.run("new", "--from", "words.csv")
    assert "key: none, because no column is different in every row" in done.stdout
    assert project.run("run", "words.yaml", *SCRIPTED).returncode == 0


def test_a_large_table_is_tried_with_its_first_records(project: Project) -> None:
    (project.folder / "data").mkdir()
    (project.folder / "jobs").mkdir()
    (project.folder / "data/things.csv").write_text(Project.numbered(1200))
    done = project.run("new", "jobs/things.yaml", "--from", "data/things.csv")
    assert "only the first 5 records" in done.stdout and "all 1,200" in done.stdout
    assert "5 records, 5 rows" in project.run("plan", "jobs/things.yaml").stdout


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("semi.csv", "separated by semicolons"),
        ("none.csv", "no such file"),
        ("records.yaml", "no table format reads"),
        (".", "a folder"),
    ],
)
def test_what_is_no_table_is_an_error_and_nothing_is_written(project: Project, table: str, said: str) -> None:
    (project.folder / "records.yaml").write_text("x: 1\n")
    (project.folder / "semi.csv").write_text("id;name\n1;tea\n")
    done = project.run("new", "my.yaml", "--from", table)
    assert done.returncode == 2 and said in done.stderr
    assert not (project.folder / "my.yaml").exists()


def test_a_new_job_does_not_take_the_folder_of_another(project: Project) -> None:
    (project.folder / "shop.csv").write_text(Project.numbered(3))
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    before = (project.folder / "output/shop/published.json").read_bytes()
    assert project.run("new", "--from", "shop.csv").returncode == 0
    assert project.run("run", "shop.yaml", *SCRIPTED).returncode == 0
    assert (project.folder / "output/shop/published.json").read_bytes() == before
    assert (project.folder / "output/shop-2/shop-2.csv").exists()


def test_a_job_file_is_not_overwritten(project: Project) -> None:
    project.job()
    done = project.run("new", "job.yaml", "--from", "records.csv")
    assert done.returncode == 2 and "not overwritten" in done.stderr
