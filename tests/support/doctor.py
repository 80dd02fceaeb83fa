"""What the doctor finds of a job, by the name of each check."""

from __future__ import annotations

from pathlib import Path

from pipeline import load
from pipeline.core.health import Check
from pipeline.runs.doctor import looked_at


def looked(file: Path) -> dict[str, Check]:
    """The checks by name; of several the worst."""
    checks = looked_at(lambda: load(file), "0.1")
    order = ("ok", "warn", "bad")
    return {check.name: check for check in sorted(checks, key=lambda check: order.index(check.state))}
