"""A JSON schema -> a small value that is valid under it.

Obeyed are types, `enum`, `const`, `properties`, `required`, `items`, `anyOf`, references into the schema, and
the bounds of numbers, texts and lists. Only what is required is filled in. A text without bounds is the given
text, so that an answer can be told from its neighbours. This module does not know requests or replies.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor
from typing import Any, TypeAlias

import jsonschema_rs
import orjson

Schema: TypeAlias = dict[str, Any]
_DEPTHS = (6, 12, 24)
_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_TYPE_BY_KEY = {
    "properties": "object",
    "required": "object",
    "items": "array",
    "minItems": "array",
    **dict.fromkeys(_BOUNDS, "number"),
    "multipleOf": "number",
}


class Impossible(ValueError):
    """No value was found for the schema."""


def instance(schema: Schema | bool, text: str) -> Any:
    """A value valid under `schema`, as shallow as can be found; `Impossible` where none is found."""
    why = "it allows nothing"
    for depth in _DEPTHS:
        try:
            value = _Builder(schema, text).build(schema, depth)
            _validator(orjson.dumps(schema)).validate(value)
        except jsonschema_rs.ValidationError as error:
            why = error.message
        except (TypeError, AttributeError, LookupError, ValueError, ArithmeticError) as error:
            why = str(error) or type(error).__name__
        else:
            return value
    said = "the scripted model finds no value for this JSON schema"
    raise Impossible(f"{said} ({why[:200]}): give its answer as a text, with 'answer'")


@lru_cache(64)
def _validator(schema: bytes) -> Any:
    return jsonschema_rs.validator_for(orjson.loads(schema), retriever=_no_reference)


def _no_reference(uri: str) -> Any:
    raise ValueError(f"the reference {uri!r} leads out of the schema")


class _Builder:
    """One search. `nth` asks for the n-th different value, for lists of unique items."""

    def __init__(self, root: Schema | bool, text: str) -> None:
        self._root, self._text = root, text

    def build(self, schema: Schema | bool, depth: int, nth: int = 0) -> Any:
        if depth < 0:
            raise Impossible("it is too deep")
        schema = {} if schema is True else schema
        if not isinstance(schema, dict):
            raise Impossible("it allows nothing")
        if "$ref" in schema:
            return self.build(self._referred(schema["$ref"]), depth - 1, nth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][nth % len(schema["enum"])]
        branches = schema.get("anyOf", schema.get("oneOf"))
        if branches:
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            return self._any([{**rest, **branch} for branch in branches], depth - 1, nth)
        kind = schema.get("type") or next((of for key, of in _TYPE_BY_KEY.items() if key in schema), "string")
        if isinstance(kind, list):
            return self._any([{**schema, "type": one} for one in kind], depth, nth)
        return self._typed(kind, schema, depth, nth)

    def _referred(self, reference: str) -> Any:
        if not reference.startswith("#"):
            _no_reference(reference)
        spot: Any = self._root
        for name in reference.split("/")[1:]:
            spot = spot[int(name)] if isinstance(spot, list) else spot[name]
        return spot

    def _any(self, branches: list[Schema], depth: int, nth: int) -> Any:
        why: Exception = Impossible("it allows nothing")
        for branch in branches:
            try:
                return self.build(branch, depth, nth)
            except Impossible as error:
                why = error
        raise why

    def _typed(self, kind: str, schema: Schema, depth: int, nth: int) -> Any:
        match kind:
            case "object":
                fields, others = schema.get("properties", {}), schema.get("additionalProperties", True)
                names = schema.get("required", ())
                return {name: self.build(fields.get(name, others), depth - 1, nth) for name in names}
            case "array":
                items, count = schema.get("items", True), schema.get("minItems", 0)
                return [self.build(items, depth - 1, i) for i in range(count)]
            case "string":
                text = f"{nth + 1} {self._text}" if nth else self._text
                return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
            case "integer" | "number":
                return _number(schema, kind == "integer", nth)
        return nth % 2 == 1 if kind == "boolean" else None


def _number(schema: Schema, whole: bool, nth: int) -> float:
    """The number 0, or else one next to the bounds, that they and `multipleOf` allow."""
    validator = _validator(orjson.dumps({**schema, "type": "integer" if whole else "number"}))
    bounds = [schema[key] for key in _BOUNDS if key in schema]
    step = schema.get("multipleOf") or (1 if whole else 0)
    if step:
        bounds = [step * round_(bound / step) for bound in bounds for round_ in (floor, ceil)]
    near = [*bounds, *(bound + more for bound in bounds for more in (step or 1, -(step or 1)))]
    for value in (0, *near, sum(bounds) / max(len(bounds), 1)):
        other: float = value + nth * (step or 1)
        if validator.is_valid(other):
            return other
    raise Impossible("no number lies within the bounds")
