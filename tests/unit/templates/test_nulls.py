"""A null is no empty text: a template can tell them apart, whatever file they come from."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.job.files import Records
from pipeline.records.source import open_records
from pipeline.templates.compiled import Compiled
from pipeline.templates.template import Template

ASKS = "{{ 'null' if note is none else 'text <' ~ note ~ '>' }}"
FRAME = pl.DataFrame({"id": ["1", "2", "3"], "note": [None, "", "a"]})


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.tsv"])
def test_is_none_tells_a_null_from_the_empty_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        FRAME.write_parquet(path)
    elif name.endswith("jsonl"):
        FRAME.write_ndjson(path)
    else:
        comma = "\t" if name.endswith("tsv") else ","
        path.write_text(f'id{comma}note\n1{comma}\n2{comma}""\n3{comma}a\n')
    source = open_records(Records.model_validate({"from": name, "key": "id"}), tmp_path)
    template = Template(ASKS, lambda line, column: f"{line}:{column}", Compiled)
    said = [template.render(record.fields) for batch in source.batches() for record in batch]
    assert said == ["null", "text <>", "text <a>"]
