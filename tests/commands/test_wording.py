"""What a run, a plan and a job's standing say of rows and money is what is so."""

from __future__ import annotations

import re

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

STEPS = [
    {"name": "outline", "prompt": "Outline {{ title }}"},
    {"name": "post", "each": {"lang": ["en", "de"]}, "prompt": "{{ lang }}: {{ outline }}"},
]
PRICE = {"input": 1.0, "output": 4.0}


def test_a_stop_its_rerun_and_the_export_name_one_number_of_rows(project: Project) -> None:
    faults = (Rule(fault="unauthorized", after=60),)
    with serve(Script(latency=0.02, faults=faults)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(120), steps=STEPS)
        said = [project.run("run", "job.yaml").stderr for _ in range(2)]
        exported = project.run("export", "job.yaml").stdout
        standing = project.run("status", "job.yaml").stdout
    stopped = [int(number) for number in re.findall(r"done: (\d+) rows", "".join(said))]
    begun = int(re.findall(r"(\d+) of 240 rows are done", said[1])[0])
    ok = int(re.findall(r"240 rows: (\d+) ok", exported)[0])
    assert 0 < ok < 240 and stopped == [ok, ok] and begun == ok
    assert f"rows: {ok} ok, {240 - ok} pending of 240" in standing
    assert "last run: key refused (the run stopped: unauthorized: " in standing


def test_a_rerun_counts_rows_that_fail_and_are_skipped_once(project: Project) -> None:
    steps = [{"name": "post", "when": "{{ title != 'thing 3' }}", "prompt": "Write about {{ title }}."}]
    faults = (Rule(fault="bad_request", match="thing 5."), Rule(fault="refusal", match="thing 7."))
    with serve(Script(faults=faults)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(10), steps=steps)
        for _ in range(2):
            done = project.run("run", "job.yaml")
            assert done.returncode == 3
            assert "10 rows: 7 ok, 2 failed, 1 skipped" in done.stdout
            said = done.stdout.partition("failures.csv: ")[2].splitlines()[0]
            assert said == (
                "1 bad_request, 1 refused; 1 of these 2 is paid for, and asked again only with --retry-failed"
            )
            rows = project.numbers("status", "job.yaml")["run"]["rows"]
            assert (rows["ok"], rows["failed"], rows["skipped"]) == (7, 2, 1)


def test_a_failed_row_is_said_to_be_paid_for_only_where_it_was(project: Project) -> None:
    said = {}
    for fault in ("server_error", "bad_request", "refusal", "length"):
        with serve(Script(faults=(Rule(match="lamp", fault=fault),))) as server:
            limits = {"retries": 0, "maybe_billed_retries": 0}
            project.job(models=served(server.base_url, limits=limits), name=fault)
            done = project.run("run", "job.yaml")
            assert done.returncode == 3, done.stderr
        said[fault] = "paid for, so asked again only with --retry-failed" in done.stdout
        assert ("paid" in done.stdout) is said[fault]
    assert said == {"server_error": False, "bad_request": False, "refusal": True, "length": True}


def test_a_spent_budget_says_what_is_spent_and_what_may_be(project: Project) -> None:
    faults = (Rule(fault="server_error", after=10),)
    with serve(Script(faults=faults)) as server:
        models = served(server.base_url, price=PRICE, limits={"concurrency": 1, "outage": 1})
        project.job(models=models, records=Project.numbered(30))
        project.run("run", "job.yaml")
        done = project.run("run", "job.yaml", "--set", "budget.cost=0.0001")
    assert done.returncode == 4
    assert re.search(r"\$0\.\d+ of \$0\.00010 is spent, and at most \$0\.\d+ more may have been", done.stderr)


def test_a_plan_of_a_chain_does_not_call_what_is_unknown_nothing(project: Project) -> None:
    with serve(Script()) as server:
        models = served(server.base_url, price=PRICE)
        project.job(models=models, records=Project.numbered(10), steps=STEPS)
        before = project.run("plan", "job.yaml").stdout
        assert re.search(r"post .* up to 20 .* not known yet\n", before)
        assert "for 10 requests that can be asked now" in before
        assert "The cost of up to 20 later requests is not known" in before
        project.run("run", "job.yaml", "--limit", "2")
        after = project.run("plan", "job.yaml").stdout
    found = re.search(r"about \$([\d.]+); no bound: ", after)
    assert found and float(found[1]) > 0


def test_no_record_at_all_is_said(project: Project) -> None:
    with serve(Script()) as server:
        project.job(models=served(server.base_url))
        for command in ("plan", "run"):
            done = project.run(command, "job.yaml", "--set", "records.where=title = 'nothing'")
            assert done.returncode == 0 and "no records were chosen: check records.where" in done.stdout
