"""Bulk text generation and translation that never loses an answer it paid for.

From Python:

    from pipeline import load, run, plan

    job = load("jobs/films.yaml")
    print(plan(job).missing)
    frame = run(job).frame()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import export, export_async, load, pilot, pilot_async, plan, plan_async, run, run_async

__all__ = ["export", "export_async", "load", "pilot", "pilot_async", "plan", "plan_async", "run", "run_async"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pipeline' has no attribute '{name}'")
    from pipeline import api  # polars and the rest are imported when they are wanted

    return getattr(api, name)
