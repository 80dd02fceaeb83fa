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

from pipeline.answers.shapes import json_text
from pipeline.answers.shapes.references import inlined
from pipeline.text.strict_json import Twice

TYPES = ("string", "integer", "number", "boolean")
_ALL_TYPES = (*TYPES, "array", "object", "null")
_NO_TARGET = re.compile(r"(?:Pointer|Anchor) '(.*)' does not exist")
_NOTHING_FETCHED = re.compile(r"^.*?(nothing is fetched; )")
_MOST_COMPLAINTS = 3
_FULL = frozenset(("$schema", "$ref", "$defs"))  # keys that only a full schema has


def schema_of(shape: Any) -> dict[str, Any]:
    """JSON Schema of a shape; `ValueError` with a sentence where it is no valid shape."""
    if not isinstance(shape, dict) or not shape:
        raise ValueError(
            "a JSON answer is a mapping of field names to types, or a full JSON schema; "
            "for example {title: string}"
        )
    full = not _FULL.isdisjoint(shape) or ("type" in shape and ("properties" in shape or "items" in shape))
    schema = shape if full else _expanded(shape, "")
    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise ValueError(f"not a valid JSON schema: {_schema_words(error)}") from None
    return schema


def _schema_words(error: Exception) -> str:
    """What is wrong with a schema, without the validator's words."""
    said = str(error).splitlines()[0]
    if lost := _NO_TARGET.match(said):
        return f"a $ref names '{lost[1]}', which is not in the schema; the shared parts stand under $defs"
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
        closed = {"required": list(fields), "additionalProperties": False}
        return {"type": "object", "properties": fields, **closed}
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

    @cached_property
    def plain(self) -> Mapping[str, Any]:
        """The schema without references, for the columns of the result."""
        return inlined(self.schema)

    @property
    def fields(self) -> Mapping[str, Any] | None:
        """The schemas of the answer's fields, in order; None unless it is an object with fixed fields."""
        fields = self.plain.get("properties")
        closed = self.plain.get("type") == "object" and not self.plain.get("additionalProperties")
        return fields if closed and fields else None

    @cached_property
    def _dtype(self) -> Any:
        from pipeline.core.dtypes import dtype_of  # polars is imported only where answers are read

        return dtype_of(self.plain)

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

    def invalid(self, value: Any) -> str:
        """What the schema finds wrong with a value; '' for nothing."""
        try:
            errors = list(islice(self._validator.iter_errors(value), _MOST_COMPLAINTS))
        except (ValueError, RecursionError) as error:  # too deep, or no Unicode: the validator cannot take it
            return type(error).__name__ if isinstance(error, UnicodeError) else str(error)
        return "; ".join(map(_complaint, errors))

    def _wrapped(self, text: str) -> list[Any]:
        """The one value in a text that fits, where nothing else in it could be meant; else nothing."""
        try:
            values = json_text.inside(text)
            fitting = [value for value in values if not (self.invalid(value) or self._misfit(value))]
            kind = type(fitting[0]) if fitting else None
            meant = {
                json.dumps(value, sort_keys=True)
                for value in values
                if type(value) is kind and (value or value in fitting)
            }
        except (ValueError, RecursionError):
            return []
        return fitting[:1] if len(meant) == 1 else []

    def read(self, text: str) -> tuple[Any, str]:
        """(value, '') of an answer that fits, or (None, complaint in the second person)."""
        try:
            value = json_text.parsed(text)
        except ValueError as error:
            found = () if isinstance(error, Twice) else self._wrapped(text)
            if found:
                return found[0], ""
            return None, f"Your answer is not JSON ({error}). Answer again, with the JSON alone."
        misfit = self.invalid(value) or self._misfit(value)
        if misfit:
            return None, f"Your JSON does not fit: {misfit}. Answer again, with the whole JSON corrected."
        return value, ""


def _complaint(error: Any) -> str:
    path = ".".join(str(part) for part in error.instance_path)
    message = str(error.message)
    message = message if len(message) < 200 else message[:199] + "…"
    return f"at {path}: {message}" if path else message
