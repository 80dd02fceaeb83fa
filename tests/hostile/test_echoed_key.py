"""A key that a server sends back comes into no reply and no fault."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from pipeline.core.domain import Fault
from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from tests.support.fakes import asked

KEY = "gsk_canary0123456789"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A server that answers with the status it is asked for, and the headers it was sent."""

    async def answer(request: web.Request) -> web.Response:
        status = int(request.match_info["status"])
        return web.Response(status=status, text=f'{{"error": "you sent {request.headers["authorization"]}"}}')

    app = web.Application()
    app.router.add_post("/{status}/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_a_key_in_an_error_is_not_kept(status: int, address: str) -> None:
    async with connect_to(f"{address}/{status}", Secret(KEY), concurrency=1, timeout=10) as call:
        with pytest.raises(Fault) as fault:
            await call(asked("a"))
    assert fault.value.status == status
    assert "canary" not in str(fault.value)
    assert b"canary" not in fault.value.body


async def test_a_key_in_a_reply_is_not_kept(address: str) -> None:
    async with connect_to(f"{address}/200", Secret(KEY), concurrency=1, timeout=10) as call:
        reply = await call(asked("a"))
    assert reply.body == b'{"error": "you sent Bearer ***"}'
