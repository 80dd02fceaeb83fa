"""Other people's batches: each server takes our files, and its results come back to the right requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import openai
import orjson
import pytest

from pipeline.core.contracts import BatchApi, BatchState
from pipeline.core.domain import Request
from pipeline.job.models import Model
from pipeline.providers import openai as provider
from pipeline.wire.apis import chat
from pipeline.wire.batching import line_of, new_mark, path_of, read_line
from tests.support.real_servers import aimock, llama_cpp, llmock, ogx

ROWS, SECONDS = 12, 240.0
FIXTURES = [{"match": {"userMessage": "Write"}, "response": {"content": "A fine thing."}}]


@contextmanager
def of_aimock(folder: Path) -> Iterator[Mapping[str, Any]]:
    with aimock(folder, FIXTURES) as url:
        yield {"model": "gpt-4o", "base_url": url}


def of_llmock(
    path: str, name: str, known_as: str
) -> Callable[[Path], AbstractContextManager[Mapping[str, Any]]]:
    @contextmanager
    def opened(folder: Path) -> Iterator[Mapping[str, Any]]:
        with llmock(folder) as origin:
            yield {"model": name, "base_url": f"{origin}{path}", "options": {"batch": known_as}}

    return opened


@contextmanager
def of_ogx(folder: Path) -> Iterator[Mapping[str, Any]]:
    """OGX, with a small real model of llama.cpp behind it."""
    (folder / "model").mkdir()
    with llama_cpp(folder / "model") as upstream, ogx(folder, upstream) as url:
        yield {"model": "writer/smollm2", "base_url": url}


SERVERS = {
    "aimock": of_aimock,
    "llmock": of_llmock("/v1", "gpt-4o", "openai"),
    "llmock as Groq": of_llmock("/groq/openai/v1", "llama-3.3-70b-versatile", "groq"),
    "llmock as Mistral": of_llmock("/mistral/v1", "mistral-small-latest", "mistral"),
    "ogx": of_ogx,
}


def requests(model: str) -> list[Request]:
    """Questions, each with an answer of its own."""
    asked = [
        {
            "model": model,
            "messages": [{"role": "user", "content": f"Write about thing {i}."}],
            "max_tokens": 8,
        }
        for i in range(ROWS)
    ]
    return [Request("chat", model, orjson.dumps(body)) for body in asked]


async def ended(batches: BatchApi, ident: str) -> BatchState:
    with anyio.fail_after(SECONDS):
        while not (state := await batches.look(ident)).ended:
            await anyio.sleep(0.3)
    return state


@pytest.mark.parametrize("server", SERVERS)
async def test_every_answer_comes_back_to_its_request(server: str, tmp_path: Path) -> None:
    with SERVERS[server](tmp_path) as given:
        model = Model(**given)
        asked = requests(model.model)
        file, mark = tmp_path / "in.jsonl", new_mark("films", time.time())
        vendor = provider.vendor(model)
        file.write_bytes(b"".join(line_of(one, path_of("chat"), vendor) for one in asked))
        async with provider.batches(model) as batches:
            assert await batches.find(mark) is None
            made = await batches.submit(file, mark, "chat")
        async with provider.batches(model) as batches:
            found = await batches.find(mark)
            assert found and found.id == made.id
            state = await ended(batches, made.id)
            assert (state.status, state.done, state.failed) == ("completed", ROWS, 0)
            await batches.fetch(state, file)
            assert (await batches.cancel(made.id)).status == "completed"
    lines = [read_line(line) for line in file.read_bytes().splitlines()]
    answers = {line.id: chat.read(line.body) for line in lines if line and line.status == 200}
    assert answers.keys() == {one.digest.hex() for one in asked}
    assert all(answer.text and answer.usage.input for answer in answers.values())


@pytest.mark.parametrize("server", ["aimock", "llmock", "ogx"])
async def test_the_official_client_sees_the_same_batch(server: str, tmp_path: Path) -> None:
    with SERVERS[server](tmp_path) as given:
        model = Model(**given)
        file, mark = tmp_path / "in.jsonl", new_mark("films", time.time())
        file.write_bytes(b"".join(line_of(one, path_of("chat")) for one in requests(model.model)))
        sdk = openai.AsyncOpenAI(api_key="none", base_url=given["base_url"])
        async with sdk, provider.batches(model) as batches:
            made = await batches.submit(file, mark, "chat")
            theirs = await sdk.batches.retrieve(made.id)
            assert (theirs.metadata or {}).get("pipeline") == mark
            assert (await sdk.files.content(theirs.input_file_id)).content == file.read_bytes()
            state = await ended(batches, made.id)
            theirs = await sdk.batches.retrieve(made.id)
            assert theirs.status == state.status == "completed"
            assert state.files == tuple(filter(None, (theirs.output_file_id, theirs.error_file_id)))
