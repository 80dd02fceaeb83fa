"""Several answers to one prompt: values of `each` that no template of the step reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.testing import Script, Server
from tests.support.project import Project
from tests.support.server import serve

ONE_ROW = "sku,title\n007,tea\n"
STEP: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}.", "repairs": 0}


def billed(server: Server) -> int:
    """How many requests were paid for."""
    return server.ledger().billed


@pytest.mark.parametrize(
    ("each", "prompt", "requests"),
    [
        ({"sample": [1, 2, 3]}, "About {{ title }}", 3),
        ({"sample": [1, 2, 3]}, "About {{ title }}, {{ sample }}", 3),
        ({"sample": [1, 2], "lang": ["en", "de"]}, "About {{ title }} in {{ lang }}", 4),
        ({"a": [1, 2], "b": [1, 2, 3]}, "About {{ title }}", 6),
    ],
)
def test_each_draw_is_asked_for_once(
    each: dict[str, Any], prompt: str, requests: int, project: Project
) -> None:
    with serve() as server:
        project.job(server.base_url, records=ONE_ROW, steps=[STEP | {"each": each, "prompt": prompt}])
        assert project.numbers("plan", "job.yaml")["missing"] == requests
        assert project.run("run", "job.yaml").returncode == 0
        assert billed(server) == requests
        assert project.numbers("plan", "job.yaml")["missing"] == 0
        assert project.run("run", "job.yaml").returncode == 0
        assert billed(server) == requests
        assert len(project.result()) == requests


def test_the_first_draw_is_the_answer_of_a_job_without_draws(project: Project) -> None:
    with serve() as server:
        project.job(server.base_url, steps=[STEP])
        assert project.run("run", "job.yaml").returncode == 0
        project.job(server.base_url, steps=[STEP | {"each": {"sample": [1, 2, 3]}}])
        assert project.numbers("plan", "job.yaml")["missing"] == 6
        project.job(server.base_url, steps=[STEP | {"each": {"sample": [7, 8, 9, 10]}}])
        assert project.run("run", "job.yaml").returncode == 0
        assert billed(server) == 12


def test_a_draw_has_its_own_repair_and_its_own_fallback(project: Project) -> None:
    script = Script.model_validate(
        {"answer": "tea", "faults": [{"fault": "bad_request", "match": '"model":"first"'}]}
    )
    with serve(script) as server:
        first = {"base_url": server.base_url, "model": "first", "fallback": {"model": "second"}}
        second = {"base_url": server.base_url, "model": "second"}
        step = STEP | {
            "model": "first",
            "each": {"sample": [1, 2]},
            "repairs": 1,
            "checks": {"length": {"min": 9}},
        }
        project.job(records=ONE_ROW, models={"first": first, "second": second}, steps=[step])
        assert project.run("run", "job.yaml").returncode == 3
        assert billed(server) == 4
        assert project.run("run", "job.yaml").returncode == 3
        assert billed(server) == 4
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 3
        assert billed(server) == 8


def test_private_values_change_no_draw(project: Project) -> None:
    with serve() as server:
        step = STEP | {"each": {"sample": [1, 2]}}
        project.job(server.base_url, records=ONE_ROW, steps=[step])
        assert project.run("run", "job.yaml").returncode == 0
        private = {"from": "records.csv", "key": "sku", "private": "title"}
        project.job(server.base_url, steps=[step], records=None, **{"max_failed": 1})
        text = (project.folder / "job.yaml").read_text().replace("  key: sku", "  key: sku\n  private: title")
        (project.folder / "job.yaml").write_text(text)
        assert private["private"] in text
        assert project.numbers("plan", "job.yaml")["missing"] == 0


def test_forgetting_a_record_forgets_all_its_draws(project: Project) -> None:
    with serve() as server:
        project.job(server.base_url, steps=[STEP | {"each": {"sample": [1, 2, 3]}}])
        assert project.run("run", "job.yaml").returncode == 0
        done = project.run("journal", "forget", "job.yaml", "--key", "007", "--json")
        assert json.loads(done.stdout)["attempts"] == 3


def test_rows_with_equal_prompts_are_counted(project: Project) -> None:
    rows = "sku,title\n1,tea\n2,tea\n3,lamp\n4,mug\n5,mug\n6,mug\n"
    line = "step post: 5 rows have the same prompt as another row: they share one answer"
    with serve() as server:
        project.job(server.base_url, records=rows, steps=[STEP])
        plan = project.run("plan", "job.yaml")
        assert line in plan.stdout
        assert project.numbers("plan", "job.yaml")["steps"][0]["sharing"] == 5
        done = project.run("run", "job.yaml")
        assert line in done.stdout
        assert project.numbers("run", "job.yaml")["sharing"] == {"post": 5}
        assert billed(server) == 3


def test_a_repair_is_not_an_equal_prompt(project: Project) -> None:
    rows = "sku,title\n1,tea\n2,tea\n"
    step = STEP | {"repairs": 2, "checks": {"length": {"min": 900}}}
    project.job(records=rows, steps=[step], max_failed=1)
    assert project.numbers("run", "job.yaml")["sharing"] == {"post": 2}


def test_a_job_whose_prompts_differ_says_nothing_about_sharing(project: Project) -> None:
    project.job()
    assert "share" not in project.run("run", "job.yaml").stdout
    assert project.numbers("run", "job.yaml")["sharing"] == {}
