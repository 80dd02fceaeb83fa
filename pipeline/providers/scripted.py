"""A fake model in process: follows a script of answers and faults, for tests and dry runs; costs nothing.

Its options are the script, and `ledger`: the file where it keeps what it billed. It raises the same faults as
an HTTP provider does when a server plays the same script. This module does not know sockets.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import anyio

from pipeline.core.contracts import Capabilities
from pipeline.core.domain import Billed, Call, Fault, Reply, Request
from pipeline.core.health import Check, ok
from pipeline.job.models import Model
from pipeline.testing.answers import APIS
from pipeline.testing.ledger import Ledger
from pipeline.testing.script import Script
from pipeline.testing.service import Service
from pipeline.testing.wire import Manner, Wire
from pipeline.wire.faults import REPLY_CAP, dropped, fault_of, timed_out, too_large
from pipeline.wire.headers import advertised_limits, advertised_wait


class Options(Script):
    """The script, and the file the ledger is appended to; without it the ledger is in memory."""

    ledger: Path | None = None


def _afar(model: Model) -> bool:
    """Whether nothing of the script depends on what was asked before."""
    script = Options.model_validate(model.options)
    return not (script.faults or script.quota or script.capacity or script.draws)


CAPABILITIES = Capabilities(apis=APIS, free=True, model_prefix="scripted/", afar=_afar)


def label(model: Model) -> str:
    """What the result says an answer came from."""
    return model.model


def address(model: Model) -> str:
    """There is none: nothing is sent over a network."""
    return ""


def objection(request: Request, model: Model) -> str | None:
    """None: the script decides what is refused."""
    return None


async def slots(model: Model) -> int:
    """0: how wide it works is known beforehand."""
    return 0


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call to a fake model of its own; a key is read from the environment where the model names one."""
    options = Options.model_validate(model.options)
    if options.models is not None:
        names = tuple(f"{CAPABILITIES.model_prefix}{name}" for name in options.models)
        options = options.model_copy(update={"models": names})
    key = os.environ.get(model.api_key_env, "") if model.api_key_env else ""
    with Ledger(options.ledger) as ledger:
        yield caller(Service(options, ledger), key=key, timeout=model.limits.timeout)


def health(model: Model) -> Iterator[Check]:
    """There is nothing that could be missing."""
    yield ok("model", f"{model.model}: the scripted model needs nothing")


def caller(service: Service, *, key: str = "", timeout: float = 600.0) -> Call:
    """A call to a service; each may take `timeout` seconds. For tests that keep the ledger themselves."""

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        try:
            with anyio.fail_after(timeout):
                wire = await service.respond(request.api, request.sent, key)
                if wire.manner is Manner.DRIP:
                    await anyio.sleep(wire.seconds)
        except TimeoutError:
            raise timed_out(timeout) from None
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
