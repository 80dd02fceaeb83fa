"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.project import Project

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asyncio alone: aiohttp and aiolimiter know no other."""
    return ("asyncio", {"use_uvloop": False})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder of a user."""
    return Project(tmp_path)
