"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests.support.project import Project

APART = {Path(__file__).parent / name: name for name in ("soak", "compat")}
"""folders that `make test` leaves out, each with the marker that its tests get"""
MOST_SECONDS, MOST_SOAK_SECONDS = 300.0, 1800.0
"""a test that takes longer fails: it hangs, or belongs elsewhere"""

settings.register_profile("quick", deadline=None, max_examples=30)
settings.register_profile("whole", deadline=None)
settings.load_profile("whole" if os.environ.get("CI") else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what stands apart to the commands of its own."""
    for item in items:
        for folder, marker in APART.items():
            if folder in item.path.parents:
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End a test that hangs; the alarm comes again and again, as something may keep it to itself."""
    seconds = MOST_SOAK_SECONDS if any(map(item.get_closest_marker, APART.values())) else MOST_SECONDS

    def over(*_: object) -> None:
        pytest.fail(f"took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asyncio alone: aiohttp and aiolimiter know no other."""
    return ("asyncio", {"use_uvloop": False})


@pytest.fixture(scope="session", autouse=True)
def hang_ups_are_heard() -> Iterator[None]:
    """What these tests start hears SIGHUP under nohup, too: who ignores it has children that do."""
    before = signal.getsignal(signal.SIGHUP)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder of a user."""
    return Project(tmp_path)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which pytest's own are not everywhere."""
    with TemporaryDirectory(prefix="p", dir="/tmp") as folder:
        yield Path(folder)
