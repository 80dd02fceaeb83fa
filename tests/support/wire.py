"""A chat provider on its own, without guards, that asks one server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.core.domain import Call, Fault, Reply, Request
from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from tests.support.project import KEY


@asynccontextmanager
async def calling(url: str, *, timeout: float = 20.0, idle: float = 60.0) -> AsyncIterator[Call]:
    """Its call: `timeout` for all of it, `idle` for a reply that stands still, both in seconds."""
    async with connect_to(url, Secret(KEY), concurrency=2, timeout=timeout, idle=idle) as call:
        yield call


async def met(call: Call, request: Request) -> Reply | Fault:
    """What a request came to."""
    try:
        return await call(request)
    except Fault as fault:
        return fault
