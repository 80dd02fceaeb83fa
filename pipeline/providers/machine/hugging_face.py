"""Transformers of Hugging Face: weights in a folder, in a GGUF file or at the hub, served by ourselves.

The slowest engine, and the one that knows most models. This module starts nothing, and imports no torch.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pipeline.core.errors import JobError
from pipeline.providers.machine.engine import Engine, Given, beyond
from pipeline.system.packages import install_command

PACKAGES = "'torch>=2.4' 'transformers>=5,<6'"
FOR_GGUF = "'accelerate>=1' 'gguf>=0.10'"
"""what is needed besides to read a GGUF file"""
KNOWN = frozenset({
    "max_completion_tokens", "max_tokens", "messages", "min_p", "model", "n", "prompt", "repetition_penalty",
    "response_format", "seed", "stop", "temperature", "top_k", "top_p",
})  # fmt: skip
"""what `transformers_server.py` heeds of a request"""


def is_installed(*modules: str) -> bool:
    """Whether all of the modules can be imported."""
    return all(importlib.util.find_spec(one) is not None for one in modules or ("torch", "transformers"))


def _installed() -> str:
    if is_installed():
        return f"transformers {version('transformers')}, torch {version('torch')}"
    hint = f"install it (1 to 6 GB; torch's CPU build is enough):\n    {install_command(PACKAGES)}"
    raise JobError("the engine transformers is not installed", hint=hint)


def _launch(given: Given, key: str) -> tuple[str, Mapping[str, Any]]:
    gguf = given.path is not None and given.path.is_file()
    if gguf and not is_installed("accelerate", "gguf"):
        hint = f"install them:\n    {install_command(FOR_GGUF)}\n  or take the engine llama-cpp"
        raise JobError("to read GGUF files, transformers needs more packages", hint=hint)
    settings = {
        "path": str(given.path or given.name),
        "gguf": gguf,
        "name": given.name,
        "key": key,
        "slots": given.slots,
        "context": given.context,
        "threads": given.threads,
        "download": given.options.download,
    }
    return "pipeline.providers.machine.transformers_server", settings


def _objection(body: Mapping[str, Any], given: Given) -> str | None:
    if unknown := sorted(body.keys() - KNOWN):
        return f"the engine transformers does not know the parameter {unknown[0]}: leave it out of params"
    form = body.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        return (
            "the engine transformers cannot hold an answer to a schema: set json_mode: object (the schema is "
            "then part of the prompt), or take the engine llama-cpp or vllm"
        )
    return beyond(body, given, "transformers")


ENGINE = Engine(
    name="transformers",
    options=frozenset({"context", "parallel", "threads", "download"}),
    slots=8,
    seconds=900.0,
    hub=True,
    installed=_installed,
    launch=_launch,
    objection=_objection,
)
