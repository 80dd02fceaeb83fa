"""Columns that say where a row comes from: answers, money, dates, soft complaints, the prompts' version."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

COLUMNS = ["status", "model", "attempts", "checks", "cost", "date", "prompt"]
OUTPUT = {"to": "output/shop/posts.csv", "include": COLUMNS}
PRICE = {"input": 1.0, "output": 4.0}
DRAFT: dict[str, Any] = {"name": "draft", "prompt": "Draft {{ title }}"}
POST: dict[str, Any] = {
    "name": "post",
    "each": {"lang": ["en", "de"]},
    "prompt": "{{ lang }}: {{ draft }} of {{ title }}",
    "checks": {"excludes": "thing 2", "soft": {"length": {"min": 900}}},
    "repairs": 1,
}


def wrote(project: Project, base_url: str, *steps: dict[str, Any], rows: int = 4, **changes: Any) -> None:
    models = served(base_url, price=PRICE)
    changes = {"output": OUTPUT, "max_failed": 1, "models": models, **changes}
    project.job(records=Project.numbered(rows), steps=list(steps), **changes)


def test_each_row_says_what_is_behind_it_and_the_sum_is_what_was_spent(project: Project) -> None:
    with serve(Script()) as server:
        wrote(project, server.base_url, DRAFT, POST)
        before = datetime.now(UTC).replace(microsecond=0)
        done = project.numbers("run", "job.yaml")
        after = datetime.now(UTC)
    rows = project.result().to_dicts()
    failed = [row["_status"] == "failed" for row in rows]
    assert failed == [False] * 4 + [True] * 2 + [False] * 2
    # a draft and a post; the failed ones were sent back once
    assert [int(row["_attempts"]) for row in rows] == [2, 2, 2, 2, 3, 3, 2, 2]
    assert sum(float(row["_cost"]) for row in rows) == pytest.approx(done["cost"], abs=1e-12)
    first, second = (float(row["_cost"]) for row in rows[:2])
    assert first > second > 0  # the draft of both counts in the first
    for row, bad in zip(rows, failed, strict=True):
        assert before <= datetime.fromisoformat(row["_date"]) <= after
        assert (row["_checks"] is None) == bad and (
            bad or row["_checks"].startswith("length: the answer has ")
        )
    assert done["told"] == {"length": 6}
    again = (project.folder / "output/shop/posts.csv").read_bytes()
    for command in ("run", "export"):
        said = project.run(command, "job.yaml").stdout
        assert "\nchecks    told only: length 6\n" in said
        assert (project.folder / "output/shop/posts.csv").read_bytes() == again
    assert "\nchecks    told only: length 6" in project.run("status", "job.yaml").stdout


def test_the_version_of_the_prompts_changes_with_their_texts_alone(project: Project) -> None:
    with serve(Script()) as server:
        seen = []
        for draft in (
            DRAFT,
            {**DRAFT, "prompt": "Draft of {{ title }}"},
            DRAFT,
            {**DRAFT, "params": {"seed": 1}},
        ):
            wrote(project, server.base_url, draft, POST, rows=2)
            project.run("run", "job.yaml")
            (version,) = set(project.result()["_prompt"])
            seen.append(version)
    assert seen[0] == seen[2] == seen[3] != seen[1]
    assert all(version[0] == "p" and len(version) == 11 for version in seen)


def test_money_that_is_not_known_is_no_number(project: Project) -> None:
    with serve(Script()) as server:
        wrote(project, server.base_url, DRAFT, rows=2, models=served(server.base_url, price=None))
        project.run("run", "job.yaml")
    assert project.result()["_cost"].to_list() == [None, None]
    assert project.result()["_attempts"].to_list() == ["1", "1"]


def test_a_row_by_hand_and_a_pending_row_have_nothing_behind_them(project: Project) -> None:
    bad = Rule(match="thing 1", fault="body", body=chat_body("A text that fails, thing 2.").decode())
    with serve(Script(faults=(bad,))) as server:
        wrote(project, server.base_url, {**POST, "each": {}, "prompt": "{{ title }}"}, rows=3)
        project.run("run", "job.yaml")
        review = project.folder / "output/shop/review.csv"
        review.write_text(review.read_text("utf-8-sig").replace(",,✓", ",yes,✓"), "utf-8-sig")
        project.run("run", "job.yaml")
        row = project.result().to_dicts()[1]
        assert (row["_model"], row["_attempts"], row["_cost"], row["_date"]) == ("by hand", "0", "0.0", None)
        assert row["_checks"].startswith("length: ")
        wrote(project, server.base_url, {**DRAFT, "prompt": "New {{ title }}"}, rows=1)
        project.run("export", "job.yaml")
    (row,) = project.result().to_dicts()
    assert (row["_status"], row["_attempts"], row["_date"]) == ("pending", "0", None)


@pytest.mark.parametrize("seed", range(3))
def test_the_costs_of_all_rows_are_the_cost_of_the_run_whatever_is_shared(
    seed: int, project: Project
) -> None:
    """Equal prompts, repairs, stronger models, samples: no answer counts twice, and none is left out."""
    draw = Random(seed)
    titles = "".join(f"{i:03},{draw.choice(['tea', 'lamp', 'mug'])} {draw.randrange(4)}\n" for i in range(20))
    step = {
        "name": "post",
        "prompt": "Of {{ title }}",
        "checks": {"excludes": ["tea 1", "mug 2"]},
        "repairs": draw.randrange(2),
        "fresh_starts": draw.randrange(2),
        "model": "writer",
        "escalate": ["expert"],
        **draw.choice([{}, {"samples": 2, "pick": "longest"}]),
    }
    with serve(Script(faults=(Rule(share=0.2, fault="length"),))) as server:
        models = served(server.base_url, price=PRICE)
        models["expert"] = {**models["writer"], "model": "big"}
        wrote(project, server.base_url, step, models=models)
        (project.folder / "records.csv").write_text("sku,title\n" + titles)
        done = project.numbers("run", "job.yaml")
    rows = project.result().to_dicts()
    assert sum(float(row["_cost"]) for row in rows) == pytest.approx(done["cost"], abs=1e-12) and done["cost"]
    assert all(int(row["_attempts"]) >= 1 for row in rows)
