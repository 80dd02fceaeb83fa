"""A model of your own on this machine: llama.cpp, vLLM or Transformers, started and ended with the run.

The engine is chosen by `options.engine`, or by what the model is. It is started as a child process with a new
random key, and asked over HTTP on loopback; nothing is billed.
This module does not know how an engine is started (`machine/`), speaks no HTTP and asks nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache

import orjson

from pipeline.core.contracts import Capabilities
from pipeline.core.domain import Call, Request
from pipeline.core.errors import JobError
from pipeline.core.health import Check, ok, warn
from pipeline.core.secret import Secret
from pipeline.job.models import MOST_AUTO, Model
from pipeline.providers._here import nowhere
from pipeline.providers.machine import hugging_face, llama_cpp, vllm
from pipeline.providers.machine.engine import (
    Engine,
    Given,
    Options,
    cache_of,
    size_of,
    spare_cores,
    weights_of,
)
from pipeline.providers.machine.serving import serving, watched
from pipeline.providers.openai import connect_to
from pipeline.system.resources import megabytes, memory_left

__all__ = ["CAPABILITIES", "Options", "address", "connect", "health", "label", "objection", "slots"]
CAPABILITIES = Capabilities(apis=("chat", "completions"), free=True)
ENGINES = {one.name: one for one in (llama_cpp.ENGINE, vllm.ENGINE, hugging_face.ENGINE)}
address = nowhere


def label(model: Model) -> str:
    """What the result says an answer came from: a file by its name alone, without this machine's folders."""
    name = model.model
    return f"local/{name.rstrip('/').rpartition('/')[2] if name.startswith(('/', '~', '.')) else name}"


def objection(request: Request, model: Model) -> str | None:
    """Why the engine can never serve this request."""
    options = Options.model_validate(model.options)
    engine = _engine(model.model, options)
    return engine.objection(orjson.loads(request.body), _given(model, engine, options))


async def slots(model: Model) -> int:
    """How many answers the engine writes at once."""
    options = Options.model_validate(model.options)
    return options.parallel or _engine(model.model, options).slots


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call to the model's server, which is started here and stopped afterwards."""
    engine, given = _located(model)
    engine.installed()
    key = secrets.token_urlsafe(24)
    module, settings = engine.launch(given, key)
    what = f"the server of {label(model)} ({engine.name})"
    async with serving(what, module, settings, given.options.timeout or engine.seconds) as server:
        base_url = f"{server.ready['address']}/v1"
        most, timeout = max(model.limits.most_at_once, MOST_AUTO), model.limits.timeout
        async with connect_to(base_url, Secret(key), concurrency=most, timeout=timeout) as send:
            yield watched(send, server, what)


def health(model: Model) -> Iterator[Check]:
    """Whether the weights are there, the engine is installed, and the memory is roughly enough."""
    engine, given = _located(model)
    place = given.path or cache_of(given.name)
    size = size_of(place) if place.exists() else 0
    if size:
        yield ok("model", f"{given.name} is there ({megabytes(size)})")
    else:
        yield warn("model", f"{given.name} is not there yet: the engine downloads it when a run begins")
    yield ok("engine", f"{engine.name}: {engine.installed()}; nothing is billed")
    left = memory_left()
    if engine.name != vllm.ENGINE.name and size and left:
        said = f"{megabytes(left)} are free, and the weights have {megabytes(size)}"
        hint = "end other programs, or take a smaller or more strongly quantised model"
        yield ok("memory", said) if left > size * 1.1 else warn("memory", said, hint)


def _engine(name: str, options: Options) -> Engine:
    """The engine that the job names, else the one for the model."""
    if options.engine:
        return ENGINES[options.engine]
    return llama_cpp.ENGINE if name.endswith(".gguf") else usual()


@cache
def usual() -> Engine:
    """The engine for a folder or a name at the hub: the faster of the two, if it is there."""
    return vllm.ENGINE if vllm.program() or not hugging_face.is_installed() else hugging_face.ENGINE


def _given(model: Model, engine: Engine, options: Options) -> Given:
    threads = options.threads or spare_cores()
    return Given(model.model, None, options.parallel or engine.slots, threads, options)


def _located(model: Model) -> tuple[Engine, Given]:
    """The engine, and the model as it lies on this machine; `JobError` where either does not fit."""
    options = Options.model_validate(model.options)
    engine = _engine(model.model, options)
    if unheeded := sorted(options.model_fields_set - engine.options - {"engine", "timeout"}):
        hint = f"it has: {', '.join(sorted(engine.options))}, timeout"
        raise JobError(f"the engine {engine.name} has no option {unheeded[0]}", hint=hint)
    given = _given(model, engine, options)
    path = weights_of(model.model, model.beside, engine, options)
    return engine, Given(given.name, path, given.slots, given.threads, options)
