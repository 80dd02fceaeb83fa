"""One timer ends every wait that takes too long, and none that does not."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.providers.http.deadlines import Deadline, Deadlines


async def waited(deadline: Deadline, seconds: float) -> str:
    """How a wait under a deadline ended."""
    try:
        with deadline:
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "idle" if deadline.idle else "over"
    return "done"


async def test_each_wait_ends_when_its_own_time_is_over() -> None:
    all_of = Deadlines(seconds=0.2, idle=10)
    waits = [waited(Deadline(all_of), seconds) for seconds in (0.0, 0.01, 5.0, 5.0)]
    async with asyncio.timeout(4):
        assert await asyncio.gather(*waits) == ["done", "done", "over", "over"]


async def test_a_wait_that_goes_on_in_steps_ends_when_no_step_comes() -> None:
    deadline = Deadline(Deadlines(seconds=5, idle=0.2))
    with pytest.raises(TimeoutError), deadline:
        await asyncio.sleep(0.4)  # no step has come yet: the wait as a whole counts
        deadline.step()
        deadline.hold()
        await asyncio.sleep(0.4)
        deadline.step()
        await asyncio.sleep(4)
    assert deadline.idle and deadline.passed


async def test_steps_do_not_put_off_the_end_of_the_whole() -> None:
    deadline = Deadline(Deadlines(seconds=0.3, idle=0.2))
    with pytest.raises(TimeoutError), deadline:
        for _ in range(100):
            await asyncio.sleep(0.05)
            deadline.step()
    assert not deadline.idle


async def test_who_is_cancelled_from_outside_is_cancelled_and_not_late() -> None:
    task = asyncio.create_task(waited(Deadline(Deadlines(seconds=5, idle=5)), 4))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_task_that_was_late_can_go_on_and_be_late_again() -> None:
    all_of = Deadlines(seconds=0.1, idle=1)
    assert [await waited(Deadline(all_of), 4) for _ in range(2)] == ["over", "over"]
    assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
    await asyncio.sleep(0.01)


async def test_a_late_wait_that_is_cancelled_from_outside_too_stays_cancelled() -> None:
    all_of = Deadlines(seconds=0.05, idle=1)
    deadline = Deadline(all_of)
    task = asyncio.create_task(waited(deadline, 4))
    while not deadline.passed:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
