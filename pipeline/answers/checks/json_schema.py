"""Whether the JSON in an answer, or the value of a field, fits a full JSON schema.

Nothing is fetched for it. A text must be JSON, alone or in a fence, unless the schema is that of a string.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import RootModel, field_validator

from pipeline.answers.shapes import json_text
from pipeline.answers.shapes.shape import Shape, schema_of
from pipeline.answers.written import Written


class Options(RootModel[dict[str, Any]]):
    """A JSON schema, or the short form that a step's `answer` has: {title: string, tags: [string]}."""

    @field_validator("root")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any]) -> dict[str, Any]:
        schema_of(schema)
        return schema

    @cached_property
    def shape(self) -> Shape:
        """The schema with its validator."""
        return Shape(schema_of(self.root))


def complaint(written: Written, options: Options) -> str | None:
    value = written.value
    if isinstance(value, str) and options.shape.schema.get("type") != "string":
        try:
            value = json_text.parsed(value)
        except ValueError as error:
            return f"Your answer is not JSON ({error}). Answer again, with the JSON alone."
    wrong = options.shape.invalid(value)
    return (
        f"Your answer does not fit: {wrong}. Answer again, with the whole JSON corrected." if wrong else None
    )
