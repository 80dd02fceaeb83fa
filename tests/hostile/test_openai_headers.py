"""What a request carries besides its body."""

from __future__ import annotations

import pytest
from aiohttp import web

from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from tests.support.fakes import asked, chat_body


async def test_a_strange_host_learns_neither_machine_nor_membership(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    seen: dict[str, str] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.Response(body=chat_body("x"), content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        async with connect_to(address, Secret("k" * 20), concurrency=1, timeout=10) as call:
            await call(asked("a"))
    finally:
        await runner.cleanup()
    assert seen["Authorization"] == f"Bearer {'k' * 20}"
    assert seen["User-Agent"].startswith("AsyncOpenAI/Python ")
    assert "Idempotency-Key" not in seen
    assert not [name for name in seen if name.lower().startswith(("openai-", "x-stainless"))]
    assert "mine" not in str(seen)
