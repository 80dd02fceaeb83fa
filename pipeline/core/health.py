"""The result of one health check: what is found, and what to do about it.

This module does not know what is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """`code` is the exit code where it is bad: 2 job or key, 4 key refused, 74 disk, 75 unreachable."""

    name: str
    state: Literal["ok", "warn", "bad"]
    said: str
    hint: str = ""
    code: int = 0


def ok(name: str, said: str) -> Check:
    """Nothing is wrong."""
    return Check(name, "ok", said)


def warn(name: str, said: str, hint: str = "") -> Check:
    """A run would start, but it could get into trouble."""
    return Check(name, "warn", said, hint)


def bad(name: str, said: str, hint: str = "", *, code: int) -> Check:
    """A run would end with this code."""
    return Check(name, "bad", said, hint, code)
