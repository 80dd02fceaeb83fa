"""The page of faults, out of `faults.yaml`; `test_faults_table.py` holds it against the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HEAD = """\
# What can go wrong

This page is made from `docs/faults.yaml` by `python docs/generate.py`. Each row names the tests that prove
it: `make test` runs them, and `make soak` those that are marked *soak*. A test that is not there fails the
suite, and so does a row with neither a test nor a reason.
[promises.md](promises.md) says what holds in all of it.

"""
COLUMNS = ("", "fault", "what you see", "exit code", "what is safe", "proved by")
Row = dict[str, Any]


def parts() -> list[tuple[str, list[Row]]]:
    """The rows by part, each with `n`, `fault`, `seen`, `exit`, `safe`, and `tests`, a `reason` or both."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return [(part["part"], part["rows"]) for part in yaml.safe_load(text)]


def page() -> str:
    """The page."""
    return HEAD + "\n".join(f"## {name}\n\n{''.join(_lines(rows))}" for name, rows in parts())


def _lines(rows: list[Row]) -> Iterator[str]:
    yield _line(COLUMNS)
    yield _line(["---"] * len(COLUMNS))
    for row in rows:
        yield _line([str(row["n"]), row["fault"], row["seen"], str(row["exit"]), row["safe"], _proof(row)])


def _proof(row: Row) -> str:
    tests = [_named(*name.split("::")) for name in row.get("tests", ())]
    return "<br>".join([*tests, *([row["reason"]] if "reason" in row else [])])


def _named(file: str, test: str) -> str:
    """The folder of a test decides which command runs it."""
    return f"`{test}` *soak*" if file.startswith("soak/") else f"`{test}`"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
