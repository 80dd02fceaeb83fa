"""A JSON Schema without its references, so that each field's type stands in its own place.

The schema itself is sent and checked as it was written; only the types of the result's columns are read here.
A schema that contains itself, or grows too large, becomes open at that place: its column holds JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST, _DEEPEST = 5_000, 50
"""schemas in a schema after all references are replaced, and references within references"""
_DEFINED = ("$defs", "definitions")


def inlined(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with each `$ref` into itself, and each `allOf` of one, replaced by what it means."""
    return _Inlining(schema).plain(schema, ()) if _refers(schema) else schema


class _Inlining:
    """One schema whose references are replaced."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST

    def plain(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> Mapping[str, Any]:
        """A part of the schema, reached through these references."""
        self._left -= 1
        if self._left < 0 or len(within) > _DEEPEST:
            return {}
        only = schema.get("allOf")
        if isinstance(only, list) and len(only) == 1 and isinstance(only[0], Mapping):
            schema = {**only[0], **{name: value for name, value in schema.items() if name != "allOf"}}
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            parts = ((name, value) for name, value in schema.items() if name not in _DEFINED)
            return {name: self._part(name, value, within) for name, value in parts}
        target = _target(self._root, reference)
        if target is None or reference in within:
            return {}
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        return self.plain({**target, **beside}, (*within, reference))

    def _part(self, name: str, value: Any, within: tuple[str, ...]) -> Any:
        if isinstance(value, list):
            return [self._part("", item, within) for item in value]
        if not isinstance(value, Mapping):
            return value
        if name == "properties":  # a field may have any name
            return {field: self._part("", part, within) for field, part in value.items()}
        return self.plain(value, within)


def _refers(schema: Any) -> bool:
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            if "$ref" in part or "allOf" in part:
                return True
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return False


def _target(schema: Mapping[str, Any], reference: str) -> Mapping[str, Any] | None:
    """What a reference such as `#/$defs/tea` names; None where it is not in the schema."""
    found: Any = schema
    if not reference.startswith("#"):
        return None
    for name in filter(None, reference[1:].split("/")):
        name = name.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None
