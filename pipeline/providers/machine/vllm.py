"""vLLM: a folder of weights or a name at the hub, on a GPU; the program `vllm`, with arguments of the user.

The key goes through the environment, so the list of processes does not show it. This module starts nothing.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.errors import JobError
from pipeline.providers.machine.engine import Engine, Given


def program() -> str | None:
    """The command, on the PATH or beside the Python that runs us; None where there is none."""
    return shutil.which("vllm") or shutil.which("vllm", path=str(Path(sys.executable).parent))


def _installed() -> str:
    if found := program():
        return found
    hint = "install it (a GPU is needed):\n    uv tool install vllm\n  and put it on the PATH"
    raise JobError("the engine vllm is not installed: there is no command vllm", hint=hint)


def _launch(given: Given, key: str) -> tuple[str, Mapping[str, Any]]:
    options = given.options
    command = [_installed(), "serve", str(given.path or given.name), *options.args]
    command += ["--served-model-name", given.name, "--disable-uvicorn-access-log"]
    command += ["--max-num-seqs", str(given.slots)]
    if options.context:
        command += ["--max-model-len", str(options.context)]
    environment = {"VLLM_API_KEY": key} | ({} if options.download else {"HF_HUB_OFFLINE": "1"})
    return "pipeline.providers.machine.program", {"command": command, "environment": environment}


def _objection(body: Mapping[str, Any], given: Given) -> str | None:
    """None: what the model can do is known to the server alone."""
    return None


ENGINE = Engine(
    name="vllm",
    options=frozenset({"context", "parallel", "download", "args"}),
    slots=128,
    seconds=1200.0,
    hub=True,
    installed=_installed,
    launch=_launch,
    objection=_objection,
)
