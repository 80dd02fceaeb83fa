"""Jobs over columns of any type: they end well, or nothing is sent."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipeline.core.errors import JobError
from pipeline.job.files import Records
from pipeline.output.types import TYPES
from pipeline.records.source import open_records
from tests.support.project import Project
from tests.support.tables import SAMPLES

PARQUET = Path(__file__).parents[1] / "data/parquet"


@pytest.mark.parametrize("name", TYPES)
def test_a_job_over_a_column_of_any_type_ends_well_or_sends_nothing(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path)
    dtype, value = SAMPLES[name]
    if name in ("Object", "Unknown"):  # no file has them
        frame = pl.DataFrame({"v": pl.Series("v", [value], pl.Object)})
        with pytest.raises(JobError, match="cannot be a key"):
            open_records(Records(key="v"), tmp_path, frame)
        return
    pl.DataFrame({"sku": ["1", "2"], "v": pl.Series("v", [value, None], dtype)}).write_parquet(
        tmp_path / "r.parquet"
    )
    step = {"name": "post", "prompt": "Write: {{ v }}"}
    for suffix in ("csv", "jsonl", "parquet", "xlsx"):
        project.job(
            name=suffix,
            steps=[step],
            output={"to": f"output/{suffix}.{suffix}"},
        )
        done = project.run("run", "job.yaml", "--set", "records.from=r.parquet")
        if TYPES[name][0]:
            assert done.returncode == 0, done.stderr
            assert (tmp_path / f"output/{suffix}.{suffix}").exists()
        else:
            assert done.returncode == 2
            assert "template: the column 'v' holds Binary values, which have no text" in done.stderr
            assert not (tmp_path / f"output/{suffix}/journal.sqlite").exists()


def test_a_uuid_is_a_key_and_a_cell_of_csv(tmp_path: Path) -> None:
    project = Project(tmp_path)
    shutil.copy(PARQUET / "duckdb_uuid.parquet", tmp_path / "r.parquet")
    project.job(steps=[{"name": "post", "prompt": "{{ v }}"}])
    job = ("job.yaml", "--set", "records.from=r.parquet", "--set", "records.key=v")
    assert project.run("run", *job).returncode == 0
    table = project.result()
    assert all(len(one) == 36 and one in post for one, post in zip(table["v"], table["post"], strict=True))


@pytest.mark.parametrize("command", [("run",), ("run", "--pilot", "2"), ("plan",), ("check",), ("export",)])
def test_what_the_output_cannot_hold_is_refused_by_every_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    project = Project(tmp_path)
    shutil.copy(PARQUET / "duckdb_blob.parquet", tmp_path / "r.parquet")
    project.job(steps=[{"name": "post", "prompt": "{{ id }}"}], records=None)
    sets = ("--set", "records.from=r.parquet", "--set", "records.key=id")
    done = project.run(command[0], "job.yaml", *sets, *command[1:])
    assert done.returncode == 2
    assert "the column 'v' holds bytes, which posts.csv cannot hold\n  write a .parquet file" in done.stderr
    assert not (tmp_path / "output/shop/journal.sqlite").exists()
