"""The garbage collector held back while many records are walked.

A walk makes almost no reference cycles, so the collector finds little. This module does not know walks.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 50_000  # new objects before the collector looks at them; by itself it looks after 700


@contextmanager
def settled_heap() -> Iterator[None]:
    """Exempt all objects that exist now from the collector, and let it look at new ones less often.

    Looking through all that was imported, again and again, is a sixth of the CPU of a run.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
