"""Whether an answer matches patterns that it must match, and none that it must not.

Patterns are those of RE2 and Rust: no look-around, no references back, and linear time on any text. Their
engine comes with the library that reads the job file, and costs about a microsecond a text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import SchemaError, SchemaValidator, core_schema

from pipeline.answers.written import Written
from pipeline.job.fields import Settings, Texts, is_template

_MOST_SHOWN = 60
_WHY = {
    "look-around": "look-around, (?=…) and (?<…), is not available",
    "backreferences": "references back, such as \\1, are not available",
    "size limit": "it is too large",
}
"""a word of the engine's message, and what we say"""


@lru_cache(256)
def _compiled(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _readable(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a pattern that cannot be read, with its place."""
    for pattern in patterns:
        if not is_template(pattern):
            try:
                _compiled(pattern)
            except SchemaError as error:
                raise ValueError(_said(pattern, str(error))) from None
    return patterns


def _said(pattern: str, error: str) -> str:
    caret = re.search(r"^( *)\^", error, re.M)
    one_line = caret and "\n" not in pattern
    place = f" at character {len(caret[1]) - 3}" if one_line and caret else ""
    why = next((f": {said}" for word, said in _WHY.items() if word in error), "")
    hint = "patterns are those of RE2; a backslash escapes a sign: \\("
    return f"'{pattern[:_MOST_SHOWN]}' cannot be used as a pattern{place}{why}; {hint}"


Patterns = Annotated[Texts, AfterValidator(_readable)]


class Options(Settings):
    """Patterns, looked for anywhere in the answer as it is, with its markup; `^` and `$` are its ends."""

    one_of = ("match", "never")

    match: Patterns = Field((), description="a pattern, or several, that must all match: '^[A-Z]'")
    never: Patterns = Field((), alias="not", description="a pattern, or several, of which none may match")
    say: str = Field("", description="what the model is told instead of the pattern: 'begin with a capital'")


def complaint(written: Written, options: Options) -> str | None:
    for pattern in options.match:
        if not _compiled(pattern).isinstance_python(written.text):
            said = options.say or f"it does not match the pattern {pattern}"
            return f"Your answer is not as it must be: {said}. Write it again."
    for pattern in filter(None, options.never):
        compiled = _compiled(pattern)
        if compiled.isinstance_python(written.text):
            line = next(filter(compiled.isinstance_python, written.text.splitlines()), "")
            at = f', in "{line.strip()[:_MOST_SHOWN]}"' if line else ""
            said = options.say or f"it matches the pattern {pattern}, which must not match"
            return f"Your answer is not as it must be: {said}{at}. Write it again."
    return None
