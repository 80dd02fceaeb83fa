"""The fake model: the same in process and behind HTTP, and a ledger that is right whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import orjson
import pytest

from pipeline.core.domain import Fault, Request
from pipeline.job.models import Model
from pipeline.providers import openai
from pipeline.providers.scripted import caller
from pipeline.testing import BatchScript, Ledger, Rule, Script, serve
from pipeline.testing.service import Service
from tests.support.batches import MARK, file_of, requests
from tests.support.scripted_client import BODIES, PATHS, chat, post

Ask = Callable[[str, bytes], Any]
Stage = Callable[[Script, Path], AbstractAsyncContextManager[Ask]]


def patience(body: bytes) -> float:
    """Seconds after which a caller leaves: soon where no answer is to come."""
    return 0.5 if b' me"' in body else 30


@asynccontextmanager
async def in_process(script: Script, ledger: Path) -> AsyncIterator[Ask]:
    with Ledger(ledger) as kept:
        service = Service(script, kept)

        async def ask(api: str, body: bytes) -> tuple[int, bytes]:
            try:
                call = caller(service, timeout=patience(body))
                return 200, (await call(Request(api, "m", body))).body
            except Fault as fault:
                return fault.status, fault.body if fault.status else b""

        yield ask


@asynccontextmanager
async def behind_http(script: Script, ledger: Path) -> AsyncIterator[Ask]:
    with serve(script, ledger=ledger) as server:

        async def ask(api: str, body: bytes) -> tuple[int, bytes]:
            raw = await post(server.base_url, body, api, timeout=patience(body))
            return raw.status, raw.body if raw.status else b""

        yield ask


def test_batches_survive_a_restart_of_the_server_with_their_folder(tmp_path: Path) -> None:
    asked, ledger, state = requests(20), tmp_path / "ledger.jsonl", tmp_path / "state"
    script = Script(batches=BatchScript(latency=1.5))

    async def on_a_new_server(batch: str = "") -> str:
        with serve(script, ledger=ledger, state=state) as server:
            model = Model(provider="openai", model="m", base_url=server.base_url)
            async with openai.batches(model) as api:
                if not batch:
                    return (await api.submit(file_of(tmp_path, asked), MARK, "chat")).id
                while not (found := await api.look(batch)).ended:
                    await anyio.sleep(0.05)
                assert found.done == len(asked) and await api.find(MARK) == found
                return batch

    batch = anyio.run(on_a_new_server)
    anyio.run(on_a_new_server, batch)
    account = Ledger.read(ledger)
    assert (account.billed, account.overpaid, account.twice) == (20, 0, 0)


EVENTFUL = Script(
    latency=0.01,
    seed=7,
    models=("m",),
    faults=(
        Rule(fault="hang", match="hang me"),
        Rule(fault="truncate_body", match="cut me"),
        Rule(fault="rate_limit", first=2, retry_after=3),
        Rule(fault="server_error", share=0.4, times=1, status=503),
        Rule(fault="refusal", every=9),
        Rule(fault="bad_request", match="too long", code="context_length_exceeded"),
    ),
)


def eventful_bodies() -> list[tuple[str, bytes]]:
    texts = [*(f"row {i % 12}" for i in range(36)), "hang me", "cut me", "too long"]
    odd = [("chat", b"not json"), ("chat", orjson.dumps({"model": "n", "messages": [{"content": "x"}]}))]
    return [*BODIES.items(), *(("chat", chat(text)) for text in texts), *odd]


async def played(stage: Stage, ledger: Path) -> tuple[list[tuple[int, bytes]], list[tuple[Any, ...]]]:
    async with stage(EVENTFUL, ledger) as ask:
        answers = [await ask(api, body) for api, body in eventful_bodies()]
    lines = Ledger.read(ledger).lines
    return answers, [(a.n, a.digest, a.billed, a.status, a.input, a.output, a.fault) for a in lines]


async def test_in_process_and_behind_http_answers_and_ledger_are_the_same(tmp_path: Path) -> None:
    near = await played(in_process, tmp_path / "near.jsonl")
    far = await played(behind_http, tmp_path / "far.jsonl")
    assert near == far
    statuses = {status for status, _ in near[0]}
    assert statuses == {0, 200, 400, 404, 429, 503}
    assert len(near[1]) == len(eventful_bodies())


@pytest.mark.parametrize("stage", [in_process, behind_http])
@pytest.mark.parametrize("api", PATHS)
async def test_every_dialect_answers_with_the_digest_and_the_last_user_message(
    stage: Stage, api: str, tmp_path: Path
) -> None:
    async with stage(Script(), tmp_path / "ledger.jsonl") as ask:
        status, body = await ask(api, BODIES[api])
        again = await ask(api, BODIES[api])
    assert (status, body) == again
    answer = orjson.loads(body)
    text = {
        "chat": lambda: answer["choices"][0]["message"]["content"],
        "responses": lambda: answer["output"][0]["content"][0]["text"],
        "completions": lambda: answer["choices"][0]["text"],
        "translation": lambda: answer["text"],
    }[api]()
    assert "green tea." in text
    assert Request(api, "m", BODIES[api]).digest.hex()[:8] in text


@pytest.mark.parametrize("stage", [in_process, behind_http])
async def test_the_ledger_bills_by_the_digest_of_the_request_with_the_usage_of_the_answer(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    async with stage(Script(tokens=50), path) as ask:
        _, body = await ask("chat", BODIES["chat"])
    (line,) = Ledger.read(path).lines
    usage = orjson.loads(body)["usage"]
    assert line.digest == Request("chat", "m", BODIES["chat"]).digest.hex()
    assert (line.billed, line.status, line.input, line.output) == (True, 200, usage["prompt_tokens"], 50)
    assert len(orjson.loads(body)["choices"][0]["message"]["content"]) == 200


async def test_cancelling_a_hang_works_at_once() -> None:
    call = caller(Service(Script(faults=(Rule(fault="hang", every=1),)), Ledger()))
    task = asyncio.ensure_future(call(Request("chat", "m", chat("x"))))
    await asyncio.sleep(0.01)
    task.cancel()
    with anyio.fail_after(30), pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("stage", [in_process, behind_http])
async def test_a_request_whose_caller_leaves_is_billed_all_the_same(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with stage(Script(latency=5), path) as ask:
        await ask("chat", chat("wait for me"))
        with anyio.fail_after(30):
            while Ledger.read(path).billed == 0:
                await anyio.sleep(0.01)
    assert [(line.billed, line.output > 0) for line in Ledger.read(path).lines] == [(True, True)]


def test_the_models_and_the_counts_can_be_asked_for_and_unknown_paths_are_404() -> None:
    async def ask(base_url: str) -> list[tuple[int, Any]]:
        root = base_url.removesuffix("/v1")
        await post(base_url, chat("x"))
        async with aiohttp.ClientSession() as session:
            answers = []
            for url in (f"{base_url}/models", f"{root}/ledger", f"{root}/v2"):
                async with session.get(url) as response:
                    answers.append((response.status, await response.json()))
            return answers

    with serve(Script(models=("a", "b"), faults=())) as server:
        models, ledger, unknown = asyncio.run(ask(server.base_url))
    assert [model["id"] for model in models[1]["data"]] == ["a", "b"]
    assert (ledger[1]["requests"], ledger[1]["refused"], ledger[1]["billed"]) == (1, 1, 0)
    assert unknown[0] == 404
