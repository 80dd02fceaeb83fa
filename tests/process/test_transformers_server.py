"""How requests are gathered into batches and answered, with a toy in place of the model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from pipeline.providers.machine.transformers_server import _Server
from pipeline.providers.machine.written import Loaded, NoRoom, Row

CHAT = {"messages": [{"role": "user", "content": "hello"}]}


class Toy(Loaded):
    """Writes its prompt backwards; has memory for `memory` rows at once, and notes the batches."""

    def __init__(self, memory: int = 99) -> None:
        self.memory, self.batches = memory, list[int]()

    def prompt(self, messages: list[dict[str, Any]]) -> list[int]:
        if messages[0]["role"] != "user":
            raise ValueError("roles must alternate")
        return self.tokens(messages[0]["content"], special=False)

    def tokens(self, text: str, *, special: bool) -> list[int]:
        return list(text.encode())

    def row(self, prompt: list[int], body: Mapping[str, Any], number: int) -> Row:
        if len(prompt) > 50:
            raise NoRoom("it is too long")
        return Row(prompt, body.get("max_tokens", 99), 1.0, 1.0, 0, 0.0, 1.0, [], None)

    def write(self, rows: Sequence[Row]) -> None:
        self.batches.append(len(rows))
        if len(rows) > self.memory:
            raise MemoryError
        for row in rows:
            if bytes(row.prompt) == b"bad":
                raise IndexError("of the library")
            written = bytes(row.prompt[::-1][: row.most])
            row.text, row.taken = written.decode(), len(written)
            row.finish = "length" if row.most < len(row.prompt) else "stop"


@asynccontextmanager
async def client(toy: Toy, slots: int = 4, key: str = "key") -> AsyncIterator[aiohttp.ClientSession]:
    address = await _Server(toy, {"name": "m", "key": "key", "slots": slots}).start()
    async with aiohttp.ClientSession(address, headers={"Authorization": f"Bearer {key}"}) as session:
        yield session


async def ask(session: aiohttp.ClientSession, body: dict[str, Any], path: str = "chat/completions") -> Any:
    async with session.post(f"/v1/{path}", data=json.dumps(body)) as response:
        return response.status, await response.json()


async def test_an_answer_has_what_the_dialect_wants() -> None:
    async with client(Toy()) as session:
        status, said = await ask(session, {**CHAT, "max_tokens": 3, "n": 2})
        assert status == 200 and said["model"] == "m"
        choice = {"message": {"role": "assistant", "content": "oll"}, "finish_reason": "length"}
        assert said["choices"] == [{"index": 0, **choice}, {"index": 1, **choice}]
        assert said["usage"] == {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
        _, said = await ask(session, {"prompt": "abc"}, "completions")
        assert said["choices"] == [{"index": 0, "text": "cba", "finish_reason": "stop"}]


async def test_what_waits_is_written_together_within_the_slots_and_goes_to_its_own_caller() -> None:
    toy = Toy()
    async with client(toy, slots=4) as session:
        texts = [f"text number {i}" for i in range(25)]
        answers = await asyncio.gather(*(ask(session, {"prompt": one}, "completions") for one in texts))
    assert [said["choices"][0]["text"] for _, said in answers] == [one[::-1] for one in texts]
    assert sum(toy.batches) == 25 and max(toy.batches) <= 4 and len(toy.batches) < 25


async def test_a_batch_too_large_for_the_memory_is_halved_and_one_that_never_fits_fails_alone() -> None:
    toy = Toy(memory=1)
    async with client(toy, slots=8) as session:
        bodies = [{"prompt": "abc"}] * 8 + [{"prompt": "de", "n": 2}]
        answers = await asyncio.gather(*(ask(session, one, "completions") for one in bodies))
    assert [status for status, _ in answers] == [200] * 8 + [400]
    assert answers[-1][1]["error"]["code"] == "context_length_exceeded"
    assert "too little memory" in answers[-1][1]["error"]["message"]


REFUSED = {
    "a prompt that is too long": ("completions", {"prompt": "x" * 51}, "context_length_exceeded"),
    "a template that refuses": ("chat/completions", {"messages": [{"role": "tool"}]}, "bad_request"),
    "a fault of the library": ("completions", {"prompt": "bad"}, "bad_request"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_served_is_refused_with_words_and_the_server_goes_on(what: str) -> None:
    path, body, code = REFUSED[what]
    async with client(Toy()) as session:
        status, said = await ask(session, body, path)
        assert (status, said["error"]["code"]) == (400, code) and said["error"]["message"]
        assert (await ask(session, CHAT))[0] == 200


async def test_nobody_is_answered_without_the_key() -> None:
    toy = Toy()
    async with client(toy, key="other") as session:
        assert (await ask(session, CHAT))[0] == 401
    assert not toy.batches


@pytest.mark.parametrize(
    ("ids", "taken", "stops", "text", "count", "finish"),
    [
        ([5, 6, 7], 0, [], "5 6 7", 3, "length"),
        ([5, 6, 2, 2, 2], 0, [], "5 6", 3, "stop"),
        ([2, 2], 0, [], "", 1, "stop"),
        ([5, 6, 7, 2, 2], 3, [], "5 6 7", 3, "length"),
        ([5, 6, 7, 2, 2], 3, ["6"], "5 ", 3, "stop"),
        ([5, 6, 7, 8], 0, ["8", "7"], "5 6 ", 4, "stop"),
    ],
)
def test_a_row_ends_where_it_ended(
    ids: list[int], taken: int, stops: list[str], text: str, count: int, finish: str
) -> None:
    """2 is the token of the end, and what rows that have ended are filled with."""

    class Tokenizer:
        def decode(self, ids: list[int], *, skip_special_tokens: bool) -> str:
            return " ".join(str(one) for one in ids if one != 2)

    loaded = Toy()
    loaded._tokenizer, loaded._ends = Tokenizer(), {2}
    row = Row([1], 3, 1.0, 1.0, 0, 0.0, 1.0, stops, None, taken)
    loaded._read(row, ids)
    assert (row.text, row.taken, row.finish) == (text, count, finish)
