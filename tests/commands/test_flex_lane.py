"""A job by flex: what it costs by the server's ledger, what it recalls, what a plan says of lanes."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve

BUSY = Rule(
    fault="rate_limit", match='"service_tier":"flex"', share=0.3, times=1, message="Resource unavailable"
)
GROQ = Rule(fault="rate_limit", match='"service_tier":"flex"', share=0.3, times=1, status=498)


def table(project: Project) -> pl.DataFrame:
    return pl.read_csv(project.folder / "output/shop/posts.csv")


@pytest.mark.parametrize("tier", [None, "default", "priority"])
@pytest.mark.parametrize("fault", [BUSY, GROQ])
def test_a_run_by_flex_costs_what_the_tiers_cost_that_served_it(
    project: Project, tier: str | None, fault: Rule
) -> None:
    with serve(Script(latency=0.01, tier=tier, faults=(fault,))) as server:
        models = served(server.base_url, lane="flex", limits={"retries": 0, "timeout": 20})
        project.job(models=models, records=Project.numbered(12))
        done = project.numbers("run", "job.yaml")
        ledger = server.ledger()
    assert done["ok"] == 12 and nano(done["cost"]) == bill(ledger)
    assert {line.tier for line in ledger.lines if line.billed} == {tier or "flex"}
    remarks = {said: count for said, count in done["remarks"].items() if "costs more" in said}
    assert list(remarks.values()) == ([12] if tier else []), remarks
    assert nano(project.numbers("status", "job.yaml")["cost"]) == bill(ledger)


@pytest.mark.parametrize("lanes", [("sync", "flex"), ("flex", "sync"), ("flex", "cheapest")])
def test_what_one_lane_has_bought_the_other_recalls(project: Project, lanes: tuple[str, str]) -> None:
    with serve(Script()) as server:
        for i, lane in enumerate(lanes):
            project.job(models=served(server.base_url, lane=lane), records=Project.numbered(10))
            done = project.numbers("run", "job.yaml")
            assert (done["ok"], done["sent"]) == (10, 0 if i else 10)
        assert server.ledger().requests == 10


def planned(project: Project, lane: str, **changes: Any) -> dict[str, Any]:
    models = served("http://127.0.0.1:1/v1", lane=lane, params={"max_tokens": 50}, **changes)
    project.job(models=models, records=Project.numbered(10))
    return project.numbers("plan", "job.yaml")


@pytest.mark.parametrize("lane", ["sync", "flex", "batch", "cheapest"])
def test_a_plan_prices_each_lane_and_says_which_is_the_jobs(project: Project, lane: str) -> None:
    plan = planned(project, lane)
    by = {one["lane"]: one for one in plan["lanes"]}
    chosen = {"cheapest": "batch"}.get(lane, lane)
    assert set(by) == ({"batch", "flex"} if lane == "sync" else {"batch", "flex", "sync"})
    assert [name for name, one in by.items() if one["chosen"]] == [name for name in by if name == chosen]
    full = plan["cost"] if lane == "sync" else by["sync"]["cost"]
    assert by["flex"]["cost"] == pytest.approx(full / 2) and by["batch"]["cost"] == pytest.approx(full / 2)
    assert plan["cost"] == pytest.approx(full if lane == "sync" else full / 2)
    assert all(one["most"] == plan["most"] >= full for one in by.values())
    shown = [
        line for line in project.run("plan", "job.yaml").stdout.splitlines() if line.startswith("lane: ")
    ]
    assert len(shown) == len(by)
    for line, one in zip(shown, plan["lanes"], strict=True):
        assert f"lane: {one['lane']}" in line and "about $" in line and "at most $" in line
        assert all(said in line for said in one["caveats"]) and ("as this job asks" in line) == one["chosen"]
    assert any("time that is not known" in line and "24h" in line for line in shown)


def test_a_plan_says_nothing_of_lanes_where_none_is_cheaper(project: Project) -> None:
    assert planned(project, "sync", price={"input": 1, "output": 1})["lanes"] == []
    project.job()
    assert project.numbers("plan", "job.yaml")["lanes"] == []


@pytest.mark.parametrize(
    ("changes", "words", "place"),
    [
        ({"lane": "flex", "api": "completions"}, "only chat and responses", "lane"),
        (
            {"lane": "batch", "options": {"batch": "mistral"}, "api": "responses"},
            "batches of mistral take",
            "lane",
        ),
        ({"lane": "flex", "params": {"service_tier": "auto"}}, "contradict each other", "lane"),
        ({"lane": "batch", "preset": "ollama", "price": None}, "the preset ollama costs nothing", "lane"),
        (
            {"lane": "flex", "price": {"input": 1, "output": 2}},
            "output: …, tiers: {flex: 0.5}}, dollars",
            "provider",
        ),
    ],
)
def test_a_lane_that_cannot_work_is_refused_before_anything_is_sent(
    project: Project, changes: dict[str, Any], words: str, place: str
) -> None:
    with serve(Script()) as server:
        file = project.job(models=served(server.base_url, **changes), budget={"cost": 1})
        lines = file.read_text().splitlines()
        line = next(i for i, text in enumerate(lines, 1) if text.strip().startswith(f"{place}:"))
        done = project.run("run", "job.yaml")
        assert server.ledger().requests == 0
    assert done.returncode == 2 and words in done.stderr
    assert f"job.yaml:{line}:" in done.stderr


def test_an_unknown_tier_is_warned_of_and_tried(project: Project) -> None:
    with serve(Script()) as server:
        project.job(models=served(server.base_url, lane="flex"))
        assert "it may ignore it, at the full price" in project.run("check", "job.yaml").stderr
        assert project.numbers("run", "job.yaml")["ok"] == 3
