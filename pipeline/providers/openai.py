"""Any endpoint that speaks OpenAI's API: chat, responses, legacy completions, decisions, moderations.

This module knows where a key comes from; the HTTP is `client.py`, imported when a call is wanted.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import Field, StrictBool, StrictInt, field_validator

from pipeline.core.contracts import BatchApi, Capabilities
from pipeline.core.domain import Call
from pipeline.core.errors import JobError
from pipeline.core.health import Check, ok, warn
from pipeline.core.secret import Secret
from pipeline.job.fields import Spec, is_here
from pipeline.job.fields import address as usable
from pipeline.job.models import MOST_AUTO, Model
from pipeline.job.outside.headers import Headers
from pipeline.providers._here import anything
from pipeline.providers.http.extras import NOTHING, Extras, Proxy, extras_of, proxy_of_environment
from pipeline.wire.batching import Vendor, vendor_of, vendors

if TYPE_CHECKING:
    from pipeline.providers.http.rest import Rest

APIS = ("chat", "responses", "completions", "decisions", "moderations")
OFFICIAL = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"
ADDRESS = "OPENAI_BASE_URL"
IDLE = 120.0
objection = anything


class Batching(Spec):
    """What the endpoint's batches are like, where that is not known by its host."""

    most_requests: StrictInt | None = Field(None, ge=1, description="requests in a batch")
    most_bytes: StrictInt | None = Field(None, ge=1, description="bytes of a file of requests")
    most_tokens: StrictInt | None = Field(None, ge=1, description="tokens that may wait there at once")
    window: str | None = Field(None, min_length=1, description='in which time it answers: "24h"')
    metadata: StrictBool | None = Field(None, description="whether a batch keeps its metadata")
    line: Literal["whole", "body"] | None = Field(None, description="body: no method and url in a line")
    factor: float | None = Field(None, ge=0, le=10, description="its price, relative to the usual one")
    flex: StrictBool | None = Field(None, description="whether the endpoint has the service tier flex")


class Options(Spec):
    """How the endpoint is spoken to."""

    idle: float = Field(IDLE, gt=0, description="seconds between two pieces of a reply that has begun")
    allow_http: StrictBool = Field(False, description="send the key without encryption, beyond this machine")
    headers: Headers = Field({}, description="sent with each request; a secret as {env: NAME_OF_A_VARIABLE}")
    proxy: Proxy = Field(None, description="an HTTP proxy: its address, {env: NAME}, or env for HTTPS_PROXY")
    batch: str | Batching | None = Field(
        None, description="whose batches it takes (openai, mistral, …), or what they are like"
    )

    @field_validator("batch")
    @classmethod
    def _known(cls, batch: str | Batching | None) -> str | Batching | None:
        if isinstance(batch, str) and batch not in vendors():
            raise ValueError(f"is none of the servers whose batches are known: {', '.join(vendors())}")
        return batch


def label(model: Model) -> str:
    return f"openai/{model.model}"


def address(model: Model) -> str:
    """The base URL: the job's, else the environment's (`JobError` if it is no URL), else OpenAI's own."""
    if model.base_url:
        return model.base_url
    try:
        return usable(os.environ.get(ADDRESS, "").strip()) or OFFICIAL
    except ValueError as error:
        hint = "correct it, or unset it, or set base_url in the job file"
        raise JobError(f"the address in it {error}", where=f"${ADDRESS}", hint=hint) from None


async def slots(model: Model) -> int:
    """What a server on this machine tells of itself. It is not asked through a proxy, nor anywhere else."""
    base_url = address(model)
    options = Options.model_validate(model.options)
    if options.proxy or not is_here(urlsplit(base_url).hostname or ""):
        return 0
    from pipeline.providers.http.client import head
    from pipeline.providers.http.slots import told_slots

    extras = extras_of(options.headers, None, base_url)
    return await told_slots(base_url, head(base_url, api_key(model, base_url), extras))


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call to the model's endpoint; the key is read from the environment by its name."""
    base_url, key, extras, options = _endpoint(model)
    concurrency = max(model.limits.most_at_once, MOST_AUTO)  # it may be raised while the run goes on
    async with connect_to(
        base_url,
        key,
        concurrency=concurrency,
        timeout=model.limits.timeout,
        patience=model.patience,
        idle=options.idle,
        extras=extras,
    ) as call:
        yield call


def rest(model: Model) -> AbstractContextManager[Rest]:
    """The calls to the model's endpoint that are no questions."""
    from pipeline.providers.http.rest import rest_at

    base_url, key, extras, _ = _endpoint(model)
    return rest_at(base_url, key, extras, model.limits.timeout)


