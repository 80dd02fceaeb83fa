"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import Project


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asyncio alone: aiohttp and aiolimiter know no other."""
    return ("asyncio", {"use_uvloop": False})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder of a user."""
    return Project(tmp_path)
