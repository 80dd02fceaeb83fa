"""`--processes auto`: as many as there are cores, where one process is not enough; else none at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from pipeline import api
from pipeline.core.errors import RunStopped
from pipeline.job.load import load
from pipeline.job.spec import Job
from pipeline.runs.state import Wish
from pipeline.runs.workers import crew
from pipeline.runs.workers.local import processes
from pipeline.system import resources

ROWS = 60
AUTO = Wish(processes=crew.AUTO)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many processes were wanted, each time that some were; that ends the run."""
    counts: list[int] = []

    @asynccontextmanager
    async def noted(count: int, *rest: Any) -> AsyncIterator[None]:
        counts.append(count)
        raise RunStopped("processes were wanted")
        yield

    monkeypatch.setattr(crew, "processes", noted)
    monkeypatch.setattr(crew, "cores", lambda: 2)
    return counts


def job(folder: Path, latency: float = 0.0) -> Job:
    (folder / "rows.csv").write_text("id,title\n" + "".join(f"{i},thing {i}\n" for i in range(ROWS)))
    model = {"provider": "scripted", "model": "m", "options": {"latency": latency}}
    step = {"name": "post", "prompt": "Write about {{ title }}"}
    said = {"name": "auto", "records": {"from": "rows.csv", "key": "id"}, "models": {"m": model}}
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump({**said, "steps": [step], "output": {"to": "table.csv"}}))
    return load(file)


def ran(folder: Path, latency: float = 0.0) -> bytes:
    assert api.run(job(folder, latency), wish=AUTO).ok == ROWS
    return (folder / "table.csv").read_bytes()


def begin_at_once(patch: pytest.MonkeyPatch) -> None:
    """One process is held to be too busy from the first moment."""
    for name, value in {"BUSY": -1.0, "EVERY": 0.01, "TIMES": 1}.items():
        patch.setattr(crew, name, value)


def test_one_core_has_no_other_process_however_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    monkeypatch.setattr(crew, "cores", lambda: 1)
    monkeypatch.setattr(crew, "MANY_ROWS", 1)
    begin_at_once(monkeypatch)
    assert ran(tmp_path) == ran(tmp_path) and not started


@pytest.mark.parametrize(("cores", "count"), [(2, 2), (3, 3), (64, crew.MOST_BY_ITSELF)])
def test_so_many_processes_as_cores_when_one_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int], cores: int, count: int
) -> None:
    monkeypatch.setattr(crew, "cores", lambda: cores)
    begin_at_once(monkeypatch)
    with pytest.raises(RunStopped, match="processes were wanted"):
        ran(tmp_path, latency=0.2)
    assert started == [count]


def test_few_rows_and_an_idle_process_start_none(tmp_path: Path, started: list[int]) -> None:
    ran(tmp_path, latency=0.2)
    ran(tmp_path)
    assert not started


def test_many_rows_in_the_journal_are_worth_the_start_and_few_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    table, whole = ran(tmp_path), processes

    @asynccontextmanager
    async def noted(count: int, *rest: Any) -> AsyncIterator[None]:
        started.append(count)
        async with whole(count, *rest):
            yield

    monkeypatch.setattr(crew, "processes", noted)
    monkeypatch.setattr(crew, "MANY_ROWS", ROWS + 1)
    assert ran(tmp_path) == table and not started
    monkeypatch.setattr(crew, "MANY_ROWS", ROWS)
    assert ran(tmp_path) == table and started == [2]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 6), (0.95, 3)])
async def test_a_process_is_busy_when_it_was_so_several_times_on_end(
    monkeypatch: pytest.MonkeyPatch, share: float, expected: int
) -> None:
    spent = iter([0, 0.9, 0, 0.9, 0, share, 0, 0.9, 0, 0.9, 0, 0.9] + [0, 1] * 9)
    clock = iter([0, 1] * 20)
    looks: list[float] = []

    async def sleep(seconds: float) -> None:
        looks.append(seconds)

    monkeypatch.setattr(crew.time, "thread_time", lambda: next(spent))
    monkeypatch.setattr(crew.time, "monotonic", lambda: next(clock))
    with monkeypatch.context() as patch:
        patch.setattr(anyio, "sleep", sleep)
        await crew._busy()
    assert looks == [crew.EVERY] * expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "6400000 100000"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu.max": "1 0"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
    ],
)
def test_the_cores_are_those_that_a_container_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(resources, "GROUPS", tmp_path)
    monkeypatch.setattr(resources.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert resources.cores() == expected
