"""What providers share that answer in this process, or by a server that they start.

This module knows none of them.
"""

from __future__ import annotations

from pipeline.core.domain import Request
from pipeline.job.models import Model


def nowhere(model: Model) -> str:
    """'': nothing is sent, or it goes to a child process on a free port of this machine."""
    return ""


def anything(request: Request, model: Model) -> str | None:
    """None: nothing is refused beforehand."""
    return None


async def not_told(model: Model) -> int:
    """0: how wide it works is known beforehand."""
    return 0
