"""A fake model in process: follows a script of answers and faults, for tests and dry runs; costs nothing.

It takes batches, too, which go on by the event loop's clock. With a `ledger` they are kept beside it, in
`<ledger>.batches/`, and another process goes on with them; without one they live as long as the loop.
Its options are the script, and `ledger`: the file where it keeps what it billed. It raises the same faults as
an HTTP provider does when a server plays the same script. This module does not know sockets.
"""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

import anyio
import orjson
from anyio.lowlevel import checkpoint

from pipeline.core.contracts import BatchState, Capabilities
from pipeline.core.domain import FLEX, Billed, Call, Fault, Reply, Request
from pipeline.core.health import Check, ok
from pipeline.job.models import Model
from pipeline.providers._here import anything, not_told, nowhere
from pipeline.providers.http.batch_words import state_of
from pipeline.testing.answers import APIS
from pipeline.testing.batches.desk import Desk, folder_beside
from pipeline.testing.ledger import Ledger
from pipeline.testing.script import Script
from pipeline.testing.service import Service
from pipeline.testing.wire import Manner, Wire
from pipeline.wire.batching import Vendor, filled, path_of
from pipeline.wire.faults import REPLY_CAP, dropped, fault_of, timed_out, too_large
from pipeline.wire.headers import advertised_limits, advertised_wait

_PREFIX = "scripted/"
_MOST_REQUESTS, _MOST_BYTES = 50_000, 200_000_000
_DESKS: WeakKeyDictionary[AbstractEventLoop, dict[str, Desk]] = WeakKeyDictionary()
address = nowhere
objection = anything
slots = not_told


class Options(Script):
    """The script, and the file the ledger is appended to; without it the ledger is in memory."""

    ledger: Path | None = None


def _afar(model: Model) -> bool:
    """Whether nothing of the script depends on what was asked before."""
    script = Options.model_validate(model.options)
    return not (script.faults or script.quota or script.capacity or script.draws)


def label(model: Model) -> str:
    return model.model


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call to a fake model of its own; a key is read from the environment where the model names one."""
    options = _options(model)
    with Ledger(options.ledger) as ledger:
        timeout, service = model.limits.timeout, Service(options, ledger)
        yield caller(service, key=_key(model), timeout=timeout, patience=model.patience)


def _options(model: Model) -> Options:
    options = Options.model_validate(model.options)
    if options.models is None:
        return options
    return options.model_copy(update={"models": tuple(f"{_PREFIX}{name}" for name in options.models)})


def _key(model: Model) -> str:
    return os.environ.get(model.api_key_env, "") if model.api_key_env else ""


@asynccontextmanager
async def batches(model: Model) -> AsyncIterator[Batches]:
    """The batches of a fake model: those of the same options, or of the same ledger."""
    options = _options(model)
    where = folder_beside(options.ledger.absolute(), model.model) if options.ledger else None
    name = str(where or f"{model.model} {options.model_dump_json()}")
    desks = _DESKS.setdefault(get_running_loop(), {})
    if name not in desks:
        desks[name] = Desk(Service(options, Ledger(options.ledger)), where)
    desk = desks[name]
    desk.users += 1
    try:
        yield Batches(desk, _key(model))
    finally:
        desk.users -= 1
        if where and not desk.users:
            desk.service.ledger.close()
            del desks[name]


class Batches:
    """A `BatchApi` on a service in process."""

    def __init__(self, desk: Desk, key: str = "") -> None:
        limits = desk.service.script.batches
        self.vendor = Vendor(
            "scripted",
            hosts=(),
            source="",
            apis=APIS,
            most_requests=limits.most_requests or _MOST_REQUESTS,
            most_bytes=_MOST_BYTES,
            window="24h",
            most_tokens=limits.most_tokens,
        )
        self._desk = desk
        self._key = key

    async def submit(self, file: Path, mark: str, api: str) -> BatchState:
        sent = await self._call("POST", "/files", purpose="batch", file=_read(file), filename=f"{mark}.jsonl")
        names = {"file": sent["id"], "endpoint": path_of(api), "window": self.vendor.window, "mark": mark}
        return state_of(await self._call("POST", "/batches", **filled(self.vendor.create, **names)))

    async def find(self, mark: str) -> BatchState | None:
        after: dict[str, str] = {}
        while True:
            page = await self._call("GET", "/batches", limit=100, **after)
            for batch in page["data"]:
                if (batch["metadata"] or {}).get("pipeline") == mark:
                    return state_of(batch)
            if not page["has_more"]:
                return None
            after = {"after": page["last_id"]}

    async def look(self, batch: str) -> BatchState:
        return state_of(await self._call("GET", f"/batches/{batch}"))

    async def fetch(self, state: BatchState, into: Path) -> None:
        """Write all lines of its files of results, one after the other, into `into`; without those gone."""
        lines = b""
        for name in state.files:
            with _unless("not_found"):
                lines += await self._raw("GET", f"/files/{name}/content")
        _write(into, lines)

    async def cancel(self, batch: str) -> BatchState:
        with _unless("conflict"):  # it has ended already
            await self._call("POST", f"/batches/{batch}/cancel")
        return await self.look(batch)

    async def _raw(self, method: str, path: str, **fields: Any) -> bytes:
        await checkpoint()
        return _received(self._desk.handle(method, path, fields, self._key))

    async def _call(self, method: str, path: str, **fields: Any) -> Any:
        return orjson.loads(await self._raw(method, path, **fields))


@contextmanager
def _unless(kind: str) -> Iterator[None]:
    """Go on after a fault of this kind."""
    try:
        yield
    except Fault as fault:
        if fault.kind != kind:
            raise


def _read(file: Path) -> bytes:
    return file.read_bytes()


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


CAPABILITIES = Capabilities(apis=APIS, free=True, model_prefix=_PREFIX, batches=batches, afar=_afar)


def health(model: Model) -> Iterator[Check]:
    """There is nothing that could be missing."""
    yield ok("model", f"{model.model}: the scripted model needs nothing")


def caller(service: Service, *, key: str = "", timeout: float = 600.0, patience: float = 0.0) -> Call:
    """A call to a service; each may take `timeout` seconds, in the tier flex also `patience`.

    It is for tests that keep the ledger themselves.
    """

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        seconds = max(timeout, patience) if request.tier == FLEX else timeout
        try:
            with anyio.fail_after(seconds):
                wire = await service.respond(request.api, request.sent, key)
                if wire.manner is Manner.DRIP:
                    await anyio.sleep(wire.seconds)
        except TimeoutError:
            raise timed_out(seconds) from None
        told, wait = advertised_limits(wire.headers), advertised_wait(wire.headers)
        return Reply(request.api, _received(wire), perf_counter() - began, advertised=told, wait=wait)

    return ask


def _received(wire: Wire) -> bytes:
    """The body as a client would get it; raises the fault that a client would raise."""
    if wire.manner in (Manner.DROP, Manner.TRUNCATE):
        raise _cut(wire.body[: len(wire.body) // 2])
    if wire.status < 200 or wire.status >= 300:
        raise fault_of(wire.status, wire.headers, wire.body)
    if wire.manner is not Manner.PAD:
        return wire.body
    if wire.size > REPLY_CAP:
        raise too_large()
    return wire.body.ljust(wire.size)


def _cut(body: bytes) -> Fault:
    message = "the server closed the connection before the whole reply was there"
    return dropped(Billed.MAYBE, message, body)
