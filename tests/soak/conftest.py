"""The order of the long sweeps: the longest begin first, so that no worker is alone with one at the end."""

from __future__ import annotations

import pytest

LONGEST = (
    "test_nights_killed",
    "test_documents_killed",
    "test_p01_system_calls",
    "test_p11_real_time",
    "test_p02_power_cut",
    "test_heads",
    "test_p01_kills",
    "test_runs",
    "test_damaged_journal",
    "test_p08_states",
    "test_folder",
)
"""files, by what one of their tests takes; other tests are quicker"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; all others stay in their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))
