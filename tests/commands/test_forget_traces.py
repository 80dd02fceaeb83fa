"""The proof after `forget` is one: it looks into packed files, at parts of answers, and at who shares."""

from __future__ import annotations

import bz2
import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
import zstandard

from pipeline import load
from pipeline.runs.forget.forgetting import forget
from tests.support.project import Project

ANSWER = json.dumps({"name": "Alice \u00c9 Ampersand & Sons", "city": 'Upper "Lower" Town'})
RECORDS = "sku,lang,title\ns1,en,tea\ns2,en,lamp\n"


def ran(project: Project, records: str = RECORDS, answer: Any = None, **changes: Any) -> Path:
    shape = {"json": {"name": "string", "city": "string"}}
    other = json.dumps({"name": "Somebody else altogether", "city": "Elsewhere, by the sea"})
    options = {"answer": answer or {"tea": ANSWER, "lamp": other}}
    models = {"writer": {"provider": "scripted", "model": "m", "options": options}}
    step = {"name": "post", "prompt": "Write about {{ title }}.", "answer": shape}
    project.job(records=records, **({"models": models, "steps": [step]} | changes))
    project.run("run", "job.yaml")
    return project.folder / "output/shop"


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "tsv.zst", "jsonl.gz", "parquet", "xlsx", "jsonl"])
def test_an_older_result_of_any_format_is_found(suffix: str, project: Project) -> None:
    folder = ran(project)
    project.run("export", "job.yaml", "--set", f"output.to=output/shop/old.{suffix}")
    assert (folder / f"old.{suffix}").exists()
    done = project.run("journal", "forget", "job.yaml", "--key", "s1", "--json")
    assert json.loads(done.stdout)["left"] == [str(folder / f"old.{suffix}")]
    assert done.returncode == 74


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, bz2.compress])
def test_a_packed_copy_is_found_whatever_it_is_called(pack: Any, project: Project) -> None:
    folder = ran(project)
    (folder / "copy").write_bytes(pack((folder / "journal.sqlite").read_bytes()))
    assert forget(load(project.folder / "job.yaml"), "s1").left == [str(folder / "copy")]


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"x" * 99, mtime=0)[:-9], b"PAR1 no more", b"PK\x03\x04 no more", b"7z\xbc\xaf\x27\x1c"],
    ids=["gzip", "parquet", "zip", "7z"],
)
def test_what_cannot_be_opened_is_named(content: bytes, project: Project) -> None:
    folder = ran(project)
    (folder / "odd").write_bytes(content)
    done = project.run("journal", "forget", "job.yaml", "--key", "s1")
    assert done.returncode == 74
    assert "odd: not searched" in done.stdout
    (folder / "odd").unlink()
    assert project.run("journal", "forget", "job.yaml", "--key", "s1").returncode in (0, 2)


@pytest.mark.parametrize("choice", [{"where": "lang = 'en'"}, {"limit": 1}])
def test_what_a_record_shares_that_is_not_chosen_stays(choice: dict[str, Any], project: Project) -> None:
    answer = json.dumps({"name": "one for both of them", "city": "Somewhere"})
    folder = ran(project, "sku,lang,title\ns1,en,same\ns2,de,same\n", {"same": answer})
    file = project.folder / "job.yaml"
    spec = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(spec | {"records": spec["records"] | choice}, sort_keys=False))
    assert forget(load(file), "s1").shared == 1
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        assert journal.execute("SELECT record FROM attempts WHERE outcome = 'answered'").fetchall() == [
            ("s2",)
        ]


def test_records_that_cannot_all_be_read_are_those_that_are_chosen(project: Project) -> None:
    ran(project, RECORDS + "s2,de,twice\n", output={"to": "output/shop/posts.csv"})
    file = project.folder / "job.yaml"
    spec = yaml.safe_load(file.read_text())
    file.write_text(
        yaml.safe_dump(spec | {"records": spec["records"] | {"where": "lang = 'en'"}}, sort_keys=False)
    )
    project.run("run", "job.yaml")
    forgotten = forget(load(file), "s1")
    assert (forgotten.records, forgotten.attempts) == (1, 1)
    assert "not choose were not looked at" in forgotten.notices[0]


def test_what_a_killed_run_left_beside_a_result_elsewhere_goes(project: Project) -> None:
    ran(project, output={"to": "elsewhere/posts.csv"})
    part = project.folder / "elsewhere/.posts.csv.0123456789ab.part"
    part.write_text("s1,Alice \u00c9 Ampersand & Sons")
    (project.folder / "elsewhere/posts.csv").unlink()
    assert forget(load(project.folder / "job.yaml"), "s1").left == []
    assert not part.exists()


def test_the_parts_of_a_kept_answer_are_not_taken_for_traces(project: Project) -> None:
    both = {"tea": ANSWER, "lamp": json.dumps({"name": "Another name", "city": 'Upper "Lower" Town'})}
    ran(project, answer=both)
    assert forget(load(project.folder / "job.yaml"), "s1").left == []
    assert pl.read_csv(project.folder / "output/shop/posts.csv")["sku"].to_list() == ["s2"]
