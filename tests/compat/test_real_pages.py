"""More than 1,500 real pages of Markdown, from the packages that one program of npm needs.

It needs npm. Each page stays as it is when nothing is translated, and keeps its structure when its letters
change.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.core.document import Policy
from tests.unit.documents.test_markdown_sweep import holds, other

pytestmark = [
    pytest.mark.compat,
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not there"),
]
PACKAGE = "@docusaurus/core@3"
FEWEST = 500


def test_real_pages_stay_as_they_are(tmp_path: Path) -> None:
    command = [
        "npm",
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(tmp_path),
        PACKAGE,
    ]
    if subprocess.run(command, capture_output=True, timeout=600, check=False).returncode:
        pytest.skip("the packages cannot be installed")
    pages = {page.read_bytes() for page in (tmp_path / "node_modules").rglob("*.md") if page.is_file()}
    read = 0
    for content in sorted(pages):
        try:
            content.decode()
        except UnicodeDecodeError:
            continue
        document = holds(content, Policy())
        targets = [document.mended(place, other(segment)) for place, segment in enumerate(document.segments)]
        assert document.broken(document.build(targets, "xx")) == [], content[:200]
        read += 1
    assert read >= FEWEST
