"""Servers that do on the wire what none should: a fault of the right kind, or the right answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.conversation import read
from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.errors import JobError
from pipeline.job import Model
from pipeline.providers import openai
from pipeline.providers.openai import connect_to
from pipeline.scripted import Rule, Script, Server, serve
from pipeline.scripted.plays import PLAYS
from pipeline.secret import Secret
from tests.fakes import asked
from tests.project import KEY, Project
from tests.rawserver import GOOD, raw_server, response

ROOT = Path(__file__).parent.parent
MIB = 1 << 20
MOST_GROWTH = 64 * MIB
ENDLESS = ("stall", "trickle")


def faults() -> tuple[Rule, ...]:
    """A rule for each play, for prompts that name it; what would last is quick."""
    seconds = {"trickle": 0.1}
    return tuple(Rule(match=f"<{name}>", fault=name, seconds=seconds.get(name)) for name in PLAYS)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(Script(faults=(*faults(), Rule(match="<slow>", fault="length", billed=True)))) as running:
        yield running


@asynccontextmanager
async def calling(url: str, *, timeout: float = 20.0, idle: float = 60.0) -> AsyncIterator[Call]:
    async with connect_to(url, Secret(KEY), api="chat", concurrency=2, timeout=timeout, idle=idle) as call:
        yield call


async def met(call: Call, request: Request) -> Reply | Fault:
    try:
        return await call(request)
    except Fault as fault:
        return fault


WHAT = {  # play -> kind of fault ('' for the answer), what it may have cost
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


@pytest.mark.parametrize("name", PLAYS)
async def test_every_play_comes_to_the_right_end(server: Server, name: str) -> None:
    async with calling(server.base_url, timeout=0.6 if name in ENDLESS else 20) as call:
        came = await met(call, asked(f"<{name}>"))
    if isinstance(came, Fault):
        assert (came.kind, came.billed.value) == WHAT[name]
        assert came.fate is (Fate.FAIL if name == "gzip_bomb" else Fate.RETRY)
    else:
        assert WHAT[name] == ("", "")
        assert f"<{name}>" in read(came).text


@pytest.mark.parametrize("name", ["no_last_chunk", "reset_body", "gzip_garbage", "unknown_encoding"])
async def test_what_came_of_a_broken_reply_is_kept(server: Server, name: str) -> None:
    async with calling(server.base_url) as call:
        came = await met(call, asked(f"<{name}>"))
    assert isinstance(came, Fault)
    assert came.body.startswith(b'{"id":"chatcmpl-')


# One connection, many requests: no answer may go to another question.


@pytest.mark.parametrize("name", ["late_answer", "second_answer", "closed_after", "interim"])
async def test_no_request_gets_an_answer_that_was_meant_for_nobody(server: Server, name: str) -> None:
    async with connect_to(server.base_url, Secret(), api="chat", concurrency=1, timeout=10) as call:
        for n in range(4):
            answer = read(await call(asked(f"<{name}> number {n}")))
            assert f"number {n}" in answer.text
            await asyncio.sleep(0.1)
        last = await call(asked("the last"))
    assert ("nobody asked for" in last.odd) is (name == "late_answer")


async def test_an_answer_that_waits_unread_at_the_socket_is_not_taken_for_the_next_one(
    server: Server,
) -> None:
    async with connect_to(server.base_url, Secret(), api="chat", concurrency=1, timeout=10) as call:
        await call(asked("<late_answer> first"))
        time.sleep(0.15)  # the loop stands still while the stranger's answer arrives
        assert "second" in read(await call(asked("second"))).text


async def test_a_connection_that_was_closed_between_requests_costs_no_request() -> None:
    def answer(n: int) -> bytes:
        return response() if n % 2 == 0 else b""

    async with raw_server(answer) as seen, calling(seen.url) as call:
        assert isinstance(await met(call, asked("a")), Reply)
        lost = await met(call, asked("b"))  # closed as the request comes: nobody knows whether it was taken
        assert isinstance(lost, Fault) and lost.billed.value == "maybe" and lost.fate is Fate.RETRY
        assert isinstance(await met(call, asked("b")), Reply)


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
    async with calling(server.base_url, timeout=20, idle=0.3) as call:
        came = await met(call, asked("<stall>"))
    assert isinstance(came, Fault) and came.kind == "timeout" and "stopped half way" in came.message
    assert came.body and time.perf_counter() - began < 5


async def test_the_deadline_holds_for_a_reply_that_drips_for_ever(server: Server) -> None:
    began = time.perf_counter()
    async with calling(server.base_url, timeout=0.8, idle=5) as call:
        came = await met(call, asked("<trickle>"))
    assert isinstance(came, Fault) and came.message == "no answer within 0.8 s"
    assert 0.7 < time.perf_counter() - began < 5


async def test_a_model_may_think_longer_than_a_reply_may_stall() -> None:
    with serve(Script(latency=0.6)) as slow:
        async with calling(slow.base_url, idle=0.2) as call:
            assert "think" in read(await call(asked("think"))).text


# Heads that are no HTTP, or not the HTTP that was spoken.

HEADS = {
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "no status line": b"hello\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "the end of an HTTP/2 connection": bytes([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "a length beyond all size": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "a chunk of a negative size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n",
    "an unknown coding of transfer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\nhello",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
    "bytes in a header": b"HTTP/1.1 200 OK\r\nx: \xff\xfe\x00\r\nContent-Length: 0\r\n\r\n",
    "five hundred headers": response(GOOD, *(b"x-%d: y" % n for n in range(500))),
    "a switch of protocols": response(b"", status=b"101 Switching Protocols"),
    "a status beyond all": response(b"{}", status=b"999 Odd"),
    "nothing but an interim status": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    "not modified": response(b"", status=b"304 Not Modified"),
    "half a status line": b"HTTP/1.1 20",
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_that_is_none_is_a_fault(name: str) -> None:
    def answer(n: int) -> bytes:
        return HEADS[name] if n == 0 else b""

    async with raw_server(answer) as seen, calling(seen.url, timeout=0.5) as call:
        came = await met(call, asked("a"))
    assert isinstance(came, Fault), read(came)
    assert came.kind in {"unreadable", "disconnected", "timeout", "server_error", "redirected"}
    assert len(came.message) < 300 and KEY not in came.message


async def test_a_server_that_hangs_up_before_it_has_read_may_have_billed() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        async with calling(url) as call:
            came = await met(call, asked("a"))
    assert isinstance(came, Fault) and (came.kind, came.billed.value) == ("disconnected", "maybe")


async def test_a_host_that_nobody_listens_at_has_billed_nothing() -> None:
    async with calling("http://127.0.0.1:9/v1") as call:
        came = await met(call, asked("a"))
    assert isinstance(came, Fault) and (came.kind, came.billed.value) == ("unreachable", "no")


MUTATED = response(GOOD, b"Content-Type: application/json", b"x-ratelimit-limit-requests: 60")


CHANGES = st.lists(st.tuples(st.integers(0, len(MUTATED) - 1), st.binary(max_size=4)), max_size=6)


async def meet_mutation(changes: list[tuple[int, bytes]], cut: bool) -> None:
    """A good response with some bytes changed, and maybe its end left out, is a reply or a fault."""
    sent = bytearray(MUTATED)
    for place, new in changes:
        sent[place : place + len(new)] = new
    if cut and changes:
        del sent[changes[0][0] :]

    def answer(n: int) -> bytes:
        return bytes(sent) if n == 0 else b""

    async with raw_server(answer) as seen, calling(seen.url, timeout=0.1) as call:
        came = await met(call, asked("a"))
        if isinstance(came, Reply):
            try:
                assert isinstance(read(came).text, str)
            except Fault as fault:
                assert fault.kind in {"unreadable", "server_error", "rate_limited", "bad_request"}


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(CHANGES, st.booleans())
async def test_any_bytes_are_a_reply_or_a_fault(changes: list[tuple[int, bytes]], cut: bool) -> None:
    await meet_mutation(changes, cut)


@pytest.mark.soak
@settings(max_examples=1500, suppress_health_check=list(HealthCheck))
@given(CHANGES, st.booleans())
async def test_very_many_bytes_are_a_reply_or_a_fault(changes: list[tuple[int, bytes]], cut: bool) -> None:
    await meet_mutation(changes, cut)


# Memory.

PAD = "a" * 8_200_000
BOMBS: dict[str, tuple[Rule, str]] = {  # prompt -> rule, and the kind it comes to ('' for an answer)
    "ten gigabytes": (Rule(every=1, fault="huge", bytes=10**10), "too_large"),
    "a gzip bomb": (Rule(every=1, fault="gzip_bomb", bytes=16 << 30), "too_large"),
    "endless headers": (Rule(every=1, fault="endless_headers"), "unreadable"),
    "a header of a megabyte": (Rule(every=1, fault="long_header"), "unreadable"),
    "just below the cap": (Rule(every=1, fault="huge", bytes=8 << 20), ""),
    "wide characters": (
        Rule(
            every=1,
            fault="body",
            body=f'{{"choices":[{{"message":{{"content":"\U0001f600{PAD}"}},"finish_reason":"stop"}}]}}',
        ),
        "",
    ),
    "broken off at its end": (
        Rule(every=1, fault="body", body=f'{{"choices":[{{"message":{{"content":"\U0001f600{PAD}"'),
        "unreadable",
    ),
    "a million lists": (Rule(every=1, fault="body", body=f'{{"a":[{"[]," * 2_700_000}[]]}}'), "unreadable"),
    "many small objects": (Rule(every=1, fault="body", body=f'{{"a":[{"{}," * 190_000}[]]}}'), ""),
    "eight million levels": (Rule(every=1, fault="body", body="[" * 8_000_000), "unreadable"),
    "eight million digits": (Rule(every=1, fault="body", body=f'{{"a":{"9" * 8_000_000}}}'), "unreadable"),
    "a refusal without end": (Rule(every=1, fault="bad_request", message="x" * 3_000_000), "bad_request"),
}


MANY = ("ten gigabytes x 64", "a gzip bomb x 64")


def test_no_reply_fills_the_memory_and_what_fits_is_kept(tmp_path: Path) -> None:
    rules = tuple(
        rule.model_copy(update={"match": prompt, "every": None}) for prompt, (rule, _) in BOMBS.items()
    )
    with serve(Script(faults=rules)) as server:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.reply_bombs",
                server.base_url,
                str(tmp_path),
                "chat",
                *BOMBS,
                *MANY,
            ],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["times"] for line in lines] == [1] * (1 + len(BOMBS)) + [64] * len(MANY)
    for line in lines[1:]:
        rule, kind = BOMBS[line["prompt"]]
        assert line["kind"] == kind, line
        assert line["grown"] < MOST_GROWTH, line
        if rule.fault == "body":
            assert line["kept"] == len((rule.body or "").encode()), line


# Where a request goes, and where not.


async def test_a_redirect_is_never_followed_and_names_the_host_it_points_to() -> None:
    def away(n: int) -> bytes:
        where = f"Location: http://127.0.0.1:{port}/v1/chat/completions?k={KEY}"
        return response(b"", where.encode(), status=b"307 Temporary Redirect")

    async with raw_server(response()) as second:
        port = int(second.url.split(":")[2].split("/")[0])
        async with raw_server(away) as first, calling(first.url) as call:
            came = await met(call, asked("secret prompt"))
        assert isinstance(came, Fault) and (came.kind, came.fate) == ("redirected", Fate.STOP)
        assert f"127.0.0.1:{port}" in came.message and KEY not in came.message
        assert (second.connections, second.requests) == (0, [])


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(response()) as proxy, raw_server(response()) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
            monkeypatch.setenv(name.lower(), proxy.url.removesuffix("/v1"))
        async with calling(server.url) as call:
            await call(asked("a"))
        assert (proxy.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("base_url", "refused"),
    [
        ("http://models.example/v1", True),
        ("http://10.0.0.7:8000/v1", True),
        ("http://127.0.0.1.example/v1", True),
        ("http://[2001:db8::1]/v1", True),
        ("https://models.example/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://127.9.9.9/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://localhost:8000/v1", False),
    ],
)
async def test_a_key_goes_beyond_this_machine_with_encryption_only(
    base_url: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    model = Model(model="m", api="chat", base_url=base_url, api_key_env="TEST_KEY")
    allowing = model.model_copy(update={"options": {"allow_http": True}})
    async with openai.connect(allowing):
        pass
    async with openai.connect(model.model_copy(update={"api_key_env": ""})):
        pass  # there is nothing to be read
    try:
        async with openai.connect(model):
            pass
    except JobError as error:
        assert refused and "without encryption" in error.what and "allow_http" in error.hint
        assert KEY not in str(error)
    else:
        assert not refused


def test_a_key_is_refused_to_plain_http_before_anything_is_sent(project: Project) -> None:
    project.job("http://models.example/v1")
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and "to models.example without encryption" in done.stderr, done.stderr


# Whole runs.


def test_a_run_through_every_play_ends_with_the_right_answer_in_every_cell(project: Project) -> None:
    # a late answer that comes while the next one is awaited is not to be told from it
    names = [name for name in PLAYS if name not in ("gzip_bomb", "late_answer", *ENDLESS)]
    records = "sku,title\n" + "".join(f"{n},<{names[n // 2]}> {n}\n" for n in range(2 * len(names)))
    struck = tuple(rule.model_copy(update={"times": 1}) for rule in faults())
    with serve(Script(faults=struck)) as server:
        project.job(server.base_url, records=records)
        more = ["--set", "models.writer.limits={concurrency: 2, maybe_billed_retries: 3, timeout: 20}"]
        done = project.run("run", "job.yaml", *more)
        assert done.returncode == 0, done.stdout + done.stderr
        requests = server.ledger().requests
    for title, post in project.result().select("title", "post").iter_rows():
        assert f"Write about {title}." in post, "an answer in another's cell"
    assert requests > 2 * len(names)


@pytest.mark.parametrize(
    ("body", "what"), [(b"<!DOCTYPE html><p>Sign in</p>", "HTML"), (b"", "nothing"), (b" \n", "nothing")]
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
