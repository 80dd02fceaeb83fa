"""The Python files that a job names, run once, and the functions that they define for it.

    def check_NAME(written, options) -> str | None     a check, under `checks: {own: {NAME: …}}`
    def filter_NAME(value, …)                          a filter of templates
    def source_NAME(options)                           records, one dict each

What goes wrong in such a function is a `Fault` of the kind `plugin` with file, line and Python's message: it
is the user's own code. Functions are kept with their job. This module does not know who calls them.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.core.domain import Fault
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest
from pipeline.job.yaml_source import Path as Place

KINDS = ("check", "filter", "source")
_GIVEN = {"check": ("written", "options"), "source": ("options",)}
"""what functions are called with; a filter has as many arguments as its templates give"""
_LONGEST_MESSAGE = 300
_NAMED = re.compile(rf"({'|'.join(KINDS)})_(\w+)")


@dataclass(frozen=True)
class Function:
    """A function of a plugin; called, it raises no exception but a `Fault`."""

    file: str
    function: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        return self.guarded(lambda: self.function(*args, **kwargs))

    def guarded(self, work: Callable[[], Any]) -> Any:
        """What some work with the function gives; a `Fault` for whatever it raises."""
        try:
            return work()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # foreign code may raise anything
            raise self.fault(f"{_place(error, self.file)}: {_said(error)}") from None

    def fault(self, message: str) -> Fault:
        """The fault of this function."""
        return Fault("plugin", message)


@dataclass(frozen=True)
class Plugins:
    """The functions of a job's plugins by kind and name, and the files: (name, SHA-256)."""

    files: tuple[tuple[str, str], ...] = ()
    functions: Mapping[str, dict[str, Function]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def named(self, kind: str, name: str, where: str) -> Function:
        """A function by its name; `JobError` where there is none."""
        known = self.functions[kind]
        if name not in known:
            hint = nearest(name, known) or f"write it into a file under `plugins`: def {kind}_{name}(…)"
            raise JobError(f"no plugin has a {kind} '{name}'", where=where, hint=hint)
        return known[name]

    @property
    def said(self) -> str:
        """Which code runs, for the user."""
        return ", ".join(f"{name} (sha256 {digest[:12]})" for name, digest in self.files)


def add(plugins: Plugins, name: str, shown: str, content: str, where: str) -> Plugins:
    """Run a file, and add what it defines; `JobError` where it cannot be run or defines nothing."""
    digest = sha256(content.encode()).hexdigest()
    module = ModuleType(f"pipeline_plugin_{digest}")
    try:
        code = compile(content, shown, "exec", dont_inherit=True)
        sys.modules[module.__name__] = module  # dataclasses look there; it is named by its content alone
        exec(code, vars(module))  # noqa: S102 - the user has allowed it
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        line = error.lineno if isinstance(error, SyntaxError) and error.filename == shown else None
        place = f"{shown}:{line}" if line else _place(error, shown)
        raise JobError(f"a plugin cannot be run: {_said(error)}", where=place) from None
    functions = {kind: dict(known) for kind, known in plugins.functions.items()}
    found = list(_functions(module))
    if not found:
        hint = "write def check_NAME(written, options), def filter_NAME(value) or def source_NAME(options)"
        raise JobError(f"{name} has no function for a job", where=where, hint=hint)
    for kind, named, function in found:
        if named in functions[kind] or (kind == "filter" and named in _own_filters()):
            hint = "rename the function"
            raise JobError(f"there is a {kind} '{named}' already", where=shown, hint=hint)
        if kind in _GIVEN and not _takes(function, len(_GIVEN[kind])):
            hint = f"write def {kind}_{named}({', '.join(_GIVEN[kind])})"
            raise JobError(f"{kind}_{named} cannot be called with what it is given", where=shown, hint=hint)
        functions[kind][named] = Function(shown, function)
    return Plugins((*plugins.files, (name, digest)), functions)


def _functions(module: ModuleType) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for name, value in vars(module).items():
        named = _NAMED.fullmatch(name)
        if named and callable(value) and getattr(value, "__module__", None) == module.__name__:
            yield named[1], named[2], value


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments; True where that cannot be seen."""
    try:
        signature = inspect.signature(function)
    except Exception:  # foreign code may have a signature of any kind
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _own_filters() -> Mapping[str, Any]:
    from pipeline.templates.sandbox import sandbox  # Jinja is not needed to load a job without filters

    return sandbox().filters


def own_checks(checks: Any, at: Place) -> Iterator[tuple[Place, str]]:
    """The users' own checks in the `checks` of a step, as plain data: where each stands, and its name."""
    for key, value in checks.items() if isinstance(checks, dict) else ():
        if key == "own":
            yield from (((*at, key, name), name) for name in (value if isinstance(value, dict) else ()))
        elif key == "soft" or "." in key:
            yield from own_checks(value, (*at, key))


def _place(error: BaseException, file: str) -> str:
    """The line of a plugin in which an error was raised, or which called what raised it."""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return f"{file}:{line}" if line else file


def _said(error: BaseException) -> str:
    """What Python says of the user's own code, in one line."""
    try:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:  # the user's own class of errors may be broken, too
        said = ""
    line = " ".join(said.split())[:_LONGEST_MESSAGE]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def is_plugin(name: str) -> bool:
    """Whether a file can be a plugin, by its name."""
    return Path(name).suffix == ".py"
