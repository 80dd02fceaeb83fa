"""One thing looked at: how it stands, and what to do about it.

This module does not know what is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """`code` ends the command where it is bad: 2 job or key, 4 key refused, 74 disk, 75 nobody to reach."""

    name: str
    state: Literal["ok", "warn", "bad"]
    said: str
    hint: str = ""
    code: int = 0


def ok(name: str, said: str) -> Check:
    """It is as it should be."""
    return Check(name, "ok", said)


def warn(name: str, said: str, hint: str = "") -> Check:
    """A run would go on, or could be in trouble."""
    return Check(name, "warn", said, hint)


def bad(name: str, said: str, hint: str = "", *, code: int) -> Check:
    """A run would end with this code."""
    return Check(name, "bad", said, hint, code)
