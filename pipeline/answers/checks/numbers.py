"""Whether the figures in an answer come from its record, in the spelling of any country.

1,234.50 and 1.234,5 are equal, 25 % and 0.25, 1.2 million and 1200000. Figures in words are not looked at.
"""

from __future__ import annotations

from pydantic import Field, StrictBool

from pipeline.answers.written import Written, leaves
from pipeline.job.fields import Count, Settings, Texts
from pipeline.text.prose.figures import Figure, figures, readings
from pipeline.text.prose.spoken import spoken

_SHOWN, _ENOUGH = 5, 50_000
"""figures that are named, and the characters of an answer that are looked at"""
_YEARS = range(1900, 2101)


class Options(Settings):
    """Where figures may come from, and which need no origin."""

    origin: Texts = Field(
        (),
        alias="from",
        description='templates for what has them: "{{ price }}"; without them, all columns and the prompt',
    )
    small: Count = Field(10, description="whole numbers up to this one need no origin")
    years: StrictBool = Field(False, description="whether years from 1900 to 2100 need no origin")


def complaint(written: Written, options: Options) -> str | None:
    found = [one for one in figures(spoken(written.text[:_ENOUGH])) if not _is_free(one, options)]
    if not found:
        return None
    values = (one for one in leaves(written.values) if one is not None and not isinstance(one, bool))
    known = readings(options.origin or (written.prompt, *map(str, values)))
    wrong = [
        one
        for one in found
        if known.isdisjoint(one.readings) and not (one.parts and known.issuperset(one.parts))
    ]
    if not wrong:
        return None
    listed = ", ".join(dict.fromkeys(one.written for one in wrong[:_SHOWN]))
    return f"Your answer has figures that you were not given: {listed}. Use only figures that you were given."


def _is_free(figure: Figure, options: Options) -> bool:
    whole = figure.whole
    return whole is not None and (whole <= options.small or (options.years and whole in _YEARS))
