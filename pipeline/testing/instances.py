"""A JSON schema -> a small value that is valid under it.

Strings without bounds carry the given text, so that an answer can be told from its neighbours; only what
is required is filled in. `not`, `if` and `dependent…` are not obeyed, and foreign references not followed.
This module does not know requests or replies.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any, TypeAlias

from pipeline.testing.patterns import matching

Schema: TypeAlias = dict[str, Any]
_DEPTHS = (6, 12, 24, 48)
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/",
    "iri": "https://example.com/",
    "iri-reference": "/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "",
    "regex": "a",
}
_TYPE_BY_KEY = {
    "properties": "object",
    "required": "object",
    "minProperties": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "contains": "array",
    "minItems": "array",
    "minimum": "number",
    "exclusiveMinimum": "number",
    "maximum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}


class Impossible(ValueError):
    """No value was found for the schema."""


def instance(schema: Schema | bool, text: str) -> Any:
    """A value valid under `schema`, as shallow as can be found; `Impossible` where none is found."""
    reason = Impossible("the schema allows nothing")
    for depth in _DEPTHS:
        try:
            return _Builder(schema, text).build(schema, depth)
        except Impossible as problem:
            reason = problem
        except (TypeError, AttributeError, KeyError, IndexError):
            raise Impossible("this is no JSON schema") from None
    raise reason


class _Builder:
    """One search. `nth` asks for the n-th different value, for arrays of unique items."""

    def __init__(self, root: Schema | bool, text: str) -> None:
        self._root = root
        self._text = text

    def build(self, schema: Schema | bool, depth: int, nth: int = 0) -> Any:
        if depth < 0:
            raise Impossible("the schema is too deep")
        schema = self._flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            if not schema["enum"]:
                raise Impossible("an enum is empty")
            return schema["enum"][nth % len(schema["enum"])]
        for word in ("anyOf", "oneOf"):
            if word in schema:
                rest = {key: value for key, value in schema.items() if key != word}
                return self._any(rest, schema[word], depth, nth)
        return self._typed(schema, depth, nth)

    def _flat(self, schema: Schema | bool, depth: int) -> Schema:
        """The schema without references and `allOf`."""
        if schema is False:
            raise Impossible("the schema allows nothing")
        if schema is True:
            return {}
        if not isinstance(schema, dict):
            raise Impossible(f"a schema is an object, not {type(schema).__name__}")
        if depth < 0:
            raise Impossible("the schema is too deep")
        parts: list[Schema | bool] = list(schema.get("allOf", ()))
        if "$ref" in schema:
            parts.append(self._referred(schema["$ref"]))
        own = {key: value for key, value in schema.items() if key not in ("allOf", "$ref")}
        for part in parts:
            own = merged(own, self._flat(part, depth - 1))
        return own

    def _referred(self, reference: str) -> Schema | bool:
        if not reference.startswith("#"):
            raise Impossible(f"the reference {reference!r} leads out of the schema")
        spot: Any = self._root
        for name in reference.removeprefix("#").split("/")[1:]:
            name = name.replace("~1", "/").replace("~0", "~")
            try:
                spot = spot[int(name)] if isinstance(spot, list) else spot[name]
            except (KeyError, IndexError, ValueError, TypeError):
                raise Impossible(f"the reference {reference!r} leads nowhere") from None
        found: Schema | bool = spot
        return found

    def _any(self, rest: Schema, branches: list[Schema | bool], depth: int, nth: int) -> Any:
        reason = Impossible("anyOf is empty")
        for branch in branches:
            try:
                return self.build(merged(rest, self._flat(branch, depth)), depth - 1, nth)
            except Impossible as error:
                reason = error
        raise reason

    def _typed(self, schema: Schema, depth: int, nth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._any({**schema, "type": None}, [{"type": one} for one in kind], depth, nth)
        if kind is None:
            kind = next((of for key, of in _TYPE_BY_KEY.items() if key in schema), "string")
        match kind:
            case "object":
                return self._object(schema, depth, nth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return number(schema, whole=kind == "integer", nth=nth)
            case "boolean":
                return nth % 2 == 1
            case "null":
                return None
            case "string":
                return self._string(schema, nth)
        raise Impossible(f"unknown type {kind!r}")

    def _object(self, schema: Schema, depth: int, nth: int) -> dict[str, Any]:
        properties: Schema = schema.get("properties", {})
        other: Schema | bool = schema.get("additionalProperties", True)
        names = list(dict.fromkeys(schema.get("required", ())))
        spare = [name for name in properties if name not in names]
        spare += [] if other is False else [f"key{i}" for i in range(schema.get("minProperties", 0))]
        names += spare[: max(0, schema.get("minProperties", 0) - len(names))]
        return {name: self.build(properties.get(name, other), depth - 1, nth) for name in names}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        first: list[Schema | bool] = schema.get("prefixItems", [])
        items: Schema | bool = schema.get("items", True)
        contains = schema.get("contains")
        must = schema.get("minContains", 1) if contains is not None else 0
        count = max(schema.get("minItems", 0), must)
        kinds = [first[i] if i < len(first) else items for i in range(count)]
        for i in range(len(kinds) - must, len(kinds)):
            kinds[i] = {"allOf": [kinds[i], contains]}
        return [self.build(kind, depth - 1, i) for i, kind in enumerate(kinds)]

    def _string(self, schema: Schema, nth: int) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            text = matching(schema["pattern"], least)
        elif schema.get("format") in _FORMATS:
            text = _FORMATS[schema["format"]]
        else:
            text = (f"{nth + 1} {self._text}" if nth else self._text).ljust(least, "x")[:most]
        if most is not None and len(text) > most:
            raise Impossible("no text is short enough")
        return text


def number(schema: Schema, *, whole: bool, nth: int = 0) -> int | float:
    """The number nearest above 0, or else above the lower bound, that the bounds and `multipleOf` allow."""
    step = _fraction(schema.get("multipleOf"))
    if whole:
        step = step * (step.denominator) if step else Fraction(1)
    lows = [(_fraction(schema.get("minimum")), False), (_fraction(schema.get("exclusiveMinimum")), True)]
    highs = [(_fraction(schema.get("maximum")), False), (_fraction(schema.get("exclusiveMaximum")), True)]
    low = max(((bound, open_) for bound, open_ in lows if bound is not None), default=None)
    high = min(((bound, not open_) for bound, open_ in highs if bound is not None), default=None)
    found = _between(low, high, step) + nth * (step or 1)
    if not _inside(found, low, high):
        raise Impossible("no number lies within the bounds")
    return int(found) if found.denominator == 1 else float(found)


def _between(
    low: tuple[Fraction, bool] | None, high: tuple[Fraction, bool] | None, step: Fraction | None
) -> Fraction:
    if _inside(Fraction(0), low, high):
        return Fraction(0)
    if low is None:
        assert high is not None  # noqa: S101 - 0 lies outside, so there is a bound
        return _below(high[0], not high[1], step)
    if step:
        steps = floor(low[0] / step) + 1 if low[1] else ceil(low[0] / step)
        return steps * step
    if not low[1]:
        return low[0]
    return (low[0] + high[0]) / 2 if high is not None else low[0] + 1


def _below(bound: Fraction, strictly: bool, step: Fraction | None) -> Fraction:
    if step:
        return (ceil(bound / step) - 1 if strictly else floor(bound / step)) * step
    return bound - 1 if strictly else bound


def _inside(value: Fraction, low: tuple[Fraction, bool] | None, high: tuple[Fraction, bool] | None) -> bool:
    above = low is None or (value > low[0] if low[1] else value >= low[0])
    below = high is None or (value <= high[0] if high[1] else value < high[0])
    return above and below


def _fraction(value: Any) -> Fraction | None:
    return None if value is None or isinstance(value, bool) else Fraction(str(value))


def merged(one: Schema, other: Schema) -> Schema:
    """A schema that asks for both."""
    result = {**one, **{key: value for key, value in other.items() if one.get(key) is None}}
    for key in one.keys() & other.keys():
        result[key] = _met(key, one[key], other[key])
    return result


def _met(key: str, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one if other is None else other
    if key == "properties":
        both = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
        return {**one, **other, **both}
    if key == "required":
        return [*one, *(name for name in other if name not in one)]
    if key in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"):
        return max(one, other)
    if key in ("maximum", "exclusiveMaximum", "maxLength", "maxItems"):
        return min(one, other)
    if key == "enum":
        return [value for value in one if value in other]
    if key == "type":
        return _type_met(one, other)
    if key == "items":
        return {"allOf": [one, other]}
    return other


def _type_met(one: Any, other: Any) -> Any:
    ones = one if isinstance(one, list) else [one]
    others = other if isinstance(other, list) else [other]
    if "number" in ones and "integer" in others:
        ones = [*ones, "integer"]
    if "number" in others and "integer" in ones:
        others = [*others, "integer"]
    common = [kind for kind in ones if kind in others]
    if not common:
        raise Impossible(f"nothing is both {one} and {other}")
    return common[0] if len(common) == 1 else common
