"""Whether an answer has all the texts it must have, or one of several, and in the right place.

Upper and lower case, spaces, kinds of quotes and markup make no difference.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Discriminator, Field, RootModel, Tag, model_validator

from pipeline.answers.written import Written
from pipeline.job.fields import Spec, Texts
from pipeline.text.prose.phrases import edges, holds, phrase

_PLACES = {
    "first_line": "in its first line",
    "last_line": "in its last line",
    "first_or_last_line": "in its first line or in its last line",
}


class Several(Spec):
    """Texts that are all needed, texts of which one is needed, and where."""

    all: Texts = Field((), description="texts that must all be in it")
    any: Texts = Field((), description="texts of which at least one must be in it")
    where: Literal["anywhere", "first_line", "last_line", "first_or_last_line"] = Field(
        "anywhere",
        description="a line is a paragraph; where the answer begins with a title, the line below it is a "
        "first line, too",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.all or self.any):
            raise ValueError("must have texts under `all` or `any`; for example {any: [tea, coffee]}")
        return self


def _kind(value: Any) -> str:
    return "several" if isinstance(value, dict | BaseModel) else "texts"


class Options(
    RootModel[
        Annotated[Annotated[Texts, Tag("texts")] | Annotated[Several, Tag("several")], Discriminator(_kind)]
    ]
):
    """One text or several, which must all be in it, or `{all: …, any: …, where: …}`."""


def complaint(written: Written, options: Options) -> str | None:
    asked = options.root if isinstance(options.root, Several) else Several.model_construct(all=options.root)
    first, last = ("", "") if asked.where == "anywhere" else edges(written.text)
    places = {"first_line": (first,), "last_line": (last,), "first_or_last_line": (first, last)}

    def has(text: str) -> bool:
        if asked.where == "anywhere":
            return holds(written.text, text)
        return any(phrase(text) in line for line in places[asked.where])

    wanted = " and ".join(f'"{text}"' for text in asked.all if not has(text))
    one_of = list(filter(None, asked.any))
    if not wanted and one_of and not any(map(has, one_of)):
        listed = " or ".join(f'"{text}"' for text in one_of)
        wanted = f"{listed}" if len(one_of) == 1 else f"one of these: {listed}"
    place = f" {_PLACES[asked.where]}" if asked.where in _PLACES else ""
    return f"Your answer must contain {wanted}{place}. Write it again." if wanted else None
