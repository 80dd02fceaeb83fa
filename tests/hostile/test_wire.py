"""Servers that do on the wire what none should: a fault of the right kind, or the right answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from functools import partial

import pytest

from pipeline.core.domain import Fate, Fault, Reply
from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from pipeline.testing import Rule, Script, Server
from pipeline.wire.conversation import read
from tests.support.broken_http import BREAKS, breaking
from tests.support.fakes import asked
from tests.support.project import Project
from tests.support.rawserver import GOOD, raw_server, response
from tests.support.server import serve
from tests.support.wire import calling, met

ENDLESS = ("stall", "trickle")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(serving=breaking) as running:
        yield running


WHAT = {  # break -> kind of fault ('' for the answer), what it may have cost
    "stall": ("timeout", "maybe"),
    "trickle": ("timeout", "maybe"),
    "no_last_chunk": ("disconnected", "maybe"),
    "short_length": ("unreadable", "maybe"),
    "second_answer": ("", ""),
    "late_answer": ("", ""),
    "closed_after": ("", ""),
    "reset": ("disconnected", "maybe"),
    "reset_body": ("disconnected", "maybe"),
    "gzip_bomb": ("too_large", "yes"),
    "gzip_garbage": ("unreadable", "maybe"),
    "unknown_encoding": ("unreadable", "maybe"),
    "endless_headers": ("unreadable", "maybe"),
    "long_header": ("unreadable", "maybe"),
    "interim": ("", ""),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_every_break_comes_to_the_right_end(server: Server, name: str) -> None:
    async with calling(server.base_url, timeout=0.6 if name in ENDLESS else 20) as call:
        came = await met(call, asked(f"<{name}>"))
    if isinstance(came, Fault):
        assert (came.kind, came.billed.value) == WHAT[name]
        assert came.fate is (Fate.FAIL if name == "gzip_bomb" else Fate.RETRY)
    else:
        assert WHAT[name] == ("", "")
        assert f"<{name}>" in read(came).text


@pytest.mark.parametrize("name", ["no_last_chunk", "reset_body"])
async def test_what_came_of_a_broken_reply_is_kept(server: Server, name: str) -> None:
    async with calling(server.base_url) as call:
        came = await met(call, asked(f"<{name}>"))
    assert isinstance(came, Fault)
    assert came.body.startswith(b'{"id":"chatcmpl-')


@pytest.mark.parametrize("name", ["gzip_garbage", "unknown_encoding"])
async def test_a_body_in_which_a_key_could_hide_is_not_kept(server: Server, name: str) -> None:
    async with calling(server.base_url) as call:
        came = await met(call, asked(f"<{name}>"))
    assert isinstance(came, Fault) and came.body == b""


# One connection, many requests: no answer may go to another question.


@pytest.mark.parametrize("name", ["late_answer", "second_answer", "closed_after", "interim"])
async def test_no_request_gets_an_answer_that_was_meant_for_nobody(server: Server, name: str) -> None:
    async with connect_to(server.base_url, Secret(), concurrency=1, timeout=10) as call:
        for n in range(4):
            answer = read(await call(asked(f"<{name}> number {n}")))
            assert f"number {n}" in answer.text
            await asyncio.sleep(0.6 if name == "late_answer" else 0.1)
        last = await call(asked("the last"))
    assert ("no request asked for" in last.odd) is (name == "late_answer")


async def test_an_answer_that_waits_unread_at_the_socket_is_not_taken_for_the_next_one(
    server: Server,
) -> None:
    async with connect_to(server.base_url, Secret(), concurrency=1, timeout=10) as call:
        await call(asked("<late_answer> first"))
        time.sleep(0.6)  # the loop stands still while the stranger's answer arrives
        assert "second" in read(await call(asked("second"))).text


async def test_connections_are_used_again_while_the_server_behaves() -> None:
    async with raw_server(response()) as seen, calling(seen.url) as call:
        for n in range(5):
            await call(asked(str(n)))
        assert (len(seen.requests), seen.connections) == (5, 1)
        assert all(
            b"HTTP/1.1" in head and b"accept-encoding: identity" in head.lower() for head in seen.requests
        )


# Patience.


async def test_a_reply_that_stalls_is_given_up_long_before_the_deadline(server: Server) -> None:
    began = time.perf_counter()
    async with calling(server.base_url, timeout=60, idle=0.3) as call:
        came = await met(call, asked("<stall>"))
    assert isinstance(came, Fault) and came.kind == "timeout" and "stopped half way" in came.message
    assert came.body and time.perf_counter() - began < 30


async def test_the_deadline_holds_for_a_reply_that_drips_for_ever(server: Server) -> None:
    began = time.perf_counter()
    async with calling(server.base_url, timeout=0.8, idle=5) as call:
        came = await met(call, asked("<trickle>"))
    assert isinstance(came, Fault) and came.message == "no answer within 0.8 s"
    assert 0.7 < time.perf_counter() - began < 30


async def test_a_model_may_think_longer_than_a_reply_may_stall() -> None:
    with serve(Script(latency=0.6)) as slow:
        async with calling(slow.base_url, idle=0.2) as call:
            assert "think" in read(await call(asked("think"))).text


# Whole runs.


def test_a_run_through_every_break_ends_with_the_right_answer_in_every_cell(project: Project) -> None:
    # a late answer that comes while the next one is awaited is not to be told from it
    names = [name for name in BREAKS if name not in ("gzip_bomb", "late_answer", *ENDLESS)]
    records = "sku,title\n" + "".join(f"{n},<{names[n // 2]}> {n}\n" for n in range(2 * len(names)))
    with serve(serving=partial(breaking, once=True)) as server:
        project.job(server.base_url, records=records)
        more = ["--set", "models.writer.limits={concurrency: 2, maybe_billed_retries: 3, timeout: 20}"]
        done = project.run("run", "job.yaml", *more)
        assert done.returncode == 0, done.stdout + done.stderr
        requests = server.ledger().requests
    for title, post in project.result().select("title", "post").iter_rows():
        assert f"Write about {title}." in post, "an answer in another's cell"
    assert requests > 2 * len(names)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<!DOCTYPE html><p>Sign in</p>", "HTML"),
        (b"", "nothing"),
        (b" \n", "nothing"),
        (b'{"message": {"role": "assistant", "content": "a"}, "done": true}', "replies of Ollama's own API"),
        (b'{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}', "replies of Gemini's own API"),
        (b'{"type":"message","content":[{"type":"text","text":"a"}]}', "replies of Anthropic's own API"),
    ],
)
async def test_page_after_page_is_no_api(body: bytes, what: str) -> None:
    def answer(n: int) -> bytes:
        return response(GOOD) if n == 3 else response(body, status=b"200 OK" if body else b"204 No Content")

    async with raw_server(answer) as seen, calling(seen.url) as call:
        came = [await met(call, asked(str(n))) for n in range(9)]
        host = seen.url.split("/")[2]
    assert all(isinstance(one, Reply) for one in came[:8]), "a reply that can be read begins the count anew"
    assert isinstance(came[8], Fault)
    assert (came[8].kind, came[8].fate, came[8].billed.value) == ("not_an_api", Fate.STOP, "maybe")
    assert came[8].message == f"not an API: got {what} from {host}, 5 times in a row"


def test_a_sign_in_page_stops_the_run(project: Project) -> None:
    with serve(Script(faults=(Rule(every=1, fault="html"),))) as server:
        project.job(server.base_url, records=Project.numbered(60))
        done = project.run("run", "job.yaml", "--set", "models.writer.limits.concurrency=8")
        assert done.returncode == 75, done.stderr
        assert "not an API: got HTML from 127.0.0.1" in done.stderr and "sign-in page" in done.stderr
        assert server.ledger().requests <= 12
    assert not (project.folder / "output/shop/posts.csv").exists()


def test_a_run_is_told_once_of_what_is_odd_and_every_row_has_its_own_answer(project: Project) -> None:
    faults = (
        Rule(match="lamp", fault="mislabelled"),
        Rule(match="page", times=1, fault="html"),
        Rule(match="other", fault="wrong_model"),
        Rule(every=1, fault="same_id"),
    )
    titles = ["lamp", "page", *(f"other {n}" for n in range(9)), *(f"thing {n}" for n in range(5))]
    records = "sku,title\n" + "".join(f"{n},{title}\n" for n, title in enumerate(titles))
    with serve(Script(faults=faults)) as server:
        project.job(server.base_url, records=records)
        assert project.run("run", "job.yaml").returncode == 0
        host = server.base_url.split("/")[2]
    for title, post in project.result().select("title", "post").iter_rows():
        assert f"Write about {title}." in post
    events = (project.folder / "output/shop/events.jsonl").read_text().splitlines()
    odd = [event["remark"] for event in map(json.loads, events) if event["event"] == "reply.odd"]
    said = f"{host} says that its JSON is text/html; charset=utf-8"
    assert sorted(odd) == sorted([said, "asked for m, answered by another-than-m"])
    status = project.run("status", "job.yaml").stdout
    assert "odd: asked for m, answered by another-than-m (9 times)" in status
    assert f"odd: {said} (1 time)" in status