def vendor(model: Model) -> Vendor:
    """What the endpoint's batches are like: as the job says, else as its host is known."""
    batch = Options.model_validate(model.options).batch
    if isinstance(batch, str):
        return vendors()[batch]
    known = vendor_of(address(model))
    return replace(known, **batch.model_dump(exclude_none=True)) if batch else known


def batches(model: Model) -> AbstractAsyncContextManager[BatchApi]:
    """The batches at the model's endpoint."""
    from pipeline.providers.http.batches import batches_of

    return batches_of(rest(model), vendor(model), model.model)


CAPABILITIES = Capabilities(
    apis=APIS, endpoints=True, batches=batches, vendor=vendor, afar=lambda model: True
)


def _endpoint(model: Model) -> tuple[str, Secret, Extras, Options]:
    """Where a model is asked, and with what; `JobError` where its key would be sent in the clear."""
    base_url = address(model)
    options = Options.model_validate(model.options)
    key, extras = api_key(model, base_url), extras_of(options.headers, options.proxy, base_url)
    if (key or extras.secrets) and not options.allow_http:
        _refuse_plain(base_url)
    return base_url, key, extras, options


def api_key(model: Model, base_url: str) -> Secret:
    """The key from the variable the job names, at the official endpoint by default OPENAI_API_KEY.

    Any other host gets no key unless the job names one, so that a key is never sent to an unknown host.
    """
    name = model.api_key_env or (DEFAULT_KEY if urlsplit(base_url).hostname == "api.openai.com" else "")
    if not name:
        return Secret()
    key = os.environ.get(name, "").strip()
    if not key:
        what = f"the environment variable {name} is not set, and model '{model.model}' needs its key"
        hint = f"export {name}=…   or, without a key, try a model of provider: embedded; to translate, pseudo"
        raise JobError(what, hint=hint)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise JobError(f"the environment variable {name} holds something that cannot be a key")
    return Secret(key)


def _refuse_plain(base_url: str) -> None:
    """Raise a `JobError` where the key would be sent unencrypted to another machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_here(host):
        hint = "use https://, or, in a network you trust, the model's options: {allow_http: true}"
        raise JobError(f"the key would travel to {host} without encryption", where="base_url", hint=hint)


def secrets(model: Model) -> Iterator[Secret]:
    """The secrets that are set for a model, so that none of them is shown where a server sends it back."""
    with suppress(JobError):
        base_url = address(model)
        yield api_key(model, base_url)
        options = Options.model_validate(model.options)
        yield from extras_of(options.headers, options.proxy, base_url).secrets


def health(model: Model) -> Iterator[Check]:
    """Checks of the key and the endpoint, at no cost."""
    from pipeline.providers.http.probe import looked_at

    base_url = address(model)
    key = api_key(model, base_url)
    yield ok("key", f"{model.api_key_env or DEFAULT_KEY} is set" if key else "none is sent")
    options = Options.model_validate(model.options)
    extras = extras_of(options.headers, options.proxy, base_url)
    name, _ = proxy_of_environment(base_url)
    if extras.proxy:
        yield ok("proxy", f"requests go through {extras.proxy_host}")
    elif name:
        yield warn("proxy", f"{name} is set and not used", "to use it: options: {proxy: env}")
    yield from looked_at(base_url, key, model.model, extras)
    if model.lane in ("batch", "cheapest"):
        yield from _of_batches(model)


def _of_batches(model: Model) -> Iterator[Check]:
    from pipeline.providers.http import batches as http
    from pipeline.providers.http.models import PATIENCE
    from pipeline.providers.http.rest import rest_at

    base_url, key, extras, _ = _endpoint(model)
    with rest_at(base_url, key, extras, PATIENCE) as opened:
        yield http.looked_at(opened, urlsplit(base_url).hostname or "", vendor(model))


def connect_to(
    base_url: str,
    key: Secret,
    *,
    concurrency: int,
    timeout: float,
    patience: float = 0.0,
    idle: float = IDLE,
    extras: Extras = NOTHING,
) -> AbstractAsyncContextManager[Call]:
    """A call to `base_url` + the path of a dialect: at most `idle` seconds between two pieces of a reply.

    `patience` is the timeout of requests in the tier flex, where it is longer.
    """
    from pipeline.providers.http.client import connection  # aiohttp takes a fifth of a second to import
    from pipeline.providers.http.deadlines import Deadlines

    patient = Deadlines(max(timeout, patience), idle)
    return connection(base_url, key, concurrency, Deadlines(timeout, idle), extras, patient)
