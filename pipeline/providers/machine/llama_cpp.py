"""llama.cpp: a GGUF file, on the CPU or a GPU; from the package `xllamacpp`, else the program `llama-server`.

This module starts nothing.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pipeline.core.errors import JobError
from pipeline.providers.machine.engine import Engine, Given, beyond
from pipeline.system.packages import install_command

PACKAGES = "'xllamacpp>=2026.10'"
PROGRAM = "llama-server"


def _in_python() -> bool:
    return importlib.util.find_spec("xllamacpp") is not None


def _installed() -> str:
    if _in_python():
        return f"xllamacpp {version('xllamacpp')}"
    if found := shutil.which(PROGRAM):
        return found
    hint = f"install it:\n    {install_command(PACKAGES)}\n  or put {PROGRAM} of llama.cpp on the PATH"
    raise JobError("the engine llama-cpp is not installed", hint=hint)


def _launch(given: Given, key: str) -> tuple[str, Mapping[str, Any]]:
    """With xllamacpp in a process of ours, unless there are arguments for the program's command."""
    slots, context, threads = given.slots, given.context, given.threads
    if _in_python() and not given.options.args:
        settings = {"path": str(given.path), "name": given.name, "key": key, "slots": slots}
        return "pipeline.providers.machine.llama_server", {**settings, "context": context, "threads": threads}
    program = shutil.which(PROGRAM)
    if program is None:
        raise JobError(f"options.args are for {PROGRAM}, which is not on the PATH", hint="leave args out")
    command = [program, *given.options.args, "--model", str(given.path), "--alias", given.name]
    numbers = {"--parallel": slots, "--ctx-size": slots * context, "--threads": threads}
    command += [str(part) for pair in numbers.items() for part in pair]
    return "pipeline.providers.machine.program", {"command": command, "environment": {"LLAMA_API_KEY": key}}


def _objection(body: Mapping[str, Any], given: Given) -> str | None:
    return beyond(body, given, "llama-cpp")


ENGINE = Engine(
    name="llama-cpp",
    options=frozenset({"context", "parallel", "threads", "args"}),
    slots=4,
    seconds=300.0,
    hub=False,
    installed=_installed,
    launch=_launch,
    objection=_objection,
)
