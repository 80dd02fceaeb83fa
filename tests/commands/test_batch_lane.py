"""A job whose requests go by batch: half the price, the same rows, and nothing paid twice."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import api
from pipeline.core.domain import Billed, Fate, Fault
from pipeline.core.errors import RunStopped
from pipeline.job.load import load
from pipeline.journal.batches import Batch
from pipeline.providers import scripted
from pipeline.providers.http.batches import Batches
from pipeline.runs.night import submit
from pipeline.runs.night.under_way import UnderWay
from pipeline.runs.status import status_of
from pipeline.testing import Script
from pipeline.testing.script import BatchRule, BatchScript
from tests.support.nights import HOURS, LOST, NO_ANSWER, fail_batches, pass_a_night
from tests.support.project import KEY, Project
from tests.support.served import bill, nano, served
from tests.support.writer import Chat, writer

STEPS = [
    {"name": "idea", "prompt": "An idea for {{ title }}, number {{ sku }}."},
    {"name": "post", "prompt": "Write about: {{ idea }}", "checks": {"contains": "done"}, "repairs": 2},
    {"name": "head", "prompt": "A title for: {{ post }}"},
]
ROWS = 40


def job(
    project: Project,
    base_url: str,
    lane: str,
    name: str = "shop",
    rows: int = ROWS,
    outage: float = 600,
    **changes: Any,
) -> None:
    models = served(base_url, lane=lane, limits={"timeout": 20, "outage": outage})
    to = {"to": f"output/{name}/posts.csv"}
    project.job(records=Project.numbered(rows), models=models, steps=STEPS, output=to, name=name, **changes)


def write(chat: Chat) -> str:
    """An answer that no other request has; of each third row only the second one passes the check."""
    draw = sha256(chat.first.encode()).hexdigest()[:16]
    return f"{draw} {chat.turn}" + (" done" if chat.turn or int(draw, 16) % 3 else "")


def table(project: Project, name: str = "shop") -> pl.DataFrame:
    return pl.read_csv(project.folder / f"output/{name}/posts.csv")


def test_by_batch_the_same_table_costs_half(project: Project) -> None:
    costs = {}
    for lane in ("sync", "batch"):
        with writer(write, Script(batches=BatchScript(latency=0.1))) as (server, _):
            job(project, server.base_url, lane, lane)
            done = project.run("run", "job.yaml")
            assert done.returncode == 0, done.stderr
            assert f"{ROWS} rows: {ROWS} ok" in done.stdout
            costs[lane] = bill(server.ledger())
            assert server.ledger().overpaid == 0
            assert nano(project.numbers("status", "job.yaml")["cost"]) == costs[lane]
            if lane == "batch":
                assert {line.tier for line in server.ledger().lines if line.billed} == {"batch"}
    assert table(project, "batch").drop("_cost", strict=False).equals(table(project, "sync"))
    assert costs["batch"] * 2 == pytest.approx(costs["sync"], abs=ROWS * 20)
    known = project.numbers("status", "job.yaml")["batches"]
    assert len(known) >= 4 and all(one["state"] == "ended" for one in known), "three steps, and repairs"
    assert not list((project.folder / "output/batch/batches").iterdir())


FAULTS = (
    {"fault": "create_500"}, {"fault": "create_drop"}, {"fault": "token_limit"},
    {"fault": "slow_cancel", "seconds": 0.5}, {"fault": "expired", "part": 0.5}, {"fault": "no_output"},
    {"fault": "output_gone"}, {"fault": "other_tier", "tier": "priority"}, {"fault": "line_429", "part": 0.3},
    {"fault": "line_500", "part": 0.3}, {"fault": "missing", "part": 0.3}, {"fault": "doubled", "part": 0.5},
    {"fault": "blank"}, {"fault": "cut", "part": 0.3}, {"fault": "shuffled"},
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=[one["fault"] for one in FAULTS])
def test_whatever_a_batch_does_every_row_is_right(project: Project, fault: dict[str, Any]) -> None:
    script = BatchScript(latency=0.05, faults=(BatchRule(first=1, **fault),))
    with writer(write) as (server, _):
        job(project, server.base_url, "sync", "sync", rows=10)
        assert project.run("run", "job.yaml").returncode == 0
    with writer(write, Script(batches=script)) as (server, _):
        job(project, server.base_url, "batch", "batch", rows=10)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        numbers = project.numbers("status", "job.yaml")
        least, most = nano(numbers["cost"]), nano(numbers["cost"] + numbers["maybe_cost"])
        assert least <= bill(server.ledger()) <= most
        assert least == bill(server.ledger()) or fault["fault"] in (
            "no_output",
            "output_gone",
            "missing",
            "cut",
        )
    assert table(project, "batch").equals(table(project, "sync"))


async def down(*_: object) -> None:
    raise Fault("unreachable", "cannot connect", billed=Billed.NO, fate=Fate.RETRY)


def test_a_batch_that_was_never_made_is_not_made_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setattr(submit, "WAITS", (0.01,))
    monkeypatch.setattr(submit, "LOOKS", (0.0,))
    with writer(write) as (server, _):
        job(project, server.base_url, "batch", rows=5, outage=0.01)
        file, said = project.folder / "job.yaml", list[str]()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Batches, "submit", down)
            with pytest.raises(RunStopped, match="cannot be submitted or looked at: unreachable"):
                api.run(load(file))
            patch.setattr(Batches, "find", down)
            with pytest.raises(RunStopped, match="cannot be submitted or looked at: unreachable"):
                api.run(load(file))
        result = api.run(load(file, ["models.writer.lane=sync"]), say=said.append)
        assert result.ok == 5 and not any("submitted" in line for line in said)
        assert not any(line.batch for line in server.ledger().lines)
        assert server.ledger().overpaid == 0


def test_whoever_stops_or_cancels_is_told_what_becomes_of_the_batches(project: Project) -> None:
    with writer(write, Script(batches=BatchScript(latency=60))) as (server, _):
        job(project, server.base_url, "batch", rows=5)
        stopped = project.run("run", "job.yaml", "--for", "3s")
        assert stopped.returncode == 75 and "1 batch still at the server: the same command" in stopped.stderr
        assert project.run("run", "job.yaml", "--detach").returncode == 75
        job(project, server.base_url, "batch", rows=5, max_failed=0.5)
        assert "cancelled: " in project.run("ctl", "job.yaml", "cancel").stdout
        again = project.run("ctl", "job.yaml", "cancel", "--set", "models.writer.model=n")
        assert (again.returncode, again.stdout) == (0, "no batch is under way\n")
        state = project.run("status", "job.yaml").stdout
        assert "last run: cancelled\nbatches: 1 cancelled" in state


def test_options_of_batches_say_when_they_change_nothing(project: Project) -> None:
    with writer(write) as (server, _):
        job(project, server.base_url, "sync", rows=2)
        done = project.run("run", "job.yaml", "--by", "07:00", "--detach")
        assert done.returncode == 0
        assert "no model goes by batch, so this has no effect: --by, --detach" in done.stderr


def test_before_a_deadline_a_server_without_batches_is_gone_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fail_batches(monkeypatch, lambda now, name: name != "cancel", lambda: True)
    morning = pass_a_night(tmp_path, hours=0.26, faults=[], seed=1, rows=4)
    assert morning.ok == 4 and 30 < morning.seconds < 0.26 * HOURS
    assert morning.at("4 requests may be paid for twice") is not None
    assert morning.bills.twice == 0


def test_a_batch_that_was_gone_round_is_not_made_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    left, leave = list[str](), UnderWay.leave

    async def lost(*_: object) -> None:
        raise LOST

    async def silent(*_: object) -> None:
        raise NO_ANSWER

    async def leaving(under_way: UnderWay, batch: Batch) -> None:
        monkeypatch.undo()  # the server is up again
        monkeypatch.chdir(tmp_path)
        left.append(batch.mark)
        await leave(under_way, batch)

    monkeypatch.setattr(UnderWay, "leave", leaving)
    monkeypatch.setattr(scripted.Batches, "submit", lost)
    monkeypatch.setattr(scripted.Batches, "find", silent)
    morning = pass_a_night(tmp_path, hours=0.26, faults=[], seed=1, rows=4)
    assert morning.ok == 4 and len(left) == 1
    assert morning.at("submitted") is None
    assert {one["state"] for one in status_of(load(tmp_path / "job.yaml"))["batches"]} == {"refused"}


def test_a_server_that_brought_results_at_last_is_not_called_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    times, nights, connect = list[float](), list[UnderWay](), UnderWay.connect

    def down(now: float, name: str) -> bool:
        times.extend([now] if name == "fetch" else [])
        return name == "fetch" and len(times) == 1

    async def connecting(under_way: UnderWay, *given: Any) -> None:
        nights.append(under_way)
        await connect(under_way, *given)

    monkeypatch.setattr(UnderWay, "connect", connecting)
    fail_batches(monkeypatch, down, lambda: False)
    assert pass_a_night(tmp_path, hours=None, faults=[], seed=1, rows=4).ok == 4
    assert len(times) > 1 and [night.silent for night in nights] == [{}]
