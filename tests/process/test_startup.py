"""What a command imports before it does anything."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_the_library_is_imported_only_where_a_price_is_looked_up() -> None:
    code = (
        "import sys; from pipeline.money.prices import price_of;"
        "price_of('m', '', {'input': 1, 'output': 1});"
        "assert 'genai_prices' not in sys.modules; price_of('m'); assert 'genai_prices' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("command", ["--help", "kinds"])
def test_help_is_quick_because_it_imports_nothing_heavy(command: str) -> None:
    code = "import sys; from pipeline.cli import app; app(standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True, check=True)
    assert {"openai", "polars", "aiohttp"}.isdisjoint(done.stdout.splitlines()[-1].split())
