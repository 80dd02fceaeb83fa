"""Every fault and every promise of the docs is proved by tests that are there, or says why not."""

from __future__ import annotations

import ast
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
_SCRIPT = runpy.run_path(str(PAGE.with_suffix(".py")))
ROWS: list[dict[str, Any]] = [row for _, rows in _SCRIPT["parts"]() for row in rows]
CODES = ("0", "2", "3", "4", "74", "75", "130", "137", "as the error", "—")


@cache
def functions(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_there_are_88_rows_and_each_has_a_test_or_a_reason() -> None:
    assert [row["n"] for row in ROWS] == list(range(1, 89))
    for row in ROWS:
        assert row.get("tests") or row.get("reason"), row["n"]
        assert str(row["exit"]).startswith(CODES), row["n"]
        assert set(row) <= {"n", "fault", "seen", "exit", "safe", "tests", "reason"}, row["n"]


@pytest.mark.parametrize("row", [row for row in ROWS if row.get("tests")], ids=lambda row: str(row["n"]))
def test_the_tests_of_a_row_are_there(row: dict[str, Any]) -> None:
    for name in row["tests"]:
        file, _, function = name.partition("::")
        assert (TESTS / file).is_file(), name
        assert function in functions(file), name


def test_the_page_is_what_the_rows_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == _SCRIPT["page"]()


PROMISES = (TESTS.parent / "docs" / "promises.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", range(1, 25))
def test_each_promise_has_a_file_of_tests_that_its_paragraph_names(number: int) -> None:
    paragraph = re.search(rf"^\*\*P{number}\..*?(?=^\*\*P|^## |\Z)", PROMISES, re.MULTILINE | re.DOTALL)
    assert paragraph is not None
    (file,) = (TESTS / "promises").glob(f"test_p{number:02}_*.py")
    assert f"`promises/{file.name}`" in paragraph[0]
    assert any(name.startswith(f"test_p{number:02}_") for name in functions(f"promises/{file.name}"))


def test_every_file_of_tests_that_is_named_is_there() -> None:
    for name in re.findall(r"`((?:unit|commands|process|hostile|promises|soak)/[^`]*\.py)`", PROMISES):
        assert (TESTS / name).is_file(), name
