"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests.support.project import Project

HERE = Path(__file__).parent
LONG = frozenset(
    [
        "commands/test_doctor.py",
        "commands/test_forget.py",
        "commands/test_forget_money.py",
        "commands/test_journal_upgrade.py",
        "commands/test_run_clock.py",
        "commands/test_run_endpoints.py",
        "commands/test_run_faults.py",
        "commands/test_run_rates.py",
        "commands/test_wording.py",
        "hostile/test_bodies.py",
        "hostile/test_display.py",
        "hostile/test_heads.py",
        "hostile/test_reply_size.py",
        "hostile/test_spreadsheet.py",
        "hostile/test_tables.py",
        "hostile/test_template.py",
        "hostile/test_untrusted.py",
        "hostile/test_wire.py",
        "process/test_ctl.py",
        "process/test_disk_faults.py",
        "process/test_folder.py",
        "process/test_journal.py",
        "process/test_permissions.py",
        "process/test_resources.py",
        "process/test_spill.py",
        "promises/test_p21_secrets.py",
        "promises/test_traced.py",
        "unit/core/test_redaction.py",
        "unit/journal/test_verify.py",
        "unit/lanes/guards/test_balance.py",
        "unit/lanes/limits/test_circuit_breaker.py",
        "unit/lanes/limits/test_concurrency.py",
        "unit/lanes/limits/test_cooldown.py",
        "unit/lanes/limits/test_rate.py",
        "unit/lanes/test_lane.py",
        "unit/text/test_links.py",
    ]
)
"""modules that take too long for every change; `make soak` runs them, and so does CI"""

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the long modules to the long sweep."""
    for item in items:
        path = item.path.relative_to(HERE).as_posix()
        if path in LONG or path.startswith("soak/"):
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
