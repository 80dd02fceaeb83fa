"""Whether a post fits the platform that it is for: its length as the platform counts it, hashtags, links.

The table has the public rules of the platforms, as of 2026. They show Markdown as it is written, so a post
has none.
"""

from __future__ import annotations

import re

from pydantic import RootModel, model_validator

from pipeline.answers.checks.hashtags import TAG
from pipeline.answers.written import Written
from pipeline.core.domain import frozen
from pipeline.job.fields import is_template
from pipeline.text.counting import count, named
from pipeline.text.plain import ADDRESS, has_address

_MARKDOWN = re.compile(
    r"\*\*[^\s*][^*\n]*\*\*|(?<!\w)__[^\s_][^_\n ]* [^_\n]*__(?!\w)|^#{1,6} \S"
    r"|!?\[[^\[\]\n]+\]\([^\s()]+\)|^```"
    r"|^[ \t]*\|(?=[^\n]*-)[ \t|:-]+\|",
    re.M,
)


@frozen
class Rules:
    """What a platform accepts."""

    most: int
    unit: str
    hashtags: int | None = None
    links: int | None = None
    bytes: int | None = None


PLATFORMS = {
    "bluesky": Rules(300, "graphemes", bytes=3_000),
    "instagram": Rules(2_200, "utf16", hashtags=5),
    "linkedin": Rules(3_000, "utf16"),
    "mastodon": Rules(500, "mastodon"),
    "threads": Rules(500, "threads", links=5),
    "x": Rules(280, "x_weighted"),
}
"""Mastodon's servers may allow more; Instagram allowed 30 hashtags until December 2025"""


class Options(RootModel[str]):
    """`bluesky`, `instagram`, `linkedin`, `mastodon`, `threads` or `x`, or a template for one of them."""

    model_config = {"json_schema_extra": {"examples": list(PLATFORMS)}}

    @model_validator(mode="after")
    def _is_known(self) -> Options:
        if not is_template(self.root) and self.root.strip().lower() not in PLATFORMS:
            raise ValueError(
                f"'{self.root[:40]}' is no platform that is known; known: {', '.join(PLATFORMS)}"
            )
        return self


def complaint(written: Written, options: Options) -> str | None:
    name, text = options.root.strip().lower(), written.text
    rules = PLATFORMS[name]
    marked = any(sign in text for sign in ("**", "__", "# ", "](", "```", "|-", "| -", "|:"))
    if marked and (found := _MARKDOWN.search(text)):
        return f'Your answer has Markdown: "{found[0][:40]}". Write it again, without Markdown.'
    length = count(text, rules.unit)
    if length > rules.most:
        unit, over = named(rules.unit), length - rules.most + rules.most // 20
        has = f"Your answer has {length} {unit}; a post at {name} may have at most {rules.most}"
        return f"{has}. Shorten it by about {over} characters."
    if rules.bytes is not None and (size := len(text.encode(errors="replace"))) > rules.bytes:
        said = f"Your answer has {size} bytes; a post at {name} may have at most {rules.bytes}"
        return f"{said}. Write it shorter."
    tags = len(TAG.findall(text)) if rules.hashtags is not None and "#" in text else 0
    if rules.hashtags is not None and tags > rules.hashtags:
        return f"Your answer has {tags} hashtags. Use at most {rules.hashtags} hashtags."
    pages = len(set(ADDRESS.findall(text))) if rules.links is not None and has_address(text) else 0
    if rules.links is not None and pages > rules.links:
        return f"Your answer has {pages} links. Use at most {rules.links} links."
    return None
