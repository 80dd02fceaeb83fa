"""Checks of form on fields, with templates in their options: what does not pass is repaired as it is told."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from tests.support.project import Project
from tests.support.writer import Chat, writer

STEP: dict[str, Any] = {
    "name": "post",
    "prompt": "Write about {{ title }}",
    "answer": {"json": {"text": "string", "tags": "string"}},
    "repairs": 3,
    "checks": {
        "post.text": {
            "length": {"target": "{{ size }}", "unit": "{{ unit }}", "within": 0.2},
            "starts_with": "{{ title }}",
            "contains": {"any": ["{{ title }}", "zzz"], "where": "first_line"},
            "platform": "{{ site }}",
            "links": {"from": "record"},
            "ending": True,
        },
        "post.tags": {"hashtags": {"min": 2, "max": 2, "place": "end"}},
        "soft": {"post.text": {"excludes": "best"}},
    },
}
RECORDS = "sku,title,size,unit,site,page\n007,Tea,10,words,bluesky,https://a.example/tea\n008,茶,12,han,x,\n"
GOOD = {
    "Tea": "Tea is the best: see https://a.example/tea and drink some of it every day.",
    "茶": "茶很好喝，每天早上喝一杯茶。",
}
BAD = {
    "Tea": [
        "Tea is good.",
        "Coffee is not what we wanted to say here at all.",
        "Tea " * 9 + "and https://made.up.",
    ],
    "茶": ["茶好。", "水很好喝，每天早上喝一杯水。", "茶很好喝，每天早上喝一杯茶，"],
}
ORDERS = [
    ["Expand it by about 7 words.", '"Tea" in its first line', "not given: https://made.up"],
    ["Expand it by about 10 Chinese characters.", '"茶" in its first line', "in the middle of a sentence"],
]


@pytest.mark.filterwarnings("error:Pydantic")
def test_each_complaint_is_told_and_the_repaired_answer_is_written(project: Project) -> None:
    def write(chat: Chat) -> str:
        title = chat.first.rsplit(" ", 1)[1]
        text = [*BAD[title], GOOD[title]][chat.turn]
        return json.dumps({"text": text, "tags": "#tea" if chat.turn == 0 else "#tea #cup"})

    with writer(write) as (server, seen):
        project.job(server.base_url, records=RECORDS, steps=[STEP])
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        for title, orders in zip(GOOD, ORDERS, strict=True):
            told = [chat.last for chat in seen.chats if title in chat.first and chat.turn]
            assert len(told) == len(orders)
            assert [order in words for order, words in zip(orders, told, strict=True)] == [True] * 3, told
            assert 'The field "tags" of your answer has 1 hashtags. Use at least 2 hashtags.' in told[0]
        sent = len(seen.chats)
        assert project.run("run", "job.yaml").returncode == 0 and len(seen.chats) == sent
    posts = pl.read_csv(project.folder / "output/shop/posts.csv")["post.text"].to_list()
    assert posts == list(GOOD.values())


def test_what_a_template_gives_is_checked_for_each_row(project: Project) -> None:
    with writer(lambda chat: json.dumps({"text": "Tea.", "tags": ""})) as (server, _):
        step = STEP | {"checks": {"post.text": {"platform": "{{ site }}"}}}
        project.job(server.base_url, records=RECORDS.replace("bluesky", "myspace"), steps=[step])
        done = project.run("run", "job.yaml")
        assert done.returncode == 3
        assert "'myspace' is no platform that is known; known: bluesky" in done.stdout


def test_a_pattern_that_cannot_be_read_is_named_with_its_line(project: Project) -> None:
    project.job(steps=[STEP | {"checks": {"regex": {"not": ["a", "(b"]}}}])
    done = project.run("check", "job.yaml")
    assert done.returncode == 2
    assert "steps.post.checks.regex.not: '(b' cannot be used as a pattern" in done.stderr, done.stderr
    assert "job.yaml:" in done.stderr and "parse error" not in done.stderr
