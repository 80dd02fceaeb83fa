"""What the longer messages between an owner and its workers hold.

This module does not know when they are sent.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pipeline.answers.written import Told, place_of
from pipeline.core.domain import Fault, Record, Rejected
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.job.spec import Job

Way: TypeAlias = tuple[Any, ...]
"""what a branch has gathered, without its record"""
_SMALL: dict[str, Any] = {"requests": (), "best": "", "asked": "", "others": ()}
"""what is kept of a rejected answer where its row is only counted"""


class Setup(NamedTuple):
    """What a worker must know before it can walk."""

    job: Job
    told: Told
    journal: Path | None
    """None where the worker cannot read it"""


class Leaf(NamedTuple):
    """The end of a branch, as far as a run counts it, and what has happened since the last one."""

    number: int
    """that of its record"""
    place: str
    """which of the record's branches it is"""
    at: int
    forked: bool
    skipped: frozenset[str]
    fault: Fault | None
    known: bool
    steps: int
    steps_new: int
    recalled: int

    def branch(self, record: Record) -> Branch:
        """The branch itself, without its values."""
        return Branch(record, {}, self.at, self.forked, self.skipped, (), self.fault, self.known)


class Replayed(NamedTuple):
    """The leaves of some records, by the journal alone."""

    leaves: list[list[Way]]
    seen: Mapping[str, array[int]]
    """the prompts of each step, as `EqualPrompts` keeps them"""
    recalled: int
    missing: list[tuple[int, str, str]]
    """requests that the journal does not know: a part of the digest, step and model"""


def way_of(leaf: Branch) -> Way:
    """What a branch has gathered."""
    said = (leaf.values, leaf.at, leaf.forked, leaf.skipped, leaf.models)
    return (*said, leaf.fault, leaf.known, leaf.soft, leaf.asked)


def slight(fault: Fault | None) -> Fault | None:
    """The fault without the requests and texts behind it."""
    if fault is None:
        return None
    return fault.but(body=b"", **(_SMALL if isinstance(fault, Rejected) else {}))


def forks_of(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """The names of the values that tell the branches of one record apart."""
    return tuple(name for stage in stages for name in stage.spec.forks)


def branch_of(leaf: Branch, forks: tuple[str, ...]) -> str:
    """Which of its record's branches a leaf is."""
    return place_of("", leaf.values, forks) if forks else ""
