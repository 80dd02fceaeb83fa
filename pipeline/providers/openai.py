"""Any endpoint that speaks OpenAI's API: chat, responses or legacy completions.

This module knows where a key comes from; the HTTP is `_http.py`, imported when a call is wanted.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from pipeline.domain import Call, Request
from pipeline.errors import JobError

if TYPE_CHECKING:
    from pipeline.job import Model

APIS = ("chat", "responses", "completions")
CONCURRENCY = "auto"
ENDPOINTS = True
OFFICIAL = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"


class Options(BaseModel):
    """This provider has no settings of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def label(model: Model) -> str:
    """What the result says an answer came from."""
    return f"openai/{model.model}"


def objection(request: Request, model: Model) -> str | None:
    """Nothing is refused beforehand: what the endpoint can do is its own affair."""
    return None


def address(model: Model) -> str:
    """Where the model is asked: the job's word, else the environment's, else OpenAI itself."""
    return model.base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call to the model's endpoint; the key is read from the environment by its name."""
    base_url = address(model)
    key = api_key(model, base_url)
    concurrency = model.limits.most_at_once
    async with connect_to(
        base_url, key, api=model.api, concurrency=concurrency, timeout=model.limits.timeout
    ) as call:
        yield call


def api_key(model: Model, base_url: str) -> str:
    """The key from the variable the job names. The official endpoint defaults to OPENAI_API_KEY;

    any other host gets no key unless the job names one, so that a key never travels to a stranger.
    """
    name = model.api_key_env or (DEFAULT_KEY if urlsplit(base_url).hostname == "api.openai.com" else "")
    if not name:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise JobError(
            f"the environment variable {name} is not set, and model '{model.model}' needs its key",
            hint=f"export {name}=…   or, without a key, try a model of provider: embedded",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise JobError(f"the environment variable {name} holds something that cannot be a key")
    return key


def connect_to(
    base_url: str, key: str, *, api: str, concurrency: int, timeout: float
) -> AbstractAsyncContextManager[Call]:
    """A call to `base_url` + the dialect's path: so many connections at most, `timeout` seconds each."""
    from pipeline.providers._http import connection  # the SDK takes half a second to import

    return connection(base_url, key, api, concurrency, timeout)
