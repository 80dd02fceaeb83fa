"""What the checks of the first and of the last line share. This module knows neither of them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.text.prose.phrases import phrase


def complaint_of(line: str, texts: Sequence[str], name: str) -> str | None:
    """What is wrong with a line that needs one of these texts; an empty text asks for nothing."""
    wanted = list(filter(None, texts))
    if not wanted or any(phrase(text) in line for text in wanted):
        return None
    listed = " or ".join(f'"{text}"' for text in wanted)
    return f"Your answer must have {listed} in its {name} line, word for word. Write it again."
