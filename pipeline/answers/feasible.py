"""Checks and shapes that no answer can meet, found before anybody is asked.

It finds what is cheap to find, and does not say that the rest can be met. This module knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from pipeline.job.fields import is_template
from pipeline.text.counting import count
from pipeline.text.plain import plain
from pipeline.text.prose.phrases import has_words

LETTERS = 5  # characters of a token, generously
_IN_A_TOKEN = {"words": 1, "sentences": 1, "han": 3}
"""how many of a unit a token can be, where it is not so many characters"""
_BOUNDS = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    *((f"min{what}", f"max{what}") for what in ("Length", "Items", "Properties")),
)


def unmet_checks(checks: Mapping[str, Any], most_tokens: int | None) -> Iterator[str]:
    """Why no answer of at most so many tokens can pass these checks, by their options in the job file."""
    for name, inner in checks.items():
        if "." in name:
            yield from unmet_checks(inner, most_tokens)
    wanted = checks.get("contains") or ()
    wanted = [
        text for text in (wanted.get("all", ()) if isinstance(wanted, Mapping) else wanted) if _fixed(text)
    ]
    for text in filter(_fixed, checks.get("excludes") or ()):
        if inside := next((one for one in wanted if has_words(one, text)), None):
            yield f"an answer that contains '{inside}' also contains '{text}', which is excluded"
    yield from _unmet_length(checks.get("length") or {}, max(wanted, key=len, default=""), most_tokens)


def _unmet_length(length: Mapping[str, Any], longest: str, most_tokens: int | None) -> Iterator[str]:
    unit, most, target = (length.get(name) for name in ("unit", "max", "target"))
    if not _fixed(unit):
        return
    if isinstance(most, int) and count(plain(longest), str(unit)) > most:
        yield f"'{longest}', which an answer must contain, is longer than length.max ({most})"
    within = length.get("within")
    near = int(target * (1 - within)) if isinstance(target, int) and isinstance(within, float | int) else 0
    least = length["min"] if isinstance(length.get("min"), int) else near
    room = (most_tokens or 0) * _IN_A_TOKEN.get(str(unit), LETTERS)
    if most_tokens and least > room:
        key = "target" if near else "min"
        yield f"an answer of {least:,} {unit} (length.{key}) has no room in {most_tokens:,} tokens"


def _fixed(value: object) -> bool:
    """Whether a value is the same for all rows."""
    return value is not None and not is_template(value)


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
