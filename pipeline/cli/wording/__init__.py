"""Results in words: what the commands say of a run, a plan and a journal. Nothing is printed here."""

from pipeline.cli.wording._base import shown, table
from pipeline.cli.wording.plans import numbers_of_plan, of_pilot, of_plan
from pipeline.cli.wording.results import (
    numbers_of_error,
    numbers_of_result,
    numbers_of_rows,
    numbers_of_stop,
    of_result,
    of_rows,
)
from pipeline.cli.wording.status import of_live, of_status
from pipeline.cli.wording.story import of_story

__all__ = ["numbers_of_error", "numbers_of_plan", "numbers_of_result", "numbers_of_rows", "numbers_of_stop",
           "of_live", "of_pilot", "of_plan", "of_result", "of_rows", "of_status", "of_story", "shown",
           "table"]  # fmt: skip
