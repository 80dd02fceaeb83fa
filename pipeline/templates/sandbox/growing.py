"""Filters whose result may be far longer than what they are given: they are paid for before they begin.

This module does not know the other filters.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jinja2.filters import FILTERS, do_batch, do_dictsort, do_indent, do_round, sync_do_join, sync_do_sum
from jinja2.filters import make_attrgetter as attribute_of

from pipeline.templates.sandbox.allowance import LONGEST, NODE, STEP, Metered, TooMuch, too_long
from pipeline.templates.sandbox.operators import MOST_BITS

Function = Callable[..., Any]
YIELDED = 48
"""units of an item that is given, one after the other"""
_PART = 200
"""units of one part of a path to an attribute"""
_MOST_INDENT, _MOST_DIGITS = 16, 400
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def reach(attribute: Any) -> int:
    """Units for getting at an attribute, which may be a path: `author.name`."""
    return len(attribute) + _PART * attribute.count(".") if isinstance(attribute, str) else 0


def check_number(value: Any) -> None:
    """Refuse what `%` and `*` would repeat or format instead of count."""
    if isinstance(value, str | bytes | list | tuple):
        raise TypeError(f"this needs a number, not {type(value).__name__}")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise TooMuch("a number grows beyond all measure")


def longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _written(context: Metered, value: Any) -> str:
    context.write(value)
    return str(value)


def _batch(context: Metered, value: Any, linecount: int, fill_with: Any = None) -> Any:
    if fill_with is not None and isinstance(linecount, int):
        nodes, characters = context.measure(fill_with)
        context.spend(max(linecount, 0) * (NODE * nodes + (characters >> 6)))
    return context.paced(do_batch(context.paced(value, YIELDED), linecount, fill_with), YIELDED)


def _center(context: Metered, value: Any, width: int = 80) -> str:
    text = _written(context, value)
    context.make(max(len(text), width))
    return text.center(width)


def _dictsort(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
    for _ in range(4):  # it is read again and again
        context.scan(value)
    return do_dictsort(value, *args, **kwargs)


def _indent(context: Metered, s: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text = s if isinstance(s, str) else _written(context, s)
    lines = 1 + sum(text.count(sign) for sign in _BREAKS)
    context.make(len(text) + lines * (len(width) if isinstance(width, str) else max(width, 0)))
    context.spend(STEP * lines)
    return do_indent(text, width, first, blank)


def _join(context: Metered, value: Any, d: Any = "", attribute: str | int | None = None) -> str:
    between = _written(context, d)
    if attribute is None and isinstance(value, list) and all(isinstance(item, str) for item in value):
        context.make(len(value) * (len(between) + NODE) + sum(map(len, value)))
        return sync_do_join(context.eval_ctx, value, d)
    if attribute is not None:
        paced = context.paced(value, YIELDED + reach(attribute))
        value = map(attribute_of(context.environment, attribute), paced)
    made, items = 0, []
    for item in value:
        context.spend(STEP)
        context.write(item)
        items.append(item if isinstance(item, str) else str(item))
        made += len(items[-1]) + len(between)
        if made > LONGEST:
            raise too_long()
    context.make(made)
    return sync_do_join(context.eval_ctx, items, d if isinstance(d, str) else between)


def _replace(context: Metered, s: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, before, after = (_written(context, value) for value in (s, old, new))
    times = text.count(before)
    times = times if count is None or count < 0 else min(times, count)
    context.make(max(len(text), len(text) + times * (len(after) - len(before))))
    replace: Function = FILTERS["replace"]
    changed: str = replace(context.eval_ctx, s, old, new, count)
    return changed


def _round(context: Metered, value: Any, precision: int = 0, method: Any = "common") -> Any:
    check_number(value)
    if abs(precision) > _MOST_DIGITS:
        raise TooMuch(f"a number has at most {_MOST_DIGITS} digits")
    return do_round(value, precision, method)


def _sum(context: Metered, iterable: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    check_number(start)
    values = context.paced(iterable, YIELDED + reach(attribute))
    return sync_do_sum(context.environment, values, attribute, start)


def _tojson(context: Metered, value: Any, indent: int | None = None) -> Any:
    if indent is not None and (not isinstance(indent, int) or indent > _MOST_INDENT):
        raise TooMuch(f"tojson indents by at most {_MOST_INDENT}")
    context.write(value)
    function: Function = FILTERS["tojson"]
    return function(context.eval_ctx, value, indent)


def dumped(value: Any, **settings: Any) -> str:
    """JSON, piece by piece where indentation could multiply it."""
    if settings.get("indent") is None:
        return json.dumps(value, **settings)
    pieces, size = [], 0
    for piece in json.JSONEncoder(**settings).iterencode(value):
        size += len(piece)
        pieces.append(piece)
        if size > LONGEST:
            raise too_long()
    return "".join(pieces)


def _trim(context: Metered, value: Any, chars: str | None = None) -> str:
    text = _written(context, value)
    context.spend((len(text) * len(chars or "")) >> 6)
    function: Function = FILTERS["trim"]
    trimmed: str = function(value, chars)
    return trimmed


def _wordwrap(
    context: Metered, s: Any, width: int = 79, break_long_words: bool = True,
    wrapstring: str | None = None, break_on_hyphens: bool = True,
) -> str:  # fmt: skip
    text = _written(context, s)
    lines = len(text) // max(width, 1) + len(text.split()) + sum(text.count(sign) for sign in _BREAKS)
    context.spend(16 * len(text) + 160 * lines + longest_word(text) ** 2 // (64 * max(width, 1)))
    context.make(len(text) + lines * len(wrapstring or "\n"))
    function: Function = FILTERS["wordwrap"]
    wrapped: str = function(context.environment, s, width, break_long_words, wrapstring, break_on_hyphens)
    return wrapped


GROWING: dict[str, Function] = {
    function.__name__[1:]: function
    for function in (
        _batch,
        _center,
        _dictsort,
        _indent,
        _join,
        _replace,
        _round,
        _sum,
        _tojson,
        _trim,
        _wordwrap,
    )
}
