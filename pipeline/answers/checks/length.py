"""Whether an answer is long enough and short enough, in characters or words."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.answers.written import Written
from pipeline.job.fields import Count, Settings, is_template


class Options(Settings):
    """At least one bound."""

    min: Count | None = Field(None, description="the fewest")
    max: Count | None = Field(None, description="the most")
    unit: Literal["characters", "words"] = Field("characters", description="what is counted")

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        known = not (is_template(self.min) or is_template(self.max))
        if known and self.min is not None and self.max is not None and self.min > self.max:
            bounds = f"min ({self.min}) is more than max ({self.max})"
            raise ValueError(f"{bounds}: no answer could pass; swap them")
        return self


def complaint(written: Written, options: Options) -> str | None:
    """What is wrong with the answer, said to the model."""
    length = len(written.text) if options.unit == "characters" else len(written.text.split())
    has = f"Your answer has {length} {options.unit}"
    if options.max is not None and length > options.max:
        return f"{has}; it may have at most {options.max}. Write it shorter."
    if options.min is not None and length < options.min:
        return f"{has}; it needs at least {options.min}. Write it longer."
    return None
