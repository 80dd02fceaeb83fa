"""What all tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asyncio alone: aiohttp and aiolimiter know no other."""
    return ("asyncio", {"use_uvloop": False})
