"""Whether an answer is shorter than the text that it comes from: a summary, a headline."""

from __future__ import annotations

from pydantic import Field

from pipeline.answers.written import Written
from pipeline.job.fields import Settings, Share, Template, UnitName
from pipeline.text.counting import count, named
from pipeline.text.plain import plain


class Options(Settings):
    """The source, and how much of its length is allowed."""

    source: Template = Field(description='a template for the text that it comes from: "{{ article }}"')
    share: Share = Field(1.0, description="the most that the answer may have of the length of the source")
    unit: UnitName = Field("characters", description="what is counted, as for `length`")


def complaint(written: Written, options: Options) -> str | None:
    length = count(plain(written.text), options.unit)
    most = int(count(plain(options.source), options.unit) * options.share + 1e-9)
    if length <= most:
        return None
    name = named(options.unit)
    has = f"Your answer has {length} {name}; with the length of its source it may have at most {most}"
    return f"{has}. Shorten it by about {length - most + most // 20} {name}."
