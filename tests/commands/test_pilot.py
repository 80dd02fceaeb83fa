"""A pilot really runs some records, says what the rest will cost, and asks before it goes on."""

from __future__ import annotations

import random

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve

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


def test_an_estimate_goes_by_what_was_surely_paid_and_says_what_it_leaves_out(project: Project) -> None:
    said: dict[int, list[str]] = {}
    for errors in (0, 2):  # as many as a request is retried: each record is answered, on a slow machine too
        faults = (Rule(every=1, fault="server_error", times=errors),) if errors else ()
        with serve(Script(latency=0.01, tokens=50, faults=faults)) as server:
            models = served(
                server.base_url, limits={"concurrency": 1}, params={"max_completion_tokens": 9000}
            )
            project.job(models=models, records=varied(60), name=f"shop{errors}")
            done = project.run("run", "job.yaml", "--pilot", "5")
        said[errors] = [line for line in done.stderr.splitlines() if line.startswith(("left", "not counted"))]
    maybe = project.numbers("status", "job.yaml")["steps"][0]["maybe_billed"]
    left_out = f"not counted in that: {maybe} attempts of the pilot that may have been billed"
    assert maybe >= 2 and said[2] == [*said[0], left_out]


def test_records_that_cost_the_same_are_no_proof_that_all_others_do(project: Project) -> None:
    with serve(BASIC) as server:
        project.job(models=served(server.base_url), records=Project.numbered(9).replace("thing", "a"))
        said = project.run("run", "job.yaml", "--pilot", "3").stderr
    assert said.count("(all records of the pilot had the same)") == 2 and "95 times" not in said, said


def test_a_pilot_says_nothing_of_how_many_rows_can_be_ok(project: Project) -> None:
    scripted = {"writer": {"provider": "scripted", "model": "m"}}
    project.job(models=scripted, records=varied(20), accept=15, budget={"cost": 1})
    done = project.run("run", "job.yaml", "--pilot", "5")
    assert done.returncode == 75 and "warning" not in done.stderr, done.stderr
    project.job(models=scripted, records=varied(20), accept=25, budget={"cost": 1})
    assert "warning: job.yaml" in project.run("run", "job.yaml", "--pilot", "5", "--yes").stderr
