"""Whether an answer differs enough from those of all other rows; one that does not is written again."""

from __future__ import annotations

from pydantic import Field, StrictInt

from pipeline.answers.written import Written, about
from pipeline.job.fields import Number, Settings


class Options(Settings):
    """How much alike two answers may be, and how often one that is too much alike is written again."""

    most: Number = Field(
        0.6,
        ge=0.3,
        lt=1,
        description="the largest share of their pairs of neighbouring words (in Chinese and the like:"
        " characters) that two answers may have in common",
    )
    rounds: StrictInt = Field(
        2, ge=1, le=10, description="how often an answer is written again for this, beside its repairs"
    )


def complaint(written: Written, options: Options) -> str | None:
    if not written.near:
        return None
    wanted = about(written.text, options.most)
    found = next((one for one in written.near if one.about == wanted), None)
    if found is None:
        return None
    one = "this one for another item" if len(found.others) == 1 else "these for other items"
    said = f"Your answer is nearly the same ({found.likeness:.0%} alike) as {one}: {_listed(found.others)}."
    many = f" Many others begin with {_listed(found.openings)}." if found.openings else ""
    return f"{said}{many} Write it again, with another opening and other words."


def _listed(texts: tuple[str, ...]) -> str:
    return " and ".join(f"«{text}»" for text in texts)
