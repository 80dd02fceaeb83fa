"""The story of a record, as a person reads it at a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.core.display import safe_text

if TYPE_CHECKING:
    from pipeline.runs.reviewing.story import Chapter

LONGEST = 1_500
"""characters of one text; what is longer is cut off"""


def of_story(story: Sequence[Chapter], full: bool) -> Iterator[str]:
    """The chapters, one under the other; `full` cuts nothing off."""
    width = shutil.get_terminal_size((100, 24)).columns
    for chapter in story:
        yield ""
        yield safe_text(f"== {chapter.title}")
        for what, text in chapter.parts:
            shown = text if full else text[:LONGEST]
            for number, line in enumerate(f"{what}: {shown.strip()}".split("\n")):
                indent = "    " if number else "  "
                yield from textwrap.wrap(
                    safe_text(line), width, initial_indent=indent, subsequent_indent="    "
                ) or [""]
            if len(shown) < len(text):
                yield f"    … {len(text) - len(shown):,} more characters (--full shows all)"
