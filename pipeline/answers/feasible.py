"""Checks and shapes that no answer can meet, found before anybody is asked.

It finds what is cheap to find, and does not say that the rest can be met. This module knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

LETTERS = 5  # characters of a token, generously
_BOUNDS = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    *((f"min{what}", f"max{what}") for what in ("Length", "Items", "Properties")),
)


def unmet_checks(checks: Mapping[str, Any], most_tokens: int | None) -> Iterator[str]:
    """Why no answer of at most so many tokens can pass these checks, by their options in the job file."""
    length, wanted = checks.get("length") or {}, checks.get("contains") or ()
    for text in checks.get("excludes") or ():
        if inside := next((one for one in wanted if text.casefold() in one.casefold()), None):
            yield f"an answer that contains '{inside}' also contains '{text}', which is excluded"
    in_words = length.get("unit") == "words"
    longest = max(wanted, key=len, default="")
    most = length.get("max")
    if most is not None and (len(longest.split()) if in_words else len(longest)) > most:
        yield f"'{longest}', which an answer must contain, is longer than length.max ({most})"
    least, room = length.get("min") or 0, (most_tokens or 0) * (1 if in_words else LETTERS)
    if most_tokens and least > room:
        yield f"an answer of {least:,} {length['unit']} (length.min) has no room in {most_tokens:,} tokens"


def unmet_schema(schema: Any, path: str = "") -> Iterator[str]:
    """Why no value can fit a JSON schema, with the path in it."""
    if not isinstance(schema, Mapping):
        return
    where = path or "the answer"
    for low, high in _BOUNDS:
        least, most = schema.get(low), schema.get(high)
        if isinstance(least, int | float) and isinstance(most, int | float) and least > most:
            yield f"{where}: {low} ({least}) is more than {high} ({most})"
    fields = schema.get("properties")
    fields = fields if isinstance(fields, Mapping) else {}
    required, closed = schema.get("required"), schema.get("additionalProperties") is False
    for name in required if isinstance(required, list) and closed else ():
        if name not in fields and not schema.get("patternProperties"):
            yield f"{where}: the required field '{name}' is not among its properties"
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(choices, list):
        others = {key: value for key, value in schema.items() if key in ("type", *sum(_BOUNDS, ()))}
        if not any(jsonschema_rs.is_valid(others, choice) for choice in choices):
            yield f"{where}: none of the values that are listed fits its type"
    for name, field in fields.items():
        yield from unmet_schema(field, f"{path}.{name}".lstrip("."))
    yield from unmet_schema(schema.get("items"), f"{path}[]")
