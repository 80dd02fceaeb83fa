"""The command that installs packages for this very interpreter. This module installs nothing itself."""

from __future__ import annotations

import importlib.util
import shlex
import sys


def install_command(packages: str) -> str:
    """One line for a shell; `packages` are requirements, with options before them, quoted for it."""
    python = shlex.quote(sys.executable)
    if importlib.util.find_spec("pip") is None:  # as in an environment that uv has made
        return f"uv pip install --python {python} {packages}"
    return f"{python} -m pip install {packages}"
