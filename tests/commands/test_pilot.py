"""A pilot really runs some records, says what the rest will cost, and asks before it goes on."""

from __future__ import annotations

import random

import pytest

from pipeline.runs.pilot import extrapolated, student
from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve
from tests.support.terminal import in_terminal

BASIC = Script(latency=0.01, tokens=50)


def varied(rows: int, seed: int = 1) -> str:
    """Records whose prompts differ widely in length."""
    draw = random.Random(seed)
    texts = ("word " * int(draw.lognormvariate(3, 0.8)) for _ in range(rows))
    return "sku,title\n" + "".join(f"{i},{text}{i}\n" for i, text in enumerate(texts))


def test_without_a_terminal_a_run_stops_after_its_pilot_and_says_how_to_go_on(project: Project) -> None:
    with serve(BASIC) as server:
        project.job(models=served(server.base_url), records=varied(60))
        done = project.run("run", "job.yaml", "--pilot", "5")
        assert done.returncode == 75, done.stderr
        assert server.ledger().billed == 5
        assert (
            "pilot: 5 records, 5 requests sent, $" in done.stderr
            and "left: 55 records, about $" in done.stderr
        )
        assert "to go on: python -m pipeline run job.yaml --pilot 5 --yes" in done.stderr
        assert not (project.folder / "output/shop/posts.csv").exists()
        assert project.numbers("status", "job.yaml")["last_run"] == "pilot"
        done = project.run("run", "job.yaml", "--pilot", "5", "--yes")
        assert done.returncode == 0 and "60 rows: 60 ok" in done.stdout
        assert "pilot: 5 records, 0 requests sent" in done.stderr, "its answers are known, and their cost"
        assert "left: 55 records, about $" in done.stderr
        assert server.ledger().billed == 60 and server.ledger().overpaid == 0


@pytest.mark.parametrize(("answer", "billed"), [("y\n", 20), ("n\n", 4)])
def test_on_a_terminal_it_asks_before_it_goes_on(project: Project, answer: str, billed: int) -> None:
    with serve(BASIC) as server:
        project.job(models=served(server.base_url), records=varied(20))
        command = project.command("run", "job.yaml", "--pilot", "4")
        code, shown = in_terminal(command, project.folder, project.environment(), {"go on? [y/N]": answer})
        assert code == (0 if billed == 20 else 75), shown
        assert "left: 16 records, about $" in shown
        assert server.ledger().billed == billed and server.ledger().overpaid == 0
    assert (project.folder / "output/shop/posts.csv").exists() == (billed == 20)
    assert ("to go on: python -m pipeline run job.yaml\r\n" in shown) == (billed == 4)


def test_what_stops_a_pilot_stops_the_run_and_says_how_to_go_on(project: Project) -> None:
    with serve(Script(api_key="another")) as server:
        project.job(models=served(server.base_url), records=varied(20))
        done = project.run("run", "job.yaml", "--pilot", "4", "--yes")
        assert done.returncode == 4
        assert "to go on: python -m pipeline run job.yaml --pilot 4 --yes" in done.stderr
        assert server.ledger().requests <= 4


def test_the_interval_holds_what_the_rest_of_the_chosen_records_really_costs(project: Project) -> None:
    with serve(BASIC) as server:
        project.job(models=served(server.base_url), records=varied(300))
        first = project.run("run", "job.yaml", "--pilot", "30", "--limit", "120")
        spent = bill(server.ledger())
        assert project.run("run", "job.yaml", "--limit", "120").returncode == 0
        assert server.ledger().requests == 120, "a pilot draws from the records that the job chooses"
        rest = bill(server.ledger()) - spent
    _, _, after = first.stderr.partition("left: 90 records, about $")
    low, _, high = after.partition("(")[2].partition(",")[0].partition(" to ")
    assert nano(float(low[1:])) <= rest <= nano(float(high[1:]))


def test_the_interval_holds_the_truth_about_95_times_in_100() -> None:
    held = 0
    for seed in range(400):
        draw = random.Random(seed)
        values = [max(0.0, draw.gauss(1000, 300)) for _ in range(300)]
        found = extrapolated(values[:30], 270)
        held += found.low <= sum(values[30:]) <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_interval_says_how_little_is_known() -> None:
    assert extrapolated([], 10).mean == extrapolated([5.0], 0).high == 0
    one = extrapolated([5.0], 10)
    assert (one.mean, one.low, one.high) == (50, 0, float("inf"))
    assert extrapolated([5.0, 5.0], 10).low == 50
    assert extrapolated([0.0, 10.0], 10).low == 0, "never less than nothing"


@pytest.mark.parametrize(("freedom", "quantile"), [(4, 2.776), (9, 2.262), (29, 2.045), (200, 1.972)])
def test_students_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, abs=0.01)
