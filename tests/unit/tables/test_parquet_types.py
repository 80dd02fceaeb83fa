"""Types of Parquet that polars does not have, in files of other programs."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import InputError
from tests.support.tables import opened, read

FILES = Path(__file__).parents[2] / "data/parquet"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REFUSED = {
    "duckdb_interval": "the column 'v' is INTERVAL, which is not read",
    "duckdb_map_interval": "the column 'v' is INTERVAL, which is not read",
    "decimal256": "the column 'v' is a decimal of 60 digits, which is not read",
    "unknown_zone": "the column 'v' has the time zone 'Mars/Olympus'",
    "far_date": "row 1: the date in the column 'v' is not in the years 1 to 9999",
    "far_time": "row 1: the date in the column 'v' is not in the years 1 to 9999",
}
READ: dict[str, Any] = {
    "duckdb_enum": "a",
    "duckdb_json": '{"a":1}',
    "duckdb_map": {"a": 1},
    "duckdb_blob": b"ab",
    "f16": 1.5,
    "json": '{"a":1}',
    "listmap": [{"a": 1}],
    "map": {"a": 1},
    "opaque": 1,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_an_error_in_words(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as error:
        opened(FILES, f"{name}.parquet")
    assert REFUSED[name] in str(error.value)
    assert "panicked" not in capfd.readouterr().err


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_has_its_value(name: str) -> None:
    assert read(opened(FILES, f"{name}.parquet"))[0].fields["v"] == READ[name]


def test_a_uuid_is_text_also_inside_lists_and_objects() -> None:
    assert UUID.fullmatch(read(opened(FILES, "duckdb_nested_uuid.parquet"))[0].fields["v"][0])
    assert UUID.fullmatch(read(opened(FILES, "duckdb_struct_uuid.parquet"))[0].fields["v"]["a"])
    *ids, empty = (record.fields["v"] for record in read(opened(FILES, "uuid.parquet")))
    assert all(str(uuid.UUID(one)) == one for one in ids) and empty is None


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_damaged_footer_is_never_more_than_an_error(tmp_path: Path, cut: int) -> None:
    data = bytearray((FILES / "duckdb_struct_uuid.parquet").read_bytes())
    data[-9 - cut % (len(data) - 9)] ^= 0xFF
    (tmp_path / "a.parquet").write_bytes(data)
    try:
        read(opened(tmp_path, "a.parquet"))
    except InputError as error:
        assert "a.parquet" in str(error)
