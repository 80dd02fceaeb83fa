"""The lines of a batch are read some at a time, however long they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.runs.night import collect


@pytest.mark.parametrize("length", [10, 100_000, 3 << 20])
def test_no_more_lines_are_in_memory_than_their_number_and_their_bytes_allow(
    tmp_path: Path, length: int
) -> None:
    file = tmp_path / "results.jsonl"
    body = {"text": "x" * length}
    with file.open("w") as lines:
        for number in range(count := min(600, (60 << 20) // length)):
            response = {"status_code": 200, "body": body}
            lines.write(json.dumps({"custom_id": f"{number:064x}", "response": response}) + "\n")
            lines.write("\n")
    parts = list(collect._read(file))
    assert [int.from_bytes(one.digest) for part in parts for one in part] == list(range(count))
    assert max(map(len, parts)) <= collect.AT_ONCE
    for part in parts:
        assert sum(len(one.back.body) for one in part) < collect.BYTES_AT_ONCE + length + 100
