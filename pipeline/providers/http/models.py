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
_LISTS, _NAMES = ("data", "models"), ("id", "name", "model")
"""where the list is, and an entry's name: OpenAI's, and Gemini's, Cohere's and Ollama's own"""
_ANY = "*"
"""llama.cpp serves its one model under any name; LiteLLM lists `openai/*` for all names that begin so"""
_INSTEAD = {
    "decisions": "leave out via: decisions",
    "moderations": "name a model at a server that moderates, such as omni-moderation-latest at OpenAI",
}
"""what to do where a server does not have the endpoint that a check asks"""
_COMPARED, _LONGEST_NAME = 2_000, 80
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


def names_in(body: bytes) -> list[str]:
    """The names in a list of models, with `*` for any others; none where it is no such list."""
    try:
        listed: Any = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    if isinstance(listed, dict):
        listed = next((listed[name] for name in _LISTS if listed.get(name)), None)
    listed = listed if isinstance(listed, list) else []
    entries = [one if isinstance(one, dict) else {"id": one} for one in listed]
    found = (next(filter(None, map(entry.get, _NAMES)), None) for entry in entries)
    names = [name for name in found if isinstance(name, str)]
    return [*names, _ANY] if [one.get("owned_by") for one in entries] == ["llamacpp"] else names


def is_listed(model: str, names: list[str]) -> bool:
    """Whether a list has a model, also in another form of its name that the server takes for it."""
    plain = model.removeprefix("models/")
    forms = {model, plain, f"models/{plain}", f"{model}:latest", model.partition(":")[0]}
    return any(name in forms or (name.endswith(_ANY) and model.startswith(name[:-1])) for name in names)


def is_azure(host: str) -> bool:
    """Whether it is a host of Azure, which lists models, and is asked for deployments."""
    return host.endswith(_AZURE)


def shown(model: str, names: list[str]) -> str:
    """Some of the names, the nearest to a model's first, in a line."""
    near = get_close_matches(model, names[:_COMPARED], n=SHOWN)
    first = list(dict.fromkeys([*near, *names[: 2 * SHOWN]]))[:SHOWN]
    more = f", and {len(names) - len(first):,} more" if len(names) > len(first) else ""
    return ", ".join(scrub(name)[:_LONGEST_NAME] for name in first) + more


def azure_address(host: str, path: str) -> str:
    """What to write instead of another address of Azure; '' for any other host."""
    wrong = is_azure(host) and not path.startswith("/openai/v1")
    return f"Azure's address for this API is https://{host}/openai/v1" if wrong else ""


async def fetched(
    session: aiohttp.ClientSession, url: URL, *, seconds: float = PATIENCE, **how: Any
) -> bytes:
    """What is at an address, as it came; nothing where nothing comes in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds), session.get(url, allow_redirects=False, **how) as response:
            while response.status == 200 and len(body) < MOST and (piece := await response.content.readany()):
                body += piece
    except Exception:  # foreign code met hostile bytes; without it there is only less to say
        return b""
    return bytes(body)


def advice(url: URL, api: str, model: str, listed: bytes, about_model: bool) -> str:
    """What may be wrong where `url` answers with 404, by the list of models there."""
    if right := azure_address(url.host or "", url.path):
        return right
    if is_azure(url.host or ""):
        return "the model must be named as your deployment is"
    names = names_in(listed)
    said = []
    if names and not is_listed(model, names):
        said.append(f"the server lists: {shown(model, names)}")
    if api != "chat" and not about_model:
        instead = _INSTEAD.get(api, "set api: chat")
        said.append(f"this server may not speak `{api}`: {instead}")
    elif not names and not about_model:
        said.append("it lists no models at this address either: base_url usually ends in /v1")
    return "; ".join(said)
