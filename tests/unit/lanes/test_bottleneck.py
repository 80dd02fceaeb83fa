"""What is said to hold a run up, by what its lanes, its source and its process are doing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.core.progress import Progress
from pipeline.lanes.bottleneck import Bottleneck


@dataclass
class Line:
    """A lane with so many requests waiting, held up by a limit."""

    waiting: int = 0
    binding: str = ""
    set: tuple[str, ...] = ("rpm", "concurrency")
    queue: Any = field(init=False)
    limits: Any = field(init=False)

    def __post_init__(self) -> None:
        self.queue = SimpleNamespace(waiting=self.waiting, binding=self.binding)
        self.limits = SimpleNamespace(model_fields_set=self.set)


def bottleneck(*lanes: Any, starving: bool = False) -> Bottleneck:
    return Bottleneck(lanes, Progress(), lambda: starving, lambda: 0.0)


@pytest.mark.parametrize(
    ("lanes", "starving", "busy", "rendering", "bound"),
    [
        ([Line(5, "rpm")], False, 0.3, 0.1, "rpm"),
        ([Line(5, "rpm"), Line(9, "tpm")], False, 0.3, 0.1, "tpm"),
        ([Line(5, "rpm")], False, 0.99, 0.1, "rpm"),
        ([Line(5, "concurrency")], False, 0.3, 0.1, "concurrency"),
        ([Line(5, "concurrency")], False, 0.99, 0.1, "loop"),
        ([Line(5, "server")], False, 0.99, 0.8, "template"),
        ([Line()], True, 0.3, 0.1, "source"),
        ([Line()], True, 0.99, 0.8, "template"),
        ([Line()], False, 0.3, 0.1, "tail"),
        ([], False, 0.0, 0.0, "tail"),
    ],
)
def test_what_binds(lanes: list[Any], starving: bool, busy: float, rendering: float, bound: str) -> None:
    assert bottleneck(*lanes, starving=starving).bound(busy, rendering) == bound


def test_the_first_sample_is_where_the_count_begins() -> None:
    watched = bottleneck(Line(3, "rpm"))
    watched.sample()
    assert watched.shares() == {} and watched.advice() == ""
    watched.sample()
    assert watched.shares() == {"rpm": 1.0} and watched.progress.binding == "rpm"


def test_the_advice_is_about_what_bound_most() -> None:
    watched = bottleneck(Line(1, "rpm"))
    watched.held = Counter({"rpm": 3, "concurrency": 1})
    assert watched.advice().startswith("rpm (75% of the time): ") and "limits.rpm" in watched.advice()


@pytest.mark.parametrize("name", ["rpm", "tpm", "rpd", "concurrency", "tail"])
def test_nobody_is_told_to_change_a_limit_that_the_job_does_not_set(name: str) -> None:
    watched = bottleneck(Line(1, name, ()))
    watched.held = Counter({name: 1})
    assert "limits." not in watched.advice()
    watched = bottleneck(Line(1, name, (name,)))
    watched.held = Counter({name: 1})
    assert ("limits." in watched.advice()) == (name != "tail")
