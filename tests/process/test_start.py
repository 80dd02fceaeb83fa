"""What a command does not load when it starts."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from pipeline.cli.run import load_structlog
load_structlog()
import structlog
assert not [name for name in sys.modules if name.startswith("rich")]
import rich.console  # the screen can be drawn all the same
"""


def test_structlog_is_loaded_without_rich() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)
