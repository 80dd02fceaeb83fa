"""What a template may do: Jinja's immutable sandbox, where values have no methods.

`{{ row.items }}` is the column `items` or an error, because only the keys of a mapping can be reached, never
an attribute of an object. Null renders as nothing, a list or a mapping as JSON. Operators and filters are
refused where one number makes their result too large. What grows in another way (loops in loops, a text
that doubles) is not counted: an untrusted job is rendered in a process with limits (`isolated.py`).
Two renderings of the same values give the same text. So only a text, a number, a boolean, null, a date, a
list or a mapping has a text. For anything else Python would print its address in memory, which is another one
in each process, or would follow an order of hashes: it is refused, also inside of a list and beside `~`.
This module does not know where a template stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import wraps
from typing import Any
from uuid import UUID

import jinja2
import orjson
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS

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
ONE_BY_ONE = frozenset(
    ("batch", "items", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "unique")
)
"""filters that give values one by one (`reverse` gives a text for a text): these have no text"""
AS_TEXT = "write |list or |join(', ') after it"
_HAVE_TEXT = (str, int, float, Decimal, date, time, timedelta, UUID, tuple, jinja2.Undefined)
_WIDE = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(?:[0-9]*\.)?(?:\*|[0-9]{5})")
_SEQUENCE = (str, bytes, list, tuple)


class TooMuch(Exception):
    """A result would be too large; the message is the end of a sentence."""


class NoText(Exception):
    """A value that has no text was to be printed; the message is a sentence."""


class _OneByOne:
    """What a filter such as `map` gives."""

    def __init__(self, name: str, values: Iterator[Any]) -> None:
        self._name, self._values = name, values

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._values)

    def __repr__(self) -> str:
        raise NoText(f"what |{self._name} gives is not a text: {AS_TEXT}")


class _Called:
    """A function that a template may call."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name, self._function = name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        raise NoText(f"{self._name} is not a text: it is called, as in {self._name}(…)")


class _Macro(Macro):
    def __repr__(self) -> str:
        raise NoText(f"the macro {self.name} is not a text: it is called, as in {self.name}(…)")


class _Loop(LoopContext):
    def __repr__(self) -> str:
        raise NoText("loop is not a text: write loop.index, or another part of it")


class _Undefined(jinja2.StrictUndefined):
    """Also its form inside of a tuple is an error."""

    __slots__ = ()
    __repr__ = jinja2.StrictUndefined.__str__


GUARDED = {"Macro": _Macro, "LoopContext": _Loop}
"""what the code of a template takes from Jinja under these names"""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            value = super().getattr(obj, attribute)
            return _Called(f"loop.{attribute}", value) if attribute in ("changed", "cycle") else value
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
        if name == "indent" and not isinstance(
            args[0], str
        ):  # Jinja's would add a line to a list in its place
            raise NoText("indent takes a text")
        return function(*args, **kwargs)

    return capped


def _one_by_one(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with a result that has no text."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return _OneByOne(name, result) if isinstance(result, Iterator) else result

    return guarded


def _split(text: Any, separator: str = ",") -> list[str]:
    """The parts of a text, without the blanks around them; empty ones are left out."""
    if not isinstance(text, str):
        raise NoText("split takes a text")
    return list(filter(None, map(str.strip, text.split(separator))))


def _shown(value: Any) -> Any:
    """What is printed for a value."""
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        try:
            return orjson.dumps(value, default=_text).decode()
        except orjson.JSONEncodeError as error:
            if error.__cause__ is not None:  # from `_text`
                raise error.__cause__ from None
            if "64-bit" not in str(error):
                raise
            return orjson.dumps(_digits(value), default=_text).decode()
    return value if isinstance(value, _HAVE_TEXT) else _text(value)


def _digits(value: Any) -> Any:
    """The value with digits for whole numbers beyond 64 bits, which the writer of JSON refuses."""
    if isinstance(value, Mapping):
        return {name: _digits(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_digits(item) for item in value]
    return orjson.Fragment(str(value)) if isinstance(value, int) and value.bit_length() > 63 else value


def _text(value: Any) -> str:
    """The text of a value; `NoText` where it has none."""
    if isinstance(value, _HAVE_TEXT):
        return str(value)
    if isinstance(value, _OneByOne | _Called | Macro | LoopContext):
        return repr(value)  # it says what to write
    raise NoText(f"a value of the type '{type(value).__name__}' has no text")


def _same(value: Any, other: Any) -> bool:
    """Jinja's `sameas`, without the address: whether equal texts are one object changes between processes."""
    return type(value) is type(other) and bool(value == other)


def _range(*numbers: int) -> list[int]:
    """Jinja's `range` as a list."""
    return list(safe_range(*numbers))


def sandbox(more: Mapping[str, Callable[..., Any]] | None = None) -> jinja2.Environment:
    """An environment for templates: an undefined name is an error, and no file can be reached.

    `more` are filters of the job's own.
    """
    environment = _Environment(
        undefined=_Undefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
        optimized=False,
    )
    environment.globals = {"range": _Called("range", _range)}
    environment.tests = {**TESTS, "sameas": _same}
    filters = {name: FILTERS[name] for name in _FILTERS} | {name: _capped(name) for name in _CAPPED}
    filters["split"] = _split
    environment.filters = filters | {name: _one_by_one(name, filters[name]) for name in ONE_BY_ONE}
    environment.filters |= {name: _one_by_one(name, filter_) for name, filter_ in (more or {}).items()}
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _text}
    return environment
