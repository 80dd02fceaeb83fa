"""Jinja's filters and tests, each paying for what it does before it does it.

What works in no time at all (`default`, `length`, `first`, `is defined`, …) stays as it is. Filters that
reach attributes (`attr`, `format`, `pprint`, `xmlattr`), and those that nobody has weighed, are left out.
This module does not know how much there is to be spent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jinja2.filters import FILTERS
from jinja2.tests import TESTS
from jinja2.utils import _PassArg, pass_context

from pipeline.templates.sandbox import operators, tree
from pipeline.templates.sandbox.allowance import MADE, STEP, Metered
from pipeline.templates.sandbox.growing import GROWING, YIELDED, check_number, longest_word, reach

Function = Callable[..., Any]
_FREE = ("abs", "count", "d", "default", "first", "items", "last", "length")
_PER_CHARACTER = {
    "capitalize": 2, "e": 2, "escape": 2, "filesizeformat": 1, "float": 8, "forceescape": 2, "int": 8,
    "lower": 2, "reverse": 2, "safe": 2, "string": 1, "striptags": 8, "title": 16, "truncate": 0,
    "upper": 2, "urlencode": 12, "urlize": 64, "wordcount": 8,
}  # fmt: skip
"""units for each character of what a filter is given"""
_PER_ITEM = {
    "groupby": 128, "list": 24, "map": 160, "max": 20, "min": 20, "reject": 160, "rejectattr": 160,
    "select": 160, "selectattr": 160, "slice": 24, "sort": 128, "unique": 32,
}  # fmt: skip
"""units for each item that a filter takes"""
_COMPARED = {"groupby": 16, "sort": 16}
"""how often an item is read besides"""
_TESTED = (
    "!=", "<", "<=", "==", ">", ">=", "eq", "equalto", "ge", "greaterthan", "gt", "in", "le", "lessthan",
    "lower", "lt", "ne", "upper",
)  # fmt: skip
_NUMERIC = ("divisibleby", "even", "odd")
_LONGEST_NUMBER = 10_000


def paying_filters() -> dict[str, Function]:
    """The filters there are, by name."""
    filters: dict[str, Function] = {name: FILTERS[name] for name in _FREE}
    filters |= {name: _text(FILTERS[name], units) for name, units in _PER_CHARACTER.items()}
    filters |= {name: _iterating(FILTERS[name], name) for name in _PER_ITEM}
    filters["truncate"] = _copying(filters["truncate"])
    filters |= {"int": _short(filters["int"]), "urlize": _worded(filters["urlize"])}
    filters |= {name: pass_context(function) for name, function in GROWING.items()}
    filters |= {tree.PAID: pass_context(_paid), tree.SCANNED: pass_context(_scanned)}
    filters[tree.COPIED] = pass_context(_copied)
    filters[tree.JOINED] = pass_context(operators.joined)
    return filters


def paying_tests() -> dict[str, Function]:
    """The tests there are, by name."""
    tests: dict[str, Any] = {**TESTS}
    tests |= {name: _scanning(tests[name]) for name in _TESTED}
    return tests | {name: _numeric(tests[name]) for name in _NUMERIC}


def _paid(context: Metered, value: Any, units: int) -> Any:
    context.spend(units)
    return value


def _scanned(context: Metered, value: Any) -> Any:
    context.scan(value)
    return value


def _copied(context: Metered, value: Any) -> Any:
    """What is a copy, already made, of something that was there."""
    if isinstance(value, str | bytes):
        context.spend(MADE * len(value))
    else:
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
    adapted, per_item, factor = _adapted(function), _PER_ITEM[name], _COMPARED.get(name, 0)

    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        weight = per_item + sum(map(reach, (*args, *kwargs.values())))
        result = adapted(context, context.paced(value, weight, factor), *args, **kwargs)
        return context.paced(result, YIELDED) if isinstance(result, Iterator) else result

    return paying


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
            check_number(one)
        return function(value, *args)

    return checked


def _short(function: Function) -> Function:
    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
            value = ""  # no number is that long: what is returned is what stands for none
        return function(context, value, *args, **kwargs)

    return paying


def _copying(function: Function) -> Function:
    """A filter that reads little of its text, and copies what it gives."""
    return pass_context(lambda context, *args, **kwargs: _copied(context, function(context, *args, **kwargs)))


def _worded(function: Function) -> Function:
    """A filter that takes, for each word, the square of its length."""

    @pass_context
    def paying(context: Metered, value: Any, *args: Any, **kwargs: Any) -> Any:
        context.scan(value)
        context.spend(longest_word(str(value)) ** 2)
        return function(context, value, *args, **kwargs)

    return paying
