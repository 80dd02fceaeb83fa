"""Results in words: what the commands say of a run, a plan and a journal. Nothing is printed here."""

from pipeline.wording._base import shown, table
from pipeline.wording.plans import numbers_of_plan, of_pilot, of_plan
from pipeline.wording.results import numbers_of_error, numbers_of_result, numbers_of_stop, of_result, of_rows
from pipeline.wording.standings import of_live, of_standing

__all__ = [
    "numbers_of_error",
    "numbers_of_plan",
    "numbers_of_result",
    "numbers_of_stop",
    "of_live",
    "of_pilot",
    "of_plan",
    "of_result",
    "of_rows",
    "of_standing",
    "shown",
    "table",
]
