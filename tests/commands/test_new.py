"""`pipeline new --from`: a job for the table that a person has, which checks and runs as it is."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
import yaml

from pipeline import load
from pipeline.job.starter import write_for
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
        case ".json":
            frame.drop("raw", "length", strict=False).write_json(file)
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
        ("table.json", TYPED),
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
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    there, left = lines[name].split("columns: ")[1], lines["not in the prompt"].split("; ")[0]
    used = [one for one in there.split(", ") if f"\n{one}: {{{{" in f"\n{prompt}"]
    assert used + left.split(", ") == sorted(there.split(", "), key=lambda one: one not in used)


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
        ("ragged.csv", "line 3: 3 cells, but the header has 2"),
        ("none.csv", "no such file"),
        ("records.yaml", "no table format reads"),
        (".", "a folder"),
    ],
)
def test_what_is_no_table_is_an_error_and_nothing_is_written(project: Project, table: str, said: str) -> None:
    (project.folder / "records.yaml").write_text("x: 1\n")
    (project.folder / "ragged.csv").write_text("id;name\n1;tea\n2;a;b\n")
    done = project.run("new", "my.yaml", "--from", table)
    assert done.returncode == 2 and said in done.stderr
    assert not (project.folder / "my.yaml").exists()


@pytest.mark.parametrize("words", [("--from", "{}"), ("{}",), ("my.yaml", "{}")])
@pytest.mark.parametrize(
    ("name", "said"),
    [("w.docx", "w.docx --from en --to de` translates"), ("w.odt", "save it as .docx"), ("w.dat", ".csv")],
)
def test_a_document_is_no_table_and_what_translates_it_is_said(
    project: Project, words: tuple[str, ...], name: str, said: str
) -> None:
    (project.folder / name).write_bytes(b"x")
    done = project.run("new", *(word.format(name) for word in words))
    assert done.returncode == 2 and f"no table format reads '{name}'" in done.stderr and said in done.stderr
    assert list(project.folder.glob("*.yaml")) == []


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


@pytest.mark.parametrize(
    "words", [("t.csv",), ("t.yaml", "t.csv"), ("t.csv", "t.yaml"), ("t.yaml", "--from", "t.csv")]
)
def test_a_table_is_known_by_its_ending_and_is_never_written(
    words: tuple[str, ...], project: Project
) -> None:
    before = Project.numbered(2)
    (project.folder / "t.csv").write_text(before)
    done = project.run("new", *words)
    assert done.returncode == 0, done.stderr
    assert (project.folder / "t.csv").read_text() == before
    assert yaml.safe_load((project.folder / "t.yaml").read_text())["records"]["from"] == "t.csv"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gone.xlsx",), "gone.xlsx: there is no such file"),
        (("new.csv.gz",), "new.csv.gz: there is no such file"),
        (("t.csv", "--from", "u.csv"), "one job file to write, and one table"),
        (("a.yaml", "b.yaml"), "one job file to write, and one table"),
        (("t.csv/a.yaml",), "t.csv: cannot be made"),
    ],
)
def test_what_new_cannot_mean_is_refused_and_nothing_is_written(
    words: tuple[str, ...], said: str, project: Project
) -> None:
    (project.folder / "t.csv").write_text("id\n1\n")
    done = project.run("new", *words)
    assert done.returncode == 2 and said in done.stderr
    assert [file.name for file in project.folder.iterdir()] == ["t.csv"]


def test_a_folder_that_is_missing_is_made(project: Project) -> None:
    (project.folder / "t.csv").write_text(Project.numbered(2))
    assert project.run("new", "a/b/t.yaml", "--from", "t.csv").returncode == 0
    assert project.run("check", "a/b/t.yaml").returncode == 0


def test_a_table_without_rows_is_said(project: Project) -> None:
    (project.folder / "t.csv").write_text("Name,About\n")
    done = project.run("new", "t.csv")
    assert "the table has no rows yet" in done.stdout and "different" not in done.stdout
    assert "only a guess" in (project.folder / "t.yaml").read_text()


def test_the_job_for_a_format_that_is_only_read_writes_another(tmp_path: Path) -> None:
    [file] = write_for(tmp_path / "t.yaml", tmp_path / "t.ods", ["id"], ["id"], "id", 1, "Write.", {})
    assert load(file).targets[0].name == "t.xlsx"


def test_a_table_that_cannot_be_read_is_asked_for_again(project: Project) -> None:
    (project.folder / "dup.csv").write_text(Project.numbered(2))
    (project.folder / "none.txt").write_text("x")
    answers = StringIO('dup.cvs\nnone.txt\n "dup.csv" \nWrite a slogan.\n')
    with (
        patch("tests.support.in_process.io.StringIO", return_value=answers),
        patch.object(answers, "isatty", return_value=True),
    ):
        done = project.run("new")
    assert done.returncode == 0, done.stderr
    assert "dup.cvs: there is no such file" in done.stderr and "none.txt" in done.stderr
    assert "Write a slogan." in (project.folder / "dup.yaml").read_text()
