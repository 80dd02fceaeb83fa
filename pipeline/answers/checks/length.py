"""Whether an answer is long enough and short enough, in one of seven units.

The length is that of the text as it is read: markup, front matter and addresses do not count, but for
`x_weighted`, which counts a post as X does.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Self

from pydantic import Field, model_validator

from pipeline.answers.written import Written
from pipeline.job.fields import Count, Settings, Share, UnitName, is_template
from pipeline.text.counting import count, named
from pipeline.text.plain import plain


class Options(Settings):
    """At least one bound, or a target."""

    one_of = ("min", "max", "target")

    min: Count | None = Field(None, description="the fewest")
    max: Count | None = Field(None, description="the most")
    target: Count | None = Field(None, description="about how many, instead of `min` and `max`")
    within: Share = Field(0.1, description="how far from `target` it may be, as a share of it")
    unit: UnitName = Field(
        "characters",
        description="what is counted: `characters` (code points), `nonspace` (without spaces), `han` "
        "(Chinese characters alone, no punctuation), `words` (as Word does: what stands between spaces is "
        "one, each Chinese or Japanese character and full-width sign is one), `graphemes` (characters "
        "as a reader sees them: an emoji is one), `sentences`, `x_weighted` (a post at X)",
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.target is not None and (self.min is not None or self.max is not None):
            raise ValueError("`target` stands for `min` and `max`; leave them out, or leave `target` out")
        for name, value in (("max", self.max), ("target", self.target)):
            if value == 0:
                raise ValueError(f"{name} must be at least 1; no answer could pass")
        known = not (is_template(self.min) or is_template(self.max))
        if known and self.min is not None and self.max is not None and self.min > self.max:
            bounds = f"min ({self.min}) is more than max ({self.max})"
            raise ValueError(f"{bounds}: no answer could pass; swap them")
        return self


def bounds(options: Options) -> tuple[int | None, int | None]:
    """The fewest and the most."""
    if options.target is None:
        return options.min, options.max
    least, most = options.target * (1 - options.within), options.target * (1 + options.within)
    return ceil(least - 1e-9), floor(most + 1e-9)


def complaint(written: Written, options: Options) -> str | None:
    text = written.text if options.unit == "x_weighted" else plain(written.text)
    length = count(text, options.unit)
    least, most = bounds(options)
    name = named(options.unit)
    has = f"Your answer has {length} {name}"
    if most is not None and length > most:
        over = length - (options.target or max(least or 0, most - most // 20))
        return f"{has}; it may have at most {most}. Shorten it by about {over} {name}."
    if least is not None and length < least:
        missing = (options.target or min(most or 10**9, least + least // 20)) - length
        return f"{has}; it needs at least {least}. Expand it by about {missing} {name}."
    return None
