"""Which columns a result has, and what stands in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline.core.domain import Fault, Record
from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.engine.walk import Branch
from pipeline.job.load import load
from pipeline.output.columns import Columns

RECORDS = {"sku": pl.String(), "price": pl.Float64()}


def rows_of(
    folder: Path, steps: list[dict[str, Any]], include: list[str] | None = None, **records: Any
) -> Columns:
    models = {"m": {"provider": "scripted", "model": "x"}, "n": {"provider": "scripted", "model": "y"}}
    named = [{"prompt": "p", "model": "m", **step} for step in steps]
    job: dict[str, Any] = {"name": "a", "records": {"from": "r.csv"}, "models": models, "steps": named}
    job["output"] = {"include": ["status", "model"] if include is None else include}
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(job, sort_keys=False))
    loaded = load(file)
    return Columns(loaded, stages_of(loaded), {**RECORDS, **records})


def leaf(by: tuple[str, ...] = (), **values: Any) -> Branch:
    return Branch(Record("k", {"sku": "007", "price": 1.5}, 1), at=9, values=values, models=by)


def row_of(columns: Columns, branch: Branch) -> tuple[Any, ...]:
    """The cells of one leaf, held against what they are among others."""
    ((row, other),) = [zip(*columns.of([branch, branch]), strict=True)]
    assert row == other
    return row


def test_columns_stand_in_the_order_of_records_forks_answers_and_facts(tmp_path: Path) -> None:
    shape = {
        "title": "string",
        "tags": ["string"],
        "n": "integer",
        "x": "number",
        "ok": "boolean",
        "o": {"a": "string"},
    }
    steps: list[dict[str, Any]] = [
        {"name": "post", "answer": {"json": shape}},
        {
            "name": "note",
            "each": {"lang": ["de", "no"], "size": [1, 2], "f": [1, 2.5], "b": [True], "mix": [1, "a"]},
        },
    ]
    rows = rows_of(tmp_path, steps, ["key", "reason", "status", "model"])
    assert dict(rows.schema) == {
        "sku": pl.String, "price": pl.Float64,
        "post.title": pl.String, "post.tags": pl.List(pl.String), "post.n": pl.Int64, "post.x": pl.Float64,
        "post.ok": pl.Boolean, "post.o": pl.Struct({"a": pl.String}),
        "lang": pl.String, "size": pl.Int64, "f": pl.Float64, "b": pl.Boolean, "mix": pl.String,
        "note": pl.String,
        "_key": pl.String, "_reason": pl.String, "_status": pl.String, "_model": pl.String,
    }  # fmt: skip
    answer = {"title": "t", "tags": ["a"], "n": 5, "x": 1, "ok": True, "o": {"a": "b"}}
    by = ("scripted/x", "scripted/x")
    row = row_of(rows, leaf(by, post=answer, lang="de", size=1, f=1, b=True, mix=1, note="text"))
    assert row == (
        "007", 1.5, "t", ["a"], 5, 1.0, True, {"a": "b"}, "de", 1, 1.0, True, "1", "text",
        "k", None, "ok", "scripted/x",
    )  # fmt: skip
    assert type(row[10]) is float
    frame = pl.DataFrame([row], schema=rows.schema, orient="row", strict=True)
    assert frame.rows()[0] == row


def test_a_row_without_answers_is_empty_where_they_would_stand(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [{"name": "post", "answer": {"json": {"a": "string"}}}, {"name": "note"}]
    rows = rows_of(tmp_path, steps, ["status", "reason", "model"])
    failed = Branch(leaf().record, values={}, fault=Fault("rejected", "too long"))
    assert row_of(rows, failed) == ("007", 1.5, None, None, "failed", "rejected: too long", None)
    skipped = replace(leaf(("scripted/x",), post=None, note="x"), at=2, skipped=frozenset({"post"}))
    assert row_of(rows, skipped) == ("007", 1.5, None, "x", "skipped", "when: post", "scripted/x")


def test_a_row_names_all_its_models_once_and_in_order(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path, [{"name": "a", "model": "n"}, {"name": "b"}, {"name": "c", "model": "n"}], ["model"]
    )
    by = ("scripted/y", "scripted/x", "scripted/y")
    assert row_of(rows, leaf(by, a="x", b="y", c="z"))[-1] == "scripted/y, scripted/x"
    assert row_of(rows, leaf(a="nothing had to be asked"))[-1] is None


def test_an_open_answer_is_one_column_of_json(tmp_path: Path) -> None:
    answer = {"json": {"type": "object", "properties": {"a": {}}, "additionalProperties": True}}
    rows = rows_of(tmp_path, [{"name": "post", "answer": answer}], [])
    assert rows.schema["post"] == pl.String
    assert row_of(rows, leaf(post={"a": 1, "z": [2]}))[-1] == '{"a":1,"z":[2]}'


@pytest.mark.parametrize(
    ("steps", "records", "name"),
    [
        ([{"name": "sku"}], {}, "sku"),
        ([{"name": "post", "answer": {"json": {"a": "string"}}}], {"post.a": pl.String()}, "post.a"),
        ([{"name": "a", "each": {"lang": [1]}}, {"name": "b", "each": {"lang": [2]}}], {}, "lang"),
    ],
)
def test_two_columns_of_one_name_are_refused(
    steps: list[dict[str, Any]], records: dict[str, Any], name: str, tmp_path: Path
) -> None:
    with pytest.raises(JobError, match=f"two columns named '{name}'"):
        rows_of(tmp_path, steps, **records)


def test_a_fan_out_over_a_columns_name_puts_its_values_in_the_columns_place(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [{"name": "post", "each": {"price": [1, 2]}}], [])
    assert list(rows.schema) == ["sku", "price", "post"]
    assert rows.schema["price"] == pl.Int64


def test_nothing_is_included_that_is_not_asked_for(tmp_path: Path) -> None:
    assert list(rows_of(tmp_path, [{"name": "post"}], []).schema) == ["sku", "price", "post"]
