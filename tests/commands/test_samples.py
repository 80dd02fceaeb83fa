"""Several answers to one prompt, of which one is picked; and a wanted number of rows that are ok."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.writer import Chat, writer

STEP: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}.", "repairs": 0}


class Words:
    """Writes one more word for each answer to the same prompt."""

    def __init__(self, *sizes: int) -> None:
        self._sizes, self._asked = sizes, dict[str, int]()

    def __call__(self, chat: Chat) -> str:
        n = self._asked[chat.first] = self._asked.get(chat.first, -1) + 1
        return " ".join(["word"] * self._sizes[n % len(self._sizes)])


@pytest.mark.parametrize(
    ("pick", "words", "asked"),
    [("first_passing", 4, 2), ("shortest", 3, 4), ("longest", 9, 4), ("all", None, 4)],
)
def test_one_of_the_samples_is_picked_among_those_that_pass(
    pick: str, words: int | None, asked: int, project: Project
) -> None:
    step = STEP | {"samples": 4, "pick": pick, "checks": {"length": {"min": 3, "unit": "words"}}}
    with writer(Words(1, 4, 9, 3)) as (server, _):
        project.job(server.base_url, records="sku,title\n1,tea\n", steps=[step])
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == asked
        cell = project.result().to_dicts()[0]["post"]
        if words is None:
            assert sorted(len(text.split()) for text in json.loads(cell)) == [3, 4, 9]
        else:
            assert len(cell.split()) == words
        before = (project.folder / "output/shop/posts.csv").read_bytes()
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == asked
        assert (project.folder / "output/shop/posts.csv").read_bytes() == before


def test_more_samples_pay_for_the_new_ones_alone(project: Project) -> None:
    with writer(Words(5, 4, 3, 2)) as (server, _):
        for samples, billed in ((1, 1), (2, 2), (4, 4), (3, 4)):
            step = STEP | {"samples": samples, "pick": "shortest"}
            project.job(server.base_url, records="sku,title\n1,tea\n", steps=[step])
            if samples > 1:
                missing = billed - server.ledger().billed
                assert project.numbers("plan", "job.yaml")["missing"] == missing
            assert project.run("run", "job.yaml").returncode == 0
            assert server.ledger().billed == billed


def test_a_row_fails_where_no_sample_passes(project: Project) -> None:
    step = STEP | {"samples": 3, "checks": {"length": {"min": 9, "unit": "words"}}}
    with writer(Words(1, 2, 3)) as (server, _):
        project.job(server.base_url, records="sku,title\n1,tea\n", steps=[step])
        done = project.run("run", "job.yaml")
        assert done.returncode == 3 and "none of 3 samples passed" in done.stdout
        assert server.ledger().billed == 3


def good_every(n: int) -> Any:
    """Answers well for each nth thing."""
    return lambda chat: "good" if int(chat.first.rstrip(".").rsplit(" ", 1)[1]) % n == 0 else "bad"


@pytest.mark.parametrize("concurrency", [1, 4, 64])
@pytest.mark.parametrize(("rows", "every", "accept"), [(200, 3, 20), (60, 1, 60), (100, 2, 1)])
def test_a_run_ends_when_so_many_rows_are_ok(
    rows: int, every: int, accept: int, concurrency: int, project: Project
) -> None:
    step = STEP | {"checks": {"contains": "good"}}
    with writer(good_every(every)) as (server, _):
        made = project.job(
            server.base_url, records=project.numbered(rows), steps=[step], accept=accept, max_failed=1
        )
        made.write_text(made.read_text().replace("concurrency: 4", f"concurrency: {concurrency}"))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [row["post"] for row in project.result().to_dicts()] == ["good"] * accept
        assert [int(row["sku"]) for row in project.result().to_dicts()] == [i * every for i in range(accept)]
        billed = server.ledger().billed
        assert billed <= (accept - 1) * every + 8 + 2 * concurrency  # those that were begun
        assert f"{accept:,} of {accept:,}" in done.stdout
        assert project.numbers("plan", "job.yaml")["missing"] <= 16  # it looks a few records further
        again = project.run("run", "job.yaml")
        assert again.returncode == 0 and server.ledger().billed == billed


def test_used_up_candidates_are_said(project: Project) -> None:
    step = STEP | {"checks": {"contains": "good"}}
    with writer(good_every(10)) as (server, _):
        records = project.numbered(200)
        project.job(server.base_url, records=records, steps=[step], accept=20, candidates=100, max_failed=1)
        done = project.run("run", "job.yaml")
        assert done.returncode == 3
        assert "accepted  10 of 20" in done.stdout and "100 candidates" in done.stdout
        assert len(project.result()) == 10 and server.ledger().billed == 100
        project.job(server.base_url, records=records, steps=[step], accept=20, max_failed=1)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and len(project.result()) == 20
        assert server.ledger().billed <= 191 + 8


@pytest.mark.parametrize(("prefers", "words"), [("longest", 9), ("first", 4)])
def test_another_model_picks_by_pairs_in_both_orders(prefers: str, words: int, project: Project) -> None:
    """One that prefers whatever stands first decides nothing: then the first sample that passes counts."""

    def write(chat: Chat) -> str:
        if chat.body["model"] == "writer":
            return texts(chat)
        first, second = chat.last.split("second", 1)
        better = "first" if prefers == "first" or first.count("word") > second.count("word") else "second"
        return json.dumps({"reason": "It says more.", "better": better})

    texts = Words(1, 4, 9, 3)
    step = STEP | {
        "model": "writer",
        "samples": 4,
        "pick": {"judge": {"model": "critic"}},
        "checks": {"length": {"min": 3, "unit": "words"}},
    }
    with writer(write) as (server, seen):
        of = {"base_url": server.base_url, "api_key_env": "TEST_KEY", "limits": {"concurrency": 4}}
        of |= {"price": {"input": 1, "output": 2}, "params": {"max_tokens": 100}}
        models = {name: {"model": name, **of} for name in ("writer", "critic")}
        project.job(server.base_url, records="sku,title\n1,tea\n", models=models, steps=[step])
        most = project.numbers("plan", "job.yaml")["most"]
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(project.result().to_dicts()[0]["post"].split()) == words
        assert [chat.body["model"] for chat in seen.chats].count("critic") == 6
        assert project.numbers("status", "job.yaml")["cost"] <= most
        billed = server.ledger().billed
        assert project.run("run", "job.yaml").returncode == 0 and server.ledger().billed == billed
