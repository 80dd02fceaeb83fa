"""What follows an answer that is not accepted: repairs, fresh starts, stronger models, continuations."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.domain import Rejected, Reply
from tests.support.fakes import Provider, chat_body, said
from tests.support.project import Project
from tests.support.served import served
from tests.support.stages import failed, stage, taken
from tests.support.writer import Chat, writer

GOOD = "Tea is good."
STEP: dict[str, Any] = {"prompt": "Write about tea.", "checks": {"contains": "good"}}


def messages(provider: Provider) -> list[list[str]]:
    """The texts of all requests."""
    return [[str(m["content"]) for m in body["messages"]] for body in provider.bodies]


@pytest.mark.parametrize(("repairs", "fresh"), list(product(range(3), range(3))))
async def test_no_request_is_ever_the_same_as_one_before_it(repairs: int, fresh: int, tmp_path: Path) -> None:
    models = {name: {"provider": "scripted", "model": name} for name in ("small", "large")}
    more = {"model": "small", "escalate": "large", "repairs": repairs, "fresh_starts": fresh}
    provider = Provider([said("bad")])
    of = stage(tmp_path, models=models, params={"temperature": 0}, **STEP, **more)
    fault = await failed(of, provider)
    assert isinstance(fault, Rejected) and fault.best == "bad"
    most = 2 * (1 + repairs) * (1 + fresh)
    assert len({request.digest for request in provider.requests}) == len(provider.requests) == most
    assert fault.requests == tuple(provider.requests)
    assert [request.via for request in provider.requests] == [""] * (most // 2) + ["large"] * (most // 2)


async def test_a_fresh_start_says_what_was_wrong_and_has_no_old_answer(tmp_path: Path) -> None:
    provider = Provider([said("first"), said("second"), said(GOOD)])
    of = stage(tmp_path, repairs=1, fresh_starts=1, **STEP)
    assert await taken(of, provider) == GOOD
    first, second, third = messages(provider)
    assert second == [*first, "first", second[2]] and "must contain" in second[2]
    assert len(third) == 1 and third[0].startswith("Write about tea.") and "must contain" in third[0]


@pytest.mark.parametrize("end", ["length", "content_filter"])
async def test_an_answer_that_is_broken_off_is_asked_for_anew_where_the_step_says_so(
    end: str, tmp_path: Path
) -> None:
    provider = Provider([said("Tea is", end), said(GOOD)])
    assert (await failed(stage(tmp_path, **STEP), provider)).kind in ("truncated", "filtered")
    provider = Provider([said("Tea is", end), said(GOOD)])
    assert await taken(stage(tmp_path, fresh_starts=1, **STEP), provider) == GOOD


async def test_an_answer_that_was_cut_off_is_continued_and_joined(tmp_path: Path) -> None:
    whole = "Tea is a drink that is made from leaves, and it is good for everybody who likes it."
    parts = [said(whole[:30], "length"), said(whole[15:50], "length"), said(whole[50:])]
    provider = Provider(parts)
    of = stage(tmp_path, continuations=2, **STEP)
    assert await taken(of, provider) == whole
    assert messages(provider)[2][1] == whole[:30] and messages(provider)[2][3] == whole[15:50]
    assert (await failed(stage(tmp_path, continuations=1, **STEP), Provider(parts))).kind == "truncated"


async def test_the_best_attempt_is_the_one_with_the_fewest_complaints(tmp_path: Path) -> None:
    checks = {"contains": "good", "excludes": "coffee", "length": {"max": 40}}
    worst = "Coffee is better than all else, and nobody should drink anything else."
    provider = Provider([said(worst), said("Tea is fine."), said("Coffee is fine."), said(worst)])
    of = stage(tmp_path, prompt="p", checks=checks, repairs=3)
    fault = await failed(of, provider)
    assert isinstance(fault, Rejected) and fault.best == "Tea is fine."
    assert fault.message == 'the answer must contain "good"'  # what is said of it, and not of the last one


async def test_a_soft_complaint_is_told_and_sends_nothing(tmp_path: Path) -> None:
    provider = Provider([said("Tea.")])
    of = stage(tmp_path, prompt="p", checks={"soft": {"contains": "good"}}, repairs=3)
    got = await of.runner.take({}, "1", provider)
    assert got.value == "Tea." and [one.check for one in got.soft] == ["contains"]
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("field", "answer", "good"),
    [
        ("s.text", '{"text": "long text", "tags": ["a"]}', '{"text": "short", "tags": ["a"]}'),
        ("s.tags", '{"text": "short", "tags": ["a", "longer tag"]}', '{"text": "short", "tags": ["a", "b"]}'),
        ("tags", '{"text": "long text", "tags": ["longer tag"]}', '{"text": "long text", "tags": ["b"]}'),
    ],
)
async def test_a_check_of_a_field_sees_its_decoded_value(
    field: str, answer: str, good: str, tmp_path: Path
) -> None:
    checks = {field: {"length": {"max": 6}}} if "." in field else {f"s.{field}": {"length": {"max": 6}}}
    provider = Provider([said(answer), said(good)])
    shape = {"json": {"text": "string", "tags": ["string"]}}
    of = stage(tmp_path, prompt="p", answer=shape, checks=checks)
    await taken(of, provider)
    name = field.removeprefix("s.")
    assert f'The field "{name}" of your answer has' in messages(provider)[1][2]


def test_options_are_rendered_for_each_row(project: Project) -> None:
    def write(chat: Chat) -> str:
        word = chat.first.rsplit(" ", 1)[1]
        return word if chat.turn == 0 and word != "lamp" else f"{word}, and much more of {word}"

    with writer(write) as (server, seen):
        step = {
            "name": "post",
            "prompt": "Write about {{ title }}",
            "checks": {"length": {"min": "{{ least }}"}, "contains": "{{ title }}"},
        }
        records = "sku,title,least\n007,tea,10\n008,lamp,10\n009,mug,2\n"
        project.job(server.base_url, records=records, steps=[step])
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert [chat.first.rsplit(" ", 1)[1] for chat in seen.chats if chat.turn] == ["tea"]
        records = records.replace("mug,2", "mug,two")
        project.job(server.base_url, records=records, steps=[step])
        failed_run = project.run("run", "job.yaml")
        assert failed_run.returncode == 3
        words = "checks.length.min: a template gave 'two': must be a whole number"
        assert words in failed_run.stdout
        assert failed_run.stdout.splitlines()[1].startswith("0 requests sent")
        checked = project.run("check", "job.yaml", "--rows")
        assert checked.returncode == 3 and f"record 3 (009), step post: {words}" in checked.stderr


@pytest.mark.parametrize(
    ("checks", "said_of"),
    [
        ({"lenght": {"max": 3}}, "unknown key 'lenght'"),
        ({"soft": {"lenght": {"max": 3}}}, "unknown key 'lenght'"),
        ({"post.text": {"lenght": {"max": 3}}}, "unknown key 'lenght'"),
        ({"length": {"max": "{{ nothing }}"}}, "there is no 'nothing'"),
        ({"length": {"max": "a lot"}}, "steps.post.checks.length.max: must be a whole number"),
        ({"post.texts": {"length": {"max": 3}}}, "no field 'texts'"),
        ({"other.text": {"length": {"max": 3}}}, "no field 'other.text'"),
    ],
)
def test_a_slip_in_checks_is_named_before_anything_is_sent(
    checks: dict[str, Any], said_of: str, project: Project
) -> None:
    step = {"name": "post", "prompt": "p", "answer": {"json": {"text": "string"}}, "checks": checks}
    project.job(steps=[step])
    checked = project.run("check", "job.yaml")
    assert checked.returncode == 2 and said_of in checked.stderr, checked.stderr


@pytest.mark.parametrize(
    "checks",
    [
        {"length": {"min": "{{ title }}"}},
        {"soft": {"length": {"min": "{{ title }}"}}},
        {"language": "no {{ title }}"},
        {"platform": "{{ title }}"},
        {"regex": {"match": "({{ title }}"}},
        {"judge": {"model": "critic", "criteria": {"good": "{{ 1 // (title | length - 3) }}"}}},
    ],
)
def test_a_row_whose_templates_fit_no_check_is_not_paid_for(checks: dict[str, Any], project: Project) -> None:
    with writer(lambda chat: "It is good.") as (server, _):
        models: dict[str, Any] = dict(served(server.base_url))
        models["critic"] = {**models["writer"], "model": "c"}
        step = {"name": "post", "model": "writer", "prompt": "Write about {{ title }}.", "checks": checks}
        project.job(records="sku,title\n1,tea\n", models=models, steps=[step])
        planned = project.numbers("plan", "job.yaml")
        assert (planned["steps"][0]["missing"], planned["failed"]) == (0, 1)
        assert project.run("run", "job.yaml").returncode == 3
        assert server.ledger().requests == 0
    assert "1,post,template," in (project.folder / "output/shop/failures.csv").read_text()


def halved(text: str, finish_reason: str = "stop") -> Reply:
    """A reply with half an emoji for each %: so a server writes a text that it cuts in the middle."""
    return Reply("chat", chat_body(text, finish_reason).replace(b"%", b"\\ud83d"), 0.5)


@pytest.mark.parametrize(
    ("step", "first"),
    [
        ({"checks": {"contains": "good"}}, halved("Tea % is")),
        ({"checks": {"opening": {"forbid": "Tea"}, "contains": "good"}}, halved("Tea % is")),
        ({"continuations": 1}, halved("Tea %", "length")),
        ({"fresh_starts": 1, "repairs": 0, "checks": {"contains": "good"}}, halved("Tea % is")),
        ({"answer": {"json": {"a": "string"}}}, halved('{"a": 1, "b": "%"}')),
        ({"answer": {"json": {"a": "string"}}}, said('{"a": 1, "b": "\\ud83d"}')),
        (
            {"answer": {"json": {"a": "string"}}, "checks": {"s.a": {"opening": {"forbid": "Tea"}}}},
            said('{"a": "Tea \\ud83d is"}'),
        ),
    ],
)
async def test_an_answer_with_half_a_character_is_sent_back_like_any_other(
    step: dict[str, Any], first: Any, tmp_path: Path
) -> None:
    last = said('{"a": "It is good."}' if "answer" in step else "It is good.")
    provider = Provider([first, last])
    value = await taken(stage(tmp_path, prompt="Write.", **step), provider)
    assert "good" in str(value) and len(messages(provider)) == 2
