"""Rows that a firewall or a gateway refuses fail alone, wherever they stand, and the job gets its table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

ROWS = 40
PLACES: dict[str, Callable[[int], bool]] = {
    "head": lambda row: row < 5,
    "middle": lambda row: 18 <= row < 23,
    "last": lambda row: row == ROWS - 1,
    "every seventh": lambda row: row % 7 == 6,
}


def records(bad: Callable[[int], bool]) -> str:
    return "sku,title\n" + "".join(f"{n},{'bad' if bad(n) else 'good'} {n}\n" for n in range(ROWS))


@pytest.mark.parametrize("fault", ["unauthorized", "forbidden", "not_found", "html"])
@pytest.mark.parametrize("place", PLACES)
def test_refused_rows_fail_alone_in_each_run(project: Project, fault: str, place: str) -> None:
    bad = [row for row in range(ROWS) if PLACES[place](row)]
    with serve(Script(latency=0.02, faults=(Rule(match="bad", fault=fault),))) as server:
        models = served(server.base_url, limits={"maybe_billed_retries": 1})
        project.job(models=models, records=records(PLACES[place]))
        for _ in range(2):
            done = project.run("run", "job.yaml")
            assert done.returncode == 3, done.stderr
            result = project.result()
            failed = result.filter(result["_status"] == "failed")["sku"].to_list()
            assert sorted(map(int, failed)) == bad
        assert server.ledger().requests <= ROWS + 12 * len(bad)


def test_a_page_for_some_rows_is_answered_by_the_fallback(project: Project) -> None:
    faults = (Rule(match="bad", fault="html"),)
    with serve(Script(latency=0.02, faults=faults)) as server, serve() as other:
        models = served(server.base_url, limits={"maybe_billed_retries": 1})
        models["writer"]["fallback"] = {"model": "spare", "after": 1}
        models["spare"] = {**served(other.base_url)["writer"], "model": "other"}
        steps = [{"name": "post", "prompt": "{{ title }}", "model": "writer"}]
        project.job(models=models, records=records(PLACES["every seventh"]), steps=steps)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert other.ledger().billed == 5
