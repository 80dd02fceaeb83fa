"""OpenAI's own SDK can use the scripted server's files and batches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import openai
import orjson
import pytest

from pipeline.testing import BatchRule, BatchScript, Script, Server
from tests.support.batches import lined, requests
from tests.support.server import serve

COUNT = 7


@asynccontextmanager
async def served(latency: float) -> AsyncIterator[tuple[openai.AsyncOpenAI, Server]]:
    rule = BatchRule(fault="line_429", every=1, part=0.5)
    with serve(Script(batches=BatchScript(latency=latency, faults=(rule,)))) as server:
        async with openai.AsyncOpenAI(api_key="k", base_url=server.base_url, max_retries=0) as sdk:
            yield sdk, server


async def made(sdk: openai.AsyncOpenAI, **more: Any) -> Any:
    file = await sdk.files.create(file=("in.jsonl", lined(requests(COUNT))), purpose="batch")
    return await sdk.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", **more
    )


async def test_the_sdk_makes_a_batch_waits_for_it_and_reads_it() -> None:
    async with served(0.1) as (sdk, server):
        batch = await made(sdk, metadata={"mark": "x"})
        assert (batch.status, batch.metadata, batch.request_counts.total) == (
            "validating",
            {"mark": "x"},
            COUNT,
        )
        while batch.status != "completed":
            await anyio.sleep(0.02)
            batch = await sdk.batches.retrieve(batch.id)
        assert batch.completed_at >= batch.created_at and batch.expires_at == batch.created_at + 86_400
        good = orjson_lines((await sdk.files.content(batch.output_file_id)).content)
        bad = orjson_lines((await sdk.files.content(batch.error_file_id)).content)
        counts = batch.request_counts
        assert (len(good), len(bad)) == (
            counts.completed,
            counts.failed,
        ) and counts.completed * counts.failed > 0
        assert {line["custom_id"] for line in good + bad} == {one.digest.hex() for one in requests(COUNT)}
        account = server.ledger()
        assert {line.batch for line in account.lines} == {batch.id}
        assert (batch.usage.input_tokens, batch.usage.output_tokens) == (account.input, account.output)
        assert account.billed == counts.completed


async def test_the_sdk_lists_cancels_and_deletes() -> None:
    async with served(60) as (sdk, _):
        batches = [await made(sdk) for _ in range(5)]
        assert [one.id async for one in sdk.batches.list(limit=2)] == [one.id for one in batches[::-1]]
        first = await sdk.batches.list(limit=2, after=batches[3].id)
        assert ([one.id for one in first.data], first.has_more) == ([batches[2].id, batches[1].id], True)
        cancelled = await sdk.batches.cancel(batches[4].id)
        assert cancelled.status == "cancelling" and cancelled.cancelling_at
        assert (await sdk.batches.retrieve(batches[4].id)).status == "cancelled"
        with pytest.raises(openai.NotFoundError):
            await sdk.batches.retrieve("batch_of_nobody")
        names = [one.id async for one in sdk.files.list(purpose="batch", limit=2)]
        assert names == [one.input_file_id for one in batches[::-1]]
        about = await sdk.files.retrieve(names[0])
        assert (about.filename, about.purpose) == ("in.jsonl", "batch")
        assert about.bytes == len(lined(requests(COUNT))) == len((await sdk.files.content(names[0])).content)
        assert (await sdk.files.delete(names[0])).deleted
        with pytest.raises(openai.NotFoundError):
            await sdk.files.retrieve(names[0])
        with pytest.raises(openai.BadRequestError):
            await sdk.files.create(file=b"a", purpose="assistants")


def orjson_lines(content: bytes) -> list[Any]:
    return [orjson.loads(line) for line in content.splitlines()]
