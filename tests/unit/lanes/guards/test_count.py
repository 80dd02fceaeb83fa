"""Exact counts are made in a thread, never in the event loop, and are known while a request is under way."""

from __future__ import annotations

import threading

import pytest

from pipeline.core.domain import Reply, Request
from pipeline.lanes.guards import count as guard
from pipeline.money.estimate import Estimator
from pipeline.money.tokens import Size
from tests.support.fakes import asked, said


async def test_a_request_is_counted_in_a_thread_and_known_while_it_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[threading.Thread] = []

    def size(_: Request) -> Size:
        counted.append(threading.current_thread())
        return Size(7, None, exact=True)

    monkeypatch.setattr(guard, "size", size)
    estimator, during = Estimator(), list[float]()

    async def send(request: Request) -> Reply:
        during.append(estimator.expect(request).input)
        return said("x")

    request = asked("a question of some length")
    assert await guard.count(send, estimator)(request) == said("x")
    assert during == [7]
    assert [thread is threading.main_thread() for thread in counted] == [False]
    assert estimator.expect(request).input != 7, "it is not kept"
