"""Every type of polars, in every format and in a template."""

from __future__ import annotations

import inspect
from pathlib import Path

import polars as pl
import pytest
from polars import datatypes

from pipeline.core.errors import JobError
from pipeline.output.table import Table
from pipeline.output.types import FORMATS, TYPES
from tests.support.tables import SAMPLES

ABSTRACT = {"DataType", "FloatType", "IntegerType", "TemporalType", "BaseExtension", "Extension"}


def test_the_table_has_every_type_that_polars_has() -> None:
    there = {
        kind.__name__
        for _, kind in inspect.getmembers(datatypes, inspect.isclass)
        if issubclass(kind, pl.DataType)
    }
    assert there - ABSTRACT == set(TYPES) == set(SAMPLES)
    assert all(len(row) == len(FORMATS) for row in TYPES.values())


@pytest.mark.parametrize("form", [*FORMATS[1:], "tsv"])
@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_written_or_is_refused_before_anything(tmp_path: Path, name: str, form: str) -> None:
    dtype, value = SAMPLES[name]
    target = tmp_path / f"a.{form}"
    if not TYPES[name][FORMATS.index("csv" if form == "tsv" else form)]:
        with pytest.raises(JobError, match=r"the column 'v' holds .* cannot hold"):
            Table([target], pl.Schema({"v": dtype}))
        assert list(tmp_path.iterdir()) == []
        return
    for place, kind, held in ((target, dtype, value), (tmp_path / f"b.{form}", pl.List(dtype), [value])):
        with Table([place], pl.Schema({"v": kind})) as table:
            table.write([(held,), (None,)])
            table.publish()
        if form == "parquet":
            frame = pl.read_parquet(place)
            assert (frame.schema["v"], frame["v"].to_list()) == (kind, [held, None])
