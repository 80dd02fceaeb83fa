"""A job whose requests go by batch: half the price, the same rows, and nothing paid twice."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import polars as pl
import pytest

from pipeline.testing import Script
from pipeline.testing.script import BatchRule, BatchScript
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.writer import Chat, writer

STEPS = [
    {"name": "idea", "prompt": "An idea for {{ title }}, number {{ sku }}."},
    {"name": "post", "prompt": "Write about: {{ idea }}", "checks": {"contains": "done"}, "repairs": 2},
    {"name": "head", "prompt": "A title for: {{ post }}"},
]
ROWS = 40


def job(
    project: Project, base_url: str, lane: str, name: str = "shop", rows: int = ROWS, **changes: Any
) -> None:
    models = served(base_url, lane=lane, limits={"timeout": 20})
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
