"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests.project import Project

LONG = frozenset(
    [
        "bombs",
        "breaker",
        "canary",
        "cooldown",
        "endpoints",
        "forget",
        "forget_money",
        "forget_proof",
        "hostile_bodies",
        "hostile_heads",
        "hostile_wire",
        "matrix_disk",
        "matrix_run",
        "moved",
        "new_links",
        "pace",
        "permissions",
        "private",
        "promises_traced",
        "reply_bombs",
        "run_faults",
        "run_rates",
        "summaries",
        "upgrade",
        "run_clock",
        "run_control",
        "run_endpoints",
        "spreadsheet_safe",
        "untrusted",
        "width",
        "paced",
        "doctor",
        "output_safety",
        "journal_harm",
        "journal_sums",
        "record_bombs",
        "shelf",
    ]
)
"""modules that take too long for every change; `make soak` runs them, and so does CI"""

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long modules to the long sweep."""
    for item in items:
        if item.path.stem.removeprefix("test_") in LONG:
            item.add_marker(pytest.mark.soak)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asyncio alone: aiohttp and aiolimiter know no other."""
    return ("asyncio", {"use_uvloop": False})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder of a user."""
    return Project(tmp_path)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which pytest's own are not everywhere."""
    with TemporaryDirectory(prefix="p", dir="/tmp") as folder:
        yield Path(folder)
