"""Parts of answers that are nearly equal: fields, branches, samples and items are compared, each alone."""

from __future__ import annotations

import json
from random import Random

import pytest

from tests.support.alike import STEP, fresh, number
from tests.support.project import Project
from tests.support.writer import Chat, writer


def test_a_field_is_compared_alone(project: Project) -> None:
    def write(chat: Chat) -> str:
        same = "one text that stands in all of the answers" if not chat.turn else fresh(chat.number)
        return json.dumps({"title": "the same title for each of them", "text": same, "tags": ["one", "two"]})

    shape = {"json": {"title": "string", "text": "string", "tags": ["string"]}}
    step = STEP | {"answer": shape, "checks": {"post.text": {"distinct": {"most": 0.5}}}}
    with writer(write) as (server, seen):
        project.job(server.base_url, records=project.numbered(4), steps=[step])
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 4 + 3
        result = project.result()
        assert len(set(result["post.text"])) == 4 and len(set(result["post.title"])) == 1
        told = [chat.last for chat in seen.chats if chat.turn]
        assert all(text.startswith('The field "text" of your answer is nearly the same') for text in told)


def test_branches_of_a_row_are_compared_and_rows_under_one_answer_are_not(project: Project) -> None:
    steps = [
        STEP | {"each": {"lang": ["en", "de"]}},
        {"name": "tag", "each": {"n": [1, 2]}, "prompt": "A tag {{ n }} for: {{ post }}"},
    ]

    def write(chat: Chat) -> str:
        return (
            "the same post for all"
            if chat.first.startswith("Write") and not chat.turn
            else fresh(chat.number)
        )

    with writer(write) as (server, _):
        project.job(server.base_url, records=project.numbered(2), steps=steps)
        assert project.run("run", "job.yaml").returncode == 0
        result = project.result()
        assert len(result) == 8 and len(set(result["post"])) == 4
        assert server.ledger().billed == 4 + 2 + 3 + 6  # posts and tags; then three posts with their tags


def test_all_samples_are_compared_with_those_of_other_rows(project: Project) -> None:
    def write(chat: Chat) -> str:
        return fresh(number(chat) % 2) if not chat.turn else fresh(100 + chat.number)

    with writer(write) as (server, _):
        step = STEP | {"samples": 2, "pick": "all"}
        project.job(server.base_url, records=project.numbered(4), steps=[step])
        assert project.run("run", "job.yaml").returncode == 0
        cells = [json.loads(cell) for cell in project.result()["post"]]
        assert cells[0] == [fresh(0)] * 2 and len({text for cell in cells[2:] for text in cell}) == 4
        assert server.ledger().billed == 8 + 4


def test_the_answers_for_all_items_are_compared(project: Project) -> None:
    step = STEP | {"each": {"part": "{{ title | split(' ') }}"}, "prompt": "{{ title }}: {{ part }}"}

    def write(chat: Chat) -> str:
        return "one text that stands for all of them" if not chat.turn else fresh(chat.number)

    with writer(write) as (server, _):
        project.job(server.base_url, records=project.numbered(3), steps=[step])
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        cells = [json.loads(cell) for cell in project.result()["post"]]
        assert len({text for cell in cells for text in cell}) == 6
        assert server.ledger().billed == 6 + 5


@pytest.mark.parametrize("order", ["parallel", "serial"])
def test_items_are_compared_one_by_one_and_the_alike_one_alone_is_written_again(
    order: str, project: Project
) -> None:
    def section(chat: Chat) -> str:
        copied = "part 2" in chat.first and not chat.turn
        words = Random(chat.number).sample(range(10**6), 7)
        return "one two three four five six seven" if copied else " ".join(map(str, words))

    step = STEP | {
        "each": {"part": "{{ range(1, 4) }}", "lang": ["en", "de"]},
        "prompt": "thing {{ title }} part {{ part }}, {{ lang }}.",
        "order": order,
    }
    with writer(section) as (server, seen):
        project.job(server.base_url, steps=[step])
        assert project.run("run", "job.yaml").returncode == 0
        again = [chat.first.split(".")[0] for chat in seen.chats if chat.turn]
        assert len(again) == 5 and all("part 2" in one for one in again), "all but the first"
        assert server.ledger().billed == 18 + 5
        assert len({part for cell in project.result()["post"] for part in json.loads(cell)}) == 18
        assert project.run("run", "job.yaml").returncode == 0 and server.ledger().billed == 23
