"""Batches between two clients: OpenAI's SDK reads what ours sent, and ours reads what the SDK sent."""

from __future__ import annotations

import time
from pathlib import Path

import openai
import orjson
import pytest
from openai.types import Batch
from openai.types.chat import ChatCompletion

from pipeline.core.contracts import BatchState
from pipeline.core.domain import Request
from pipeline.job.models import Model
from pipeline.providers import openai as provider
from pipeline.testing import Script
from pipeline.wire.batching import line_of, new_mark, path_of, read_line
from tests.support.project import KEY
from tests.support.server import serve

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Write about tea."}]}
REQUESTS = [Request("chat", "m", orjson.dumps({**ASKED, "seed": i})) for i in range(20)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(line_of(one, path_of("chat")) for one in REQUESTS))
    return path


def is_the_same(ours: BatchState, theirs: Batch) -> None:
    counts = theirs.request_counts
    assert counts and (ours.total, ours.done, ours.failed) == (counts.total, counts.completed, counts.failed)
    assert ours.id == theirs.id
    assert ours.files == tuple(filter(None, (theirs.output_file_id, theirs.error_file_id)))


@pytest.mark.parametrize("who", ["ours", "theirs"])
async def test_each_client_reads_what_the_other_sent(
    who: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    mark, back = new_mark("films", time.time()), tmp_path / "out.jsonl"
    with serve(Script(api_key=KEY)) as server:
        model = Model(model="m", base_url=server.base_url, api_key_env="TEST_KEY")
        sdk = openai.AsyncOpenAI(api_key=KEY, base_url=server.base_url)
        async with sdk, provider.batches(model) as batches:
            if who == "ours":
                made = (await batches.submit(file, mark, "chat")).id
            else:
                kept = await sdk.files.create(file=(f"{mark}.jsonl", file.read_bytes()), purpose="batch")
                asked = await sdk.batches.create(
                    input_file_id=kept.id,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={"pipeline": mark},
                )
                made = asked.id
            theirs, ours = await sdk.batches.retrieve(made), await batches.look(made)
            Batch.model_validate(theirs.model_dump())
            is_the_same(ours, theirs)
            assert [one.id async for one in sdk.batches.list()] == [made]
            found = await batches.find(mark)
            assert found and found.id == made and theirs.metadata == {"pipeline": mark}
            assert (await sdk.files.content(theirs.input_file_id)).content == file.read_bytes()
            await batches.fetch(ours, back)
            assert theirs.output_file_id
            assert (await sdk.files.content(theirs.output_file_id)).content == back.read_bytes()
    lines = [read_line(line) for line in back.read_bytes().splitlines()]
    assert {line.id for line in lines if line} == {one.digest.hex() for one in REQUESTS}
    for line in lines:
        assert line and line.status == 200
        ChatCompletion.model_validate(orjson.loads(line.body))
