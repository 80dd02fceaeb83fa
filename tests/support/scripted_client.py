"""A plain HTTP client for tests of the fake model, and bodies to send."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson

PATHS = {
    "chat": "chat/completions",
    "responses": "responses",
    "completions": "completions",
    "translation": "translation",
}


def chat(text: str, **more: Any) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more})


BODIES = {
    "chat": chat("Describe a green tea."),
    "responses": orjson.dumps({"model": "m", "instructions": "Be brief.", "input": "Describe a green tea."}),
    "completions": orjson.dumps({"model": "m", "prompt": "Describe a green tea."}),
    "translation": orjson.dumps({"model": "m", "text": "A green tea.", "source": "en", "target": "pt"}),
}


class Raw:
    """What a plain client saw: status 0 and the name of the error where there was no whole answer."""

    def __init__(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


async def post(base_url: str, body: bytes, api: str = "chat", key: str = "", timeout: float = 10.0) -> Raw:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    patience = aiohttp.ClientTimeout(timeout)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.post(
                f"{base_url}/{PATHS[api]}", data=body, headers=headers, allow_redirects=False
            ) as response,
        ):
            lower = {name.lower(): value for name, value in response.headers.items()}
            return Raw(response.status, await response.read(), lower)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Raw(0, type(error).__name__.encode())
