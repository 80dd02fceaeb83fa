"""Jinja's filters and tests, each paying for what it does before it does it.

What works in no time at all (`default`, `length`, `first`, `is defined`, …) stays as it is. Filters that
reach attributes (`attr`, `format`, `pprint`, `xmlattr`) are left out.
This module does not know how much there is to be spent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from jinja2.filters import FILTERS, do_batch, do_dictsort, do_indent, do_round, sync_do_join, sync_do_sum
from jinja2.filters import make_attrgetter as attribute_of
from jinja2.tests import TESTS
from jinja2.utils import _PassArg, pass_context

from pipeline.sandbox import operators, tree
from pipeline.sandbox.allowance import LONGEST, NODE, STEP, Metered, TooMuch, too_long

Function = Callable[..., Any]
_REMOVED = ("attr", "format", "pprint", "xmlattr")
_PER_CHARACTER = {
    "capitalize": 1, "e": 1, "escape": 1, "filesizeformat": 1, "float": 8, "forceescape": 1, "int": 8,
    "lower": 1, "reverse": 1, "safe": 1, "string": 1, "striptags": 8, "title": 16, "truncate": 0,
    "upper": 1, "urlencode": 12, "urlize": 64, "wordcount": 8,
}  # fmt: skip
"""units for each character of what a filter is given"""
_PER_ITEM = {
    "groupby": 64, "list": 24, "map": 160, "max": 20, "min": 20, "reject": 160, "rejectattr": 160,
    "select": 160, "selectattr": 160, "slice": 24, "sort": 64, "unique": 32,
}  # fmt: skip
"""units for each item that a filter takes"""
_COMPARED = {"groupby": 16, "sort": 16, "max": 2, "min": 2, "unique": 2}
"""how often an item is read, where that is more than once"""
_TESTED = (
    "!=", "<", "<=", "==", ">", ">=", "eq", "equalto", "ge", "greaterthan", "gt", "in", "le", "lessthan",
    "lower", "lt", "ne", "upper",
)  # fmt: skip
_NUMERIC = ("divisibleby", "even", "odd")
_YIELDED, _PART = 48, 200
_LONGEST_NUMBER = 10_000
_MOST_INDENT = 16
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def paying_filters() -> dict[str, Function]:
    """All filters by name."""
    filters: dict[str, Function] = {name: FILTERS[name] for name in FILTERS if name not in _REMOVED}
    filters |= {name: _text(FILTERS[name], units) for name, units in _PER_CHARACTER.items()}
    filters |= {name: _iterating(FILTERS[name], name) for name in _PER_ITEM}
    filters |= {"int": _short(filters["int"]), "urlize": _worded(filters["urlize"])}
    own = (_batch, _center, _dictsort, _indent, _join, _replace, _round, _sum, _tojson, _trim, _wordwrap)
    filters |= {function.__name__[1:]: pass_context(function) for function in own}
    filters |= {tree.PAID: pass_context(_paid), tree.SCANNED: pass_context(_scanned)}
    filters[tree.JOINED] = pass_context(operators.joined)
    return filters


def paying_tests() -> dict[str, Function]:
    """All tests by name."""
    tests: dict[str, Any] = {**TESTS}
    tests |= {name: _scanning(tests[name]) for name in _TESTED}
    return tests | {name: _numeric(tests[name]) for name in _NUMERIC}


def _paid(context: Metered, value: Any, units: int) -> Any:
    context.spend(units)
    return value


def _scanned(context: Metered, value: Any) -> Any:
    context.scan(value)
    return value


def _adapted(function: Function) -> Function:
    """The function, called with the context whatever it wants of it."""
    wanted = _PassArg.from_obj(function)
    if wanted is _PassArg.context:
        return function
    if wanted is _PassArg.eval_context:
        return lambda context, *args, **kwargs: function(context.eval_ctx, *args, **kwargs)
    if wanted is _PassArg.environment:
        return lambda context, *args, **kwargs: function(context.environment, *args, **kwargs)
    return lambda context, *args, **kwargs: function(*args, **kwargs)


def _text(function: Function, units: int) -> Function:
    """A filter whose work and result are in proportion to the text it is given."""
    adapted = _adapted(function)

    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            context.spend(STEP + units * len(value) + (len(value) >> 6))
        else:
            context.write(value)
        for arg in (*args, *kwargs.values()):
            context.scan(arg)
        return adapted(context, value, *args, **kwargs)

    return paying


def _iterating(function: Function, name: str) -> Function:
    """A filter that takes the items of what it is given, one after the other."""
    adapted, per_item, factor = _adapted(function), _PER_ITEM[name], _COMPARED.get(name, 1)

    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        weight = per_item + sum(map(_reach, (*args, *kwargs.values())))
        result = adapted(context, context.paced(value, weight, factor), *args, **kwargs)
        return context.paced(result, _YIELDED) if isinstance(result, Iterator) else result

    return paying


def _reach(attribute: Any) -> int:
    """Units for getting at an attribute, which may be a path: `author.name`."""
    return len(attribute) + _PART * attribute.count(".") if isinstance(attribute, str) else 0


def _scanning(function: Function) -> Function:
    @pass_context
    def paying(context: Metered, value: Any, *args: Any) -> Any:
        for one in (value, *args):
            context.scan(one)
        return function(value, *args)

    return paying


def _numeric(function: Function) -> Function:
    def checked(value: Any, *args: Any) -> Any:
        for one in (value, *args):
            _check_number(one)
        return function(value, *args)

    return checked


def _check_number(value: Any) -> None:
    """Refuse what `%` and `*` would repeat or format instead of count."""
    if isinstance(value, str | bytes | list | tuple):
        raise TypeError(f"this needs a number, not {type(value).__name__}")
    if isinstance(value, int) and value.bit_length() > operators.MOST_BITS:
        raise TooMuch("a number grows beyond all measure")


def _short(function: Function) -> Function:
    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
            value = ""  # no number is that long: what is returned is what stands for none
        return function(context, value, *args, **kwargs)

    return paying


def _worded(function: Function) -> Function:
    """A filter that takes, for each word, the square of its length."""

    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        context.scan(value)
        context.spend(_longest_word(str(value)) ** 2)
        return function(context, value, *args, **kwargs)

    return paying


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _written(context: Metered, value: Any) -> str:
    context.write(value)
    return str(value)


def _batch(context: Metered, value: Any, linecount: int, fill_with: Any = None) -> Any:
    if fill_with is not None and isinstance(linecount, int):
        nodes, characters = context.measure(fill_with)
        context.spend(max(linecount, 0) * (NODE * nodes + (characters >> 6)))
    return context.paced(do_batch(context.paced(value, _YIELDED), linecount, fill_with), _YIELDED)


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
        paced = context.paced(value, _YIELDED + _reach(attribute))
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
    _check_number(value)
    if abs(precision) > 400:
        raise TooMuch("a number has at most 400 digits")
    return do_round(value, precision, method)


def _sum(context: Metered, iterable: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    _check_number(start)
    values = context.paced(iterable, _YIELDED + _reach(attribute))
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
    context.spend(16 * len(text) + 160 * lines + _longest_word(text) ** 2 // (64 * max(width, 1)))
    context.make(len(text) + lines * len(wrapstring or "\n"))
    function: Function = FILTERS["wordwrap"]
    wrapped: str = function(context.environment, s, width, break_long_words, wrapstring, break_on_hyphens)
    return wrapped
