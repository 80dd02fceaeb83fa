"""Lines of a summary at a terminal: broken between words, and nowhere else."""

from __future__ import annotations

import io

import pytest

from pipeline.cli._common import fitted

LINE = "  120 requests sent, 0 answered by the journal; 4,217 + 7,080 tokens in + out, at most $0.0432; 0:07"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [20, 40, 60, 79, 80, 98, 200])
def test_a_line_is_broken_between_words(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = fitted(LINE, Terminal()).splitlines()
    assert all(len(line) <= columns for line in lines) and " ".join(lines).split() == LINE.split()
    assert all(line.startswith("    ") for line in lines[1:])
    assert fitted(LINE, io.StringIO()) == LINE, "a program reads it as it is"
    assert fitted("x" * 300, Terminal()) == "x" * 300, "a path is not broken"
