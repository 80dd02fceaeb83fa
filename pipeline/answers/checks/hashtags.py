"""Whether an answer has the right number of hashtags, in the right place, each of them one that works.

A hashtag is # and letters, digits or _; figures alone (#1) are none, as at the platforms. Titles, code and
addresses are not looked at.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.answers.written import Written
from pipeline.job.fields import Count, Settings, is_template
from pipeline.text.plain import plain

TAG = re.compile(r"[#＃](?<![\w&/#＃.].)(\w*[^\W\d_]\w*)")
_SPACED = re.compile(
    r"(?<=#)\w+[ \t]+([#＃][ \t]+[^\W\d_]\w*)|(?<!\S)([#＃][ \t]+[^\W\d_]\w*)(?=[ \t]+[#＃]\w)"
)
"""beside another hashtag: elsewhere it is the sign itself"""
_ALONE = re.compile(r"(?:[#＃]\w+|[^\w#＃])+")


class Options(Settings):
    """How many, and where; `hashtags: true` looks only at each of them."""

    min: Count | None = Field(None, description="the fewest")
    max: Count | None = Field(None, description="the most")
    place: Literal["anywhere", "start", "end"] = Field("anywhere", description="where all of them must stand")
    own_line: bool = Field(False, description="whether they must stand on lines of their own")

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        known = not (is_template(self.min) or is_template(self.max))
        if known and self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"min ({self.min}) is more than max ({self.max}): no answer could pass; swap them"
            )
        return self


def complaint(written: Written, options: Options) -> str | None:
    text = plain(written.text, code=False)
    tags = TAG.findall(text) if "#" in text or "＃" in text else []
    if options.max is not None and len(tags) > options.max:
        return f"Your answer has {len(tags)} hashtags. Use at most {options.max} hashtags."
    if options.min is not None and len(tags) < options.min:
        return f"Your answer has {len(tags)} hashtags. Use at least {options.min} hashtags."
    if not tags:
        return None
    seen = set[str]()
    for tag in map(str.casefold, tags):
        if tag in seen:
            return f"Your answer has the hashtag #{tag} twice. Use each hashtag once."
        seen.add(tag)
    if ("# " in text or "＃ " in text) and (spaced := _SPACED.search(text)):
        return f'Your answer has a space in a hashtag: "{spaced[1] or spaced[2]}". Write it again.'
    return _misplaced(text, len(tags), options)


def _misplaced(text: str, tags: int, options: Options) -> str | None:
    words = text.split()
    if options.place != "anywhere":
        outer = 0
        for word in reversed(words) if options.place == "end" else words:
            if not _ALONE.fullmatch(word):
                break
            outer += len(TAG.findall(word))
        if outer < tags:
            at = "its end" if options.place == "end" else "its start"
            return f"Your answer has hashtags inside the text. Put all hashtags at {at}."
    lines = filter(TAG.search, text.splitlines()) if options.own_line else ()
    if any(not _ALONE.fullmatch(word) for line in lines for word in line.split()):
        return "Your answer has hashtags on a line with other text. Put the hashtags on a line of their own."
    return None
