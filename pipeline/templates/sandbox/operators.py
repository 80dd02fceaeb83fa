"""The operators of a template, refused where their result would be beyond all measure.

This module does not know the environment they are used in.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import markup_join, str_join

from pipeline.templates.sandbox.allowance import NODE, STEP, Metered, TooMuch

MOST_BITS = 16 * 1024
"""of a whole number"""
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_CONVERSION = re.compile(r"%(?:\([^()]*\))?[-+ #0]*([0-9]*)(?:\.([0-9]*))?[hlL]?(.)?", re.DOTALL)
_SEQUENCE = (str, bytes, list, tuple)


def operated(context: Metered, name: str, left: Any, right: Any) -> Any:
    """`left <name> right`; `TooMuch` where that would take too much memory or time."""
    if isinstance(left, _SEQUENCE) or isinstance(right, _SEQUENCE):
        _check_sequences(context, name, left, right)
    elif isinstance(left, int) and isinstance(right, int):
        _check_integers(name, left, right)
    return OPERATORS[name](left, right)


def _check_integers(name: str, left: int, right: int) -> None:
    bits = max(left.bit_length(), right.bit_length())
    if name == "**":
        bits = left.bit_length() * max(right, 1)
    elif name == "*":
        bits = left.bit_length() + right.bit_length()
    if bits > MOST_BITS:
        raise TooMuch("a number grows beyond all measure")


def _check_sequences(context: Metered, name: str, left: Any, right: Any) -> None:
    if name == "*":
        times, value = (left, right) if isinstance(left, int) else (right, left)
        if isinstance(times, int) and times > 0:
            _check_repeated(context, value, times)
    elif name == "+":
        for value in (left, right):
            context.scan(value)
        if isinstance(left, str | bytes) and isinstance(right, str | bytes):
            context.make(len(left) + len(right))
    elif name == "%" and isinstance(left, str | bytes):
        text = left if isinstance(left, str) else left.decode("latin-1")
        context.make(_formatted_size(context, text, right))


def _check_repeated(context: Metered, value: Any, times: int) -> None:
    if isinstance(value, str | bytes):
        context.make(len(value) * times)
    else:
        nodes, characters = context.measure(value)
        context.spend(times * (NODE * nodes + characters))


def _formatted_size(context: Metered, text: str, values: Any) -> int:
    """The most characters that printf-style formatting can give."""
    size, conversions = len(text), 0
    for found in _CONVERSION.finditer(text):
        width, precision, kind = found[1], found[2] or "", found[3] or ""
        if kind in "*(" or len(width) > 7 or len(precision) > 7:
            raise TooMuch("a format with this width is not allowed: write a plain number")
        size += int(width or 0) + int(precision or 0)
        conversions += 1
    parts = values if isinstance(values, tuple) else (values,)
    if isinstance(values, Mapping):  # each of them may be named by every conversion
        parts = tuple(values.values())
    largest = 0
    for part in parts:
        if isinstance(part, int | float):
            size += STEP
            continue
        nodes, characters = context.measure(part)
        largest = max(largest, NODE * nodes + characters)
        size += NODE * nodes + characters
    return size + (conversions * largest if isinstance(values, Mapping) else 0)


def joined(context: Metered, values: tuple[Any, ...]) -> str:
    """The texts of the values one after the other: `a ~ b ~ c`."""
    if len(values) > 1:
        context.make(sum(_written_size(context, value) for value in values))
    join = markup_join if context.eval_ctx.autoescape else str_join
    return join(values)


def _written_size(context: Metered, value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple | Mapping):
        nodes, characters = context.measure(value)
        return NODE * nodes + characters
    return STEP
