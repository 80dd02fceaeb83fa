"""The garbage collector held back while many records are walked.

Next to nothing of a walk refers to itself, so there is little to be found. This module does not know walks.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 50_000
"""new objects before the collector looks at them; by itself it looks after 700"""


@contextmanager
def settled_heap() -> Iterator[None]:
    """Keep the collector from what is there already, and let it look at what is new less often.

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
