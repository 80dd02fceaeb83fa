"""What is generated from the code is what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

GENERATE = Path(__file__).parent.parent / "docs" / "generate.py"


def test_no_generated_file_is_stale() -> None:
    assert runpy.run_path(str(GENERATE))["stale"]() == []


def test_the_table_of_kinds_goes_between_the_markers_and_nowhere_else() -> None:
    place = runpy.run_path(str(GENERATE))["_with_kinds"]
    text = "# Title\n<!-- kinds -->\nold\n<!-- /kinds -->\nend\n"
    assert place(text, "| a |\n") == "# Title\n<!-- kinds -->\n\n| a |\n\n<!-- /kinds -->\nend\n"
    assert place("no markers", "| a |\n") == "no markers"


def test_placing_the_table_twice_changes_nothing() -> None:
    place = runpy.run_path(str(GENERATE))["_with_kinds"]
    once = place("<!-- kinds --><!-- kinds -->\n<!-- /kinds -->", "| a |\n")
    assert place(once, "| a |\n") == once


def test_the_check_names_a_stale_file_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = tmp_path / "docs" / "generate.py"
    script.parent.mkdir()
    script.write_text(GENERATE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "docs/commands.md is stale" in said
    assert "job.schema.json is stale" in said
