"""A run in several processes: the same table and the same bills as in one, whoever is killed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.many import WIDTH, ran

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def held(folder: Path, seed: int, kills: int) -> None:
    """The same job in one process and in three, of which some are killed."""
    table, result, bills = ran(folder / "one", seed, 1)
    other, again, paid = ran(folder / "three", seed, 3, kills)
    assert other == table, f"seed {seed}: another table"
    counts = ["ok", "failed", "skipped", "pending", "told", "reasons", "remarks"]
    counts += ["sharing"] if result.accept is None else []
    assert [getattr(again, name) for name in counts] == [getattr(result, name) for name in counts], seed
    if result.accept is None:  # else how far a run goes before it has enough depends on time
        assert paid.paid.keys() == bills.paid.keys(), f"seed {seed}: other requests"
    assert paid.overpaid <= kills * WIDTH, f"seed {seed}: paid twice for more than was in flight"
    if not kills and result.accept is None:
        assert (paid.input, paid.output) == (bills.input, bills.output)
        assert (again.sent, again.cost) == (result.sent, result.cost)


@pytest.mark.parametrize(("seed", "kills"), [(1, 0), (2, 2)])
def test_the_table_and_the_bills_are_those_of_one_process(tmp_path: Path, seed: int, kills: int) -> None:
    held(tmp_path, seed, kills)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 160))
def test_so_it_is_for_jobs_at_random(tmp_path: Path, seed: int) -> None:
    held(tmp_path, seed, seed % 4)
