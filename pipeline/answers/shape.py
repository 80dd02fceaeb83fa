"""The shape of a JSON answer, as a user writes it -> JSON Schema; and a reader that checks answers by it.

`{title: string, tags: [string], author: {name: string}}` is short for a strict schema with all fields
required. A mapping with `type` and `properties`, or with `$schema`, is a full schema already.
This module does not know prompts or tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

TYPES = ("string", "integer", "number", "boolean")
_FENCE = re.compile(r"\A```(?:json)?[^\S\n]*\n(.*?)\n?```\Z", re.DOTALL)
_ALL_TYPES = (*TYPES, "array", "object", "null")
_NOTHING_FETCHED = re.compile(r"^.*?(nothing is fetched; )")
_MEMBER = re.compile(r'"\s*:')
_MOST_COMPLAINTS = 3


def schema_of(shape: Any) -> dict[str, Any]:
    """JSON Schema of a shape; `ValueError` with a sentence where it is no valid shape."""
    if not isinstance(shape, dict) or not shape:
        raise ValueError(
            "a JSON answer is a mapping of field names to types, or a full JSON schema; "
            "for example {title: string}"
        )
    full = "$schema" in shape or ("type" in shape and ("properties" in shape or "items" in shape))
    schema = shape if full else _expanded(shape, "")
    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise ValueError(f"not a valid JSON schema: {_schema_words(error)}") from None
    return schema


def _schema_words(error: Exception) -> str:
    """What is wrong with a schema, without the validator's words."""
    said = str(error).splitlines()[0]
    if isinstance(error, jsonschema_rs.ValidationError) and not _NOTHING_FETCHED.match(said):
        path = ".".join(map(str, error.instance_path)) or "the whole"
        shown = json.dumps(error.instance, default=str)[:80]
        return f"{path}: {shown} is not allowed there; the types are {', '.join(_ALL_TYPES)}"
    return _NOTHING_FETCHED.sub(r"\1", said)


def _no_reference(uri: str) -> Any:
    raise ValueError(f"nothing is fetched; put what '{uri}' names into the schema, under $defs")


def _validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for(schema, retriever=_no_reference)


def _expanded(shape: Any, path: str) -> dict[str, Any]:
    if isinstance(shape, dict) and shape:
        fields = {str(name): _expanded(value, f"{path}.{name}".lstrip(".")) for name, value in shape.items()}
        return {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }
    if isinstance(shape, list) and len(shape) == 1:
        return {"type": "array", "items": _expanded(shape[0], f"{path}[]")}
    if isinstance(shape, str) and shape in TYPES:
        return {"type": shape}
    known = ", ".join(TYPES)
    shown = f"'{shape}'" if isinstance(shape, str) else json.dumps(shape, default=str)[:80]
    raise ValueError(f"{shown} at {path} is not a type; write {known}, [type] or a mapping of fields")


class Shape:
    """A JSON Schema with its reader."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    @cached_property
    def _validator(self) -> Any:
        return _validator(self.schema)

    @property
    def fields(self) -> Mapping[str, Any] | None:
        """The schemas of the answer's fields, in order; None unless it is an object with fixed fields."""
        fields = self.schema.get("properties")
        closed = self.schema.get("type") == "object" and not self.schema.get("additionalProperties")
        return fields if closed and fields else None

    @cached_property
    def _dtype(self) -> Any:
        from pipeline.core.dtypes import dtype_of  # polars is imported only where answers are read

        return dtype_of(self.schema)

    def _misfit(self, value: Any) -> str:
        """Why a valid value does not fit into the result's columns; '' where it does."""
        from pipeline.core.dtypes import value_of

        try:
            value_of(value, self._dtype)
        except ValueError as error:
            return str(error)
        except RecursionError:
            return "it is nested too deeply"
        return ""

    def _invalid(self, value: Any) -> str:
        """What the schema finds wrong with a value; '' for nothing."""
        try:
            errors = list(islice(self._validator.iter_errors(value), _MOST_COMPLAINTS))
        except (ValueError, RecursionError) as error:  # too deep, or no Unicode: the validator cannot take it
            return type(error).__name__ if isinstance(error, UnicodeError) else str(error)
        return "; ".join(map(_complaint, errors))

    def read(self, text: str) -> tuple[Any, str]:
        """(value, '') of an answer that fits, or (None, complaint in the second person)."""
        try:
            value = _parsed(text)
        except ValueError as error:
            return None, f"Your answer is not JSON ({error}). Answer again, with the JSON alone."
        misfit = self._invalid(value) or self._misfit(value)
        if misfit:
            return None, f"Your JSON does not fit: {misfit}. Answer again, with the whole JSON corrected."
        return value, ""


def bare(text: str) -> str:
    """An answer without the fence that some models put around JSON."""
    fenced = _FENCE.match(text.strip())
    return fenced.group(1) if fenced else text


def _parsed(text: str) -> Any:
    text = bare(text)
    try:
        value = orjson.loads(text)
    except ValueError as strict:
        try:
            return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_distinct)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        except _Twice:
            raise
        except ValueError:
            raise strict from None
    if len(_MEMBER.findall(text)) != _members(value):  # rare: a text that has quotes and colons in it
        json.loads(text, object_pairs_hook=_distinct)
    return value


class _Twice(ValueError):
    """A key stands twice in one object, so it is not known which of its values is meant."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise _Twice(f"the key '{twice[:80]}' stands twice in one object")
    return found


def _members(value: Any) -> int:
    """How many members all objects of a value have together."""
    count, stack = 0, [value]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            count += len(part)
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return count


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _complaint(error: Any) -> str:
    path = ".".join(str(part) for part in error.instance_path)
    message = str(error.message)
    message = message if len(message) < 200 else message[:199] + "…"
    return f"at {path}: {message}" if path else message
