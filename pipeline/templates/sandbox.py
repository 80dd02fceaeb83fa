"""What a template may do: Jinja's immutable sandbox, where values have no methods.

`{{ row.items }}` is the column `items` or an error, because only the keys of a mapping can be reached, never
an attribute of an object. Null renders as nothing, a list or a mapping as JSON. Operators and filters are
refused where one number makes their result too large. What grows in another way (loops in loops, a text
that doubles) is not counted: an untrusted job is rendered in a process with limits (`isolated.py`).
This module does not know where a template stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import jinja2
import orjson
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST = 4 * 1024 * 1024
"""the most characters of a text, or items of a list"""
MOST_BITS = 16 * 1024
"""the most bits of a whole number"""
MOST = 10_000
"""the largest width, count or precision that a filter takes"""
_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "filesizeformat", "first",
    "float", "forceescape", "groupby", "int", "items", "join", "last", "length", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "replace", "reverse", "safe", "select", "selectattr", "sort",
    "string", "striptags", "sum", "title", "trim", "truncate", "unique", "upper", "urlencode", "urlize",
    "wordcount", "wordwrap",
)  # fmt: skip
"""Jinja's, but none that reaches attributes (attr, format, pprint, xmlattr) or is not repeatable (random)"""
_CAPPED = ("batch", "center", "indent", "round", "slice", "tojson")
"""filters whose result can be large because of a number"""
_WIDE = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(?:[0-9]*\.)?(?:\*|[0-9]{5})")
_SEQUENCE = (str, bytes, list, tuple)


class TooMuch(Exception):
    """A result would be too large; the message is the end of a sentence."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            if isinstance(obj, Mapping | list | tuple | str):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)


def _check_operation(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation whose result would be too large."""
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * max(right, 1) if operator == "**" else left.bit_length()
        if operator == "*":
            bits += right.bit_length()
        if bits > MOST_BITS:
            raise TooMuch("a number grows too large")
    elif operator == "%":
        if isinstance(left, str) and _WIDE.search(left):
            raise TooMuch("a format with this width is not allowed: write a number of at most 4 digits")
    elif isinstance(left, _SEQUENCE) or isinstance(right, _SEQUENCE):
        sizes = [len(value) if isinstance(value, _SEQUENCE) else value for value in (left, right)]
        if operator == "+" and all(isinstance(value, _SEQUENCE) for value in (left, right)):
            sizes = [sum(sizes), 1]
        if all(isinstance(size, int) for size in sizes) and sizes[0] * sizes[1] > LONGEST:
            raise TooMuch(f"a text or list grows beyond {LONGEST:,} characters or items")


def _capped(name: str) -> Callable[..., Any]:
    """The filter, with a cap on the numbers that it is given beside its value."""
    function: Callable[..., Any] = FILTERS[name]

    @wraps(function)  # keeps Jinja's mark for the arguments before the value
    def capped(*args: Any, **kwargs: Any) -> Any:
        value = 1 if hasattr(function, "jinja_pass_arg") else 0
        for number in (*args[value + 1 :], *kwargs.values()):
            if isinstance(number, int) and abs(number) > MOST:
                raise TooMuch(f"{name} takes numbers up to {MOST:,}")
        return function(*args, **kwargs)

    return capped


def _shown(value: Any) -> Any:
    """What is printed for a value."""
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return orjson.dumps(value, default=str).decode()
    return value


def sandbox() -> jinja2.Environment:
    """An environment for templates: an undefined name is an error, and no file can be reached."""
    environment = _Environment(
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
        optimized=False,
    )
    environment.globals = {"range": environment.globals["range"]}
    environment.filters = {name: FILTERS[name] for name in _FILTERS} | {
        name: _capped(name) for name in _CAPPED
    }
    return environment
