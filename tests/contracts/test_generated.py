"""What is generated from the code is what the code says."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline.wire.faults import fault_of
from tests.support import ROOT

GENERATE = ROOT / "docs" / "generate.py"
_SCRIPT = runpy.run_path(str(GENERATE))
PAGES: dict[str, dict[str, Any]] = _SCRIPT["_PAGES"]
FAULT_ROWS: list[tuple[str, str, str, str]] = list(_SCRIPT["fault_rows"]())
WORDS = {
    "whole limit": "Request too large for m",
    "about the key": "API key not valid.",
    "about the model": "Model not exist.",
    "overloaded": "The model is overloaded",
    "resource": "Resource unavailable",
    "nginx": "<center>nginx</center>",
}
"""words of a row, and the message that a server sends then"""
STATUS = re.compile(r"\b[2-5](?:[0-9]{2}|xx)\b")


def test_no_generated_file_is_stale() -> None:
    assert runpy.run_path(str(GENERATE))["stale"]() == []


def test_a_table_goes_between_its_markers_and_nowhere_else() -> None:
    place = runpy.run_path(str(GENERATE))["_with_table"]
    text = "# Title\n<!-- kinds -->\nold\n<!-- /kinds -->\nend\n<!-- stops -->\nold\n<!-- /stops -->\n"
    placed = place("kinds", text, "| a |\n")
    assert placed == text.replace("<!-- kinds -->\nold\n", "<!-- kinds -->\n\n| a |\n\n")
    assert place("kinds", "no markers", "| a |\n") == "no markers"


def test_placing_a_table_twice_changes_nothing() -> None:
    place = runpy.run_path(str(GENERATE))["_with_table"]
    once = place("kinds", "<!-- kinds --><!-- kinds -->\n<!-- /kinds -->", "| a |\n")
    assert place("kinds", once, "| a |\n") == once


@pytest.mark.parametrize("page, name", [(page, name) for page, names in PAGES.items() for name in names])
def test_every_generated_table_has_its_place(page: str, name: str) -> None:
    text = (GENERATE.parent.parent / page).read_text(encoding="utf-8")
    assert text.count(f"<!-- {name} -->\n") == text.count(f"\n<!-- /{name} -->") == 1


@pytest.mark.parametrize("came, kinds, fate, billed", [row for row in FAULT_ROWS if STATUS.search(row[0])])
def test_the_table_of_faults_is_what_the_code_does(came: str, kinds: str, fate: str, billed: str) -> None:
    error = b""
    if "quota code" in came:
        error = b'{"error": {"code": "insufficient_quota"}}'
    for words, message in WORDS.items():
        if words in came:
            error = orjson.dumps({"error": {"message": message}})
    for status in STATUS.findall(came):
        fault = fault_of(int(status.replace("x", "0")), {}, error)
        assert fault.kind in kinds.split(", ")
        assert (fault.fate.value, fault.billed.value) == (fate.partition(",")[0], billed)


def test_the_check_names_a_stale_file_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = tmp_path / "docs" / "generate.py"
    script.parent.mkdir()
    for name in ("generate.py", "faults.py", "faults.yaml", "servers.py"):
        shutil.copy(GENERATE.with_name(name), script.parent)
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "docs/commands.md is stale" in said
    assert "job.schema.json is stale" in said
