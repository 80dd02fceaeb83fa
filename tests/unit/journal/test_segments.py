"""The index of segments: what is looked up costs the same however many segments there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.core.domain import Request
from pipeline.journal import segments
from pipeline.journal.database import connect


def test_a_question_about_segments_reads_no_table_from_end_to_end(tmp_path: Path) -> None:
    connection = connect(tmp_path / "journal.sqlite")
    plans: list[str] = []

    def select(sql: str, values: tuple[Any, ...]) -> list[Any]:
        plans.extend(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
        return connection.execute(sql, values).fetchall()

    key, digest = bytes(16), bytes(32)
    row = next(iter(segments.rows_of(_request(key))))
    connection.execute(segments.NOTE, row)
    assert segments.is_whole(*row) and not segments.is_whole(key, digest, *row[2:])
    assert segments.kept_for(select, [key, b"x" * 16]) == [[], []]
    assert plans and not [plan for plan in plans if plan.startswith("SCAN")], plans
    connection.close()


def _request(key: bytes) -> Request:
    return Request("chat", "m", b"{}", "step", "record", segments=(key,))
