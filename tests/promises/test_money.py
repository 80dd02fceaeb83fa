"""P10, P11, P12, P14, P15, P16 and P23 of docs/promises.md: what is sent, when, and what it costs.

P11 is held over minutes of the turned clock in test_pace.py, test_paced.py and test_cooldown.py, and over
minutes of real time in the long sweeps (`make soak`); P12 for limits that nobody tells in test_cooldown.py.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from pipeline.job.spec import Limits
from pipeline.testing import Quota, Rule, Script
from pipeline.testing.script import FaultName
from tests.support.lanes import numbered, through_a_lane
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve
from tests.support.waiting import wait_for

RATE = 600
"""requests a minute"""


def test_p10_no_budget_is_passed_by_more_than_what_a_kill_caught_in_flight(project: Project) -> None:
    budget, worst, concurrency = 60_000_000, 1_200_000, 8
    with serve(Script(latency=0.05, tokens=100)) as server:
        models = served(server.base_url, params={"max_tokens": 110}, limits={"concurrency": concurrency})
        project.job(models=models, records=Project.numbered(120), budget={"cost": budget / 1e9})
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 20)
        process.kill()
        process.communicate()
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "budget.cost" in done.stderr, done.stderr
        spent = bill(server.ledger())
        lost = server.ledger().overpaid * worst
        assert budget - 2 * worst < spent <= budget + min(lost, concurrency * worst)
        assert project.run("run", "job.yaml").returncode == 4
        assert bill(server.ledger()) == spent, "a spent budget sends nothing"


def test_p11_nobody_asks_before_the_time_that_was_told(project: Project) -> None:
    rule = Rule(first=1, fault="rate_limit", retry_after_ms=800)
    with serve(Script(latency=0.2, faults=(rule,))) as server:
        models = served(server.base_url, limits={"concurrency": 4})
        project.job(models=models, records=Project.numbered(24))
        assert project.run("run", "job.yaml").returncode == 0
        ledger = server.ledger()
    (told,) = (line.at for line in ledger.lines if line.status == 429)
    early = [line for line in ledger.lines if told < line.arrived < told + 0.75]
    assert len(early) <= 3, "those that were sent before the refusal had come"


@pytest.mark.parametrize("headers", [True, False])
def test_p11_no_minute_holds_more_than_the_limit(headers: bool) -> None:
    script = Script(latency=0.5, quota=Quota(rpm=2 * RATE, headers=headers))
    outcome = through_a_lane(script, numbered(2000), Limits(rpm=RATE, concurrency=200))
    assert outcome.answered == 2000 and outcome.refused == 0
    assert 0.95 * RATE < outcome.account.busiest(60) <= RATE


@pytest.mark.parametrize("stated", [None, RATE])
def test_p12_a_limit_is_used_with_few_refusals_and_is_back_after_an_outage(stated: int | None) -> None:
    outage = Rule(fault="server_error", status=503, during=(120, 130))
    script = Script(latency=0.5, quota=Quota(rpm=RATE, headers=stated is None), faults=(outage,))
    outcome = through_a_lane(script, numbered(2500), Limits(rpm=stated))
    lines = outcome.account.lines
    began = min(line.arrived for line in lines)

    def share(since: float, until: float) -> float:
        answered = sum(line.billed and since <= line.at - began < until for line in lines)
        return answered / (RATE / 60 * (until - since))

    assert outcome.answered == 2500
    assert share(30, 120) >= 0.9
    assert share(140, 190) >= 0.8, "ten seconds after the outage and on"
    assert outcome.refused <= 25


def test_p14_a_change_sends_again_what_it_changes_and_says_how_much_before(project: Project) -> None:
    prompt = "Write about {{ title }}{% if title == 'tea' %} TEMPERATURE{% endif %}."
    with serve() as server:
        models = served(server.base_url)
        project.job(models=models, steps=[{"name": "post", "prompt": prompt}])
        assert project.run("run", "job.yaml").returncode == 0
        each = bill(server.ledger()) / 3e9
        steps = [{"name": "post", "prompt": prompt.replace("TEMPERATURE", "with milk")}]
        project.job(models=models, steps=steps)
        plan = project.numbers("plan", "job.yaml")
        assert plan["missing"] == 1 and plan["cost"] > 0 and server.ledger().requests == 3
        done = project.run("run", "job.yaml")
        assert "2 of 3 rows are done; to be sent: at least 1 request, about $0.00" in done.stderr
        said = float(done.stderr.partition("about $")[2].split()[0])
        assert said == pytest.approx(each, rel=0.2)
        assert server.ledger().requests == 4
        done = project.run("run", "job.yaml", "--set", "models.writer.params.seed=7")
        assert "at least 3 requests" in done.stderr and server.ledger().requests == 7


CHANGES = {
    "formats": ("output.to=[output/shop/posts.parquet, output/shop/posts.jsonl.gz]",),
    "columns": ("output.include=[reason, key]",),
    "checks": ("steps.post.checks={length: {max: 4000}, contains: about}", "max_failed=0.5"),
    "limits": (
        "models.writer.limits={rpm: 5, concurrency: 1, timeout: 3}",
        "budget={cost: 0.5, requests: 9}",
    ),
    "a higher price": ("models.writer.price={input: 99, output: 99}",),
    "a lower price": ("models.writer.price={input: 0, output: 0}",),
}


def test_p15_judging_writing_and_pricing_otherwise_sends_nothing(project: Project) -> None:
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
        paid = bill(server.ledger())
        assert server.ledger().requests == 3 and paid > 0
    for name, sets in CHANGES.items():
        words = [word for one in sets for word in ("--set", one)]
        done = project.run("run", "job.yaml", *words)  # there is no server any more
        assert done.returncode == 0, (name, done.stderr)
        assert "3 ok" in done.stdout and "0 requests sent, 3 answered by the journal" in done.stdout, name
        assert nano(project.numbers("status", "job.yaml")["cost"]) == paid, "what was paid stays what it was"
        plan = project.numbers("plan", "job.yaml", *words)
        assert (plan["missing"], plan["cost"]) == (0, 0), name


def test_p16_rows_moved_taken_out_or_doubled_send_only_what_is_new(project: Project) -> None:
    run = ("run", "job.yaml", "--set", "records.key=[]")
    with serve() as server:
        for titles, billed in (
            (["tea", "lamp", "tea", "mug"], 3),
            (["mug", "tea", "tea", "tea", "lamp"], 3),
            (["pen", "lamp", "pen"], 4),
        ):
            project.job(server.base_url, records="\n".join(["title", *titles]) + "\n")
            done = project.run(*run)
            assert done.returncode == 0, done.stderr
            assert server.ledger().billed == billed
            assert project.result()["title"].to_list() == titles
            assert project.result()["post"].null_count() == 0


def test_p23_the_cost_is_the_sum_over_all_attempts(project: Project) -> None:
    names: tuple[FaultName, ...] = ("refusal", "length", "empty", "filtered", "garbage", "truncate_body")
    faults = tuple(Rule(match=f"thing {i}.", times=1, fault=name) for i, name in enumerate(names))
    with serve(Script(faults=faults)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(10))
        assert project.run("run", "job.yaml").returncode == 3
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 0
        ledger = server.ledger()
    assert ledger.billed == 16, "six of ten were paid for twice"
    unread = type(ledger)(line for line in ledger.lines if line.fault in ("garbage", "truncate_body"))
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(ledger) - bill(unread), "whatever was read is exact, in every run"
    assert bill(unread) <= nano(status["maybe_cost"]), "whatever was not is counted at its worst"
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        ((total,),) = journal.execute("SELECT sum(cost) FROM attempts WHERE billed = 'yes'")
    assert total == bill(ledger) - bill(unread)
