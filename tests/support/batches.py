"""Batches for tests: input files, a `BatchApi` in process or over HTTP, and what came back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import orjson

from pipeline.core.contracts import BatchApi, BatchState
from pipeline.core.domain import Request
from pipeline.job.models import Model
from pipeline.providers import openai, scripted
from pipeline.providers.http.batches import batches_of
from pipeline.testing import Account, Ledger, Script
from pipeline.wire.batching import LineBack, line_of, path_of, read_line
from tests.support.scripted_client import chat
from tests.support.server import serve

MARK = "job-1795703268-0123456789abcdef"
KINDS = ("in process", "over HTTP")


def requests(count: int, start: int = 0) -> list[Request]:
    return [Request("chat", "m", chat(f"row {number}")) for number in range(start, start + count)]


def file_of(folder: Path, asked: list[Request], name: str = "in.jsonl") -> Path:
    path = folder / name
    path.write_bytes(b"".join(line_of(request, path_of("chat")) for request in asked))
    return path


@dataclass
class Opened:
    """A `BatchApi`, a folder for files, and the ledger behind it."""

    api: BatchApi
    folder: Path
    ledger: Path

    async def submit(self, asked: list[Request], mark: str = MARK) -> BatchState:
        return await self.api.submit(file_of(self.folder, asked, f"{mark}.jsonl"), mark, "chat")

    async def ended(self, batch: str, seconds: float = 0.01) -> BatchState:
        while not (state := await self.api.look(batch)).ended:
            await anyio.sleep(seconds)
        return state

    async def raw(self, state: BatchState) -> bytes:
        into = self.folder / "out.jsonl"
        await self.api.fetch(state, into)
        return into.read_bytes()

    async def lines(self, state: BatchState) -> list[LineBack | None]:
        return [read_line(line) for line in (await self.raw(state)).splitlines()]

    def account(self) -> Account:
        return Ledger.read(self.ledger)


@asynccontextmanager
async def opened(kind: str, folder: Path, **script: Any) -> AsyncIterator[Opened]:
    """The batches of a scripted model; `script` are its keys."""
    ledger = folder / "ledger.jsonl"
    if kind == KINDS[0]:
        options = {**script, "ledger": str(ledger)}
        async with scripted.batches(Model(provider="scripted", model="m", options=options)) as api:
            yield Opened(api, folder, ledger)
        return
    with serve(Script.model_validate(script), ledger=ledger) as server:
        model = Model(provider="openai", model="m", base_url=server.base_url)
        async with batches_of(openai.rest(model), openai.vendor(model), "m", pauses=(0.01,)) as api:
            yield Opened(api, folder, ledger)


def lined(asked: list[Request], **change: Any) -> bytes:
    """The lines of an input file, with some of their keys changed."""
    lines = (orjson.loads(line_of(request, path_of("chat"))) | change for request in asked)
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)
