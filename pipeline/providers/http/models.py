"""The list of models at an endpoint: how it is read, and what it says about a 404.

A list may be absent, or may name fewer models than the server has. This module does not know any key.
"""

from __future__ import annotations

import asyncio
import json
from difflib import get_close_matches
from typing import Any

import aiohttp
from yarl import URL

from pipeline.wire.faults import scrub

PATIENCE = 5.0  # seconds for the whole list
MOST = 4 << 20  # bytes that are read of a list
SHOWN = 5
_COMPARED, _LONGEST_NAME = 2_000, 80
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


def names_in(body: bytes) -> list[str]:
    """The names in a list of models; none where it is no such list."""
    try:
        listed: Any = json.loads(body.decode("utf-8-sig"))
        return [entry["id"] for entry in listed["data"] if isinstance(entry["id"], str)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def shown(model: str, names: list[str]) -> str:
    """Some of the names, the nearest to a model's first, in a line."""
    near = get_close_matches(model, names[:_COMPARED], n=SHOWN)
    first = list(dict.fromkeys([*near, *names[: 2 * SHOWN]]))[:SHOWN]
    more = f", and {len(names) - len(first):,} more" if len(names) > len(first) else ""
    return ", ".join(scrub(name)[:_LONGEST_NAME] for name in first) + more


def azure_address(host: str, path: str) -> str:
    """What to write instead of another address of Azure; '' for any other host."""
    wrong = host.endswith(_AZURE) and not path.startswith("/openai/v1")
    return f"Azure's address for this API is https://{host}/openai/v1" if wrong else ""


async def fetched(session: aiohttp.ClientSession, url: URL, **how: Any) -> bytes:
    """The list at an address, as it came; nothing where none comes in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE), session.get(url, allow_redirects=False, **how) as response:
            while response.status == 200 and len(body) < MOST and (piece := await response.content.readany()):
                body += piece
    except Exception:  # foreign code met hostile bytes; without a list there is only less to say
        return b""
    return bytes(body)


def advice(url: URL, api: str, model: str, listed: bytes, about_model: bool) -> str:
    """What may be wrong where `url` answers with 404, by the list of models there."""
    if right := azure_address(url.host or "", url.path):
        return right
    names = names_in(listed)
    said = []
    if names and model not in names:
        said.append(f"the server lists: {shown(model, names)}")
    if api != "chat" and not about_model:
        said.append(f"this server may not speak `{api}`: set api: chat")
    elif not names and not about_model:
        said.append("it lists no models at this address either: base_url usually ends in /v1")
    return "; ".join(said)
