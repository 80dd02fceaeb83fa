"""The commands that messages about tables give, as a shell understands them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.tables import refused


def test_an_encoding_fault_says_how_to_convert(tmp_path: Path) -> None:
    said = refused(tmp_path, "my a.csv", b"a\ncaf\xe9\n")
    _, _, command = said.partition("or: ")
    subprocess.run(["sh", "-c", command], check=True)
    assert (tmp_path / "utf8-my a.csv").read_text() == "a\ncafé\n"
