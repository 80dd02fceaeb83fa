"""Asks in the service tier of a model's lane: for flex, each try goes out as flex, while that is its lane.

A server may have no room in this tier. Such a refusal costs nothing and says nothing about the account, so it
uses up no try, holds no slot and slows no other lane. It is tried again with growing waits, for as long as
it takes: the lane may change meanwhile, or the run may end. Fresh requests wait with the refused ones.
This module does not know when a lane changes, what a tier costs, or how a tier stands in a body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from random import uniform

import anyio

from pipeline.core.domain import FLEX, Call, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.money.lanes import FLEX_APIS
from pipeline.money.tariff import named_tier
from pipeline.wire.refusals import NO_ROOM

SHORTEST, LONGEST = 1.0, 60.0
"""seconds of the first wait, and of the longest that this guard chooses"""
LOOK_AGAIN = 15.0
"""seconds after which a request that waits looks whether its lane is still flex"""


@dataclass
class _Room:
    """What is known of the room in a tier. Times are seconds on the loop's clock."""

    until: float = 0.0
    """when something may be sent again"""
    spread: float = 0.0
    """seconds over which requests that wait are sent then"""
    episodes: int = 0
    """refusals in a row; those that were under way together are one"""
    since: float = -inf

    said: bool = False

    def refused(self, sent: float, now: float, told: float | None) -> bool:
        """Note a refusal of a request sent at this time; `told` is the wait that the server asks for.

        True where it is the first of all.
        """
        if sent > self.since:
            self.episodes, self.since = self.episodes + 1, now
        self.spread = min(LONGEST, SHORTEST * 2.0 ** min(self.episodes - 1, 10))
        wait = uniform(self.spread / 2, self.spread)  # noqa: S311 - not a secret
        self.until = max(self.until, now + (wait if told is None else told))
        first, self.said = not self.said, True
        return first

    def served(self) -> None:
        """Note an answer: there is room."""
        self.until, self.episodes = 0.0, 0

    async def turn(self, lane_now: Callable[[], str], progress: Progress) -> bool:
        """Wait until there may be room; False where the lane is not flex any more."""
        due = 0.0
        while lane_now() == FLEX:
            now = anyio.current_time()
            if self.until > now:
                due = self.until + uniform(0, self.spread)  # noqa: S311 - not a secret
            if due <= now:
                return True
            progress.waiting += 1
            try:
                await anyio.sleep(min(due - now, LOOK_AGAIN))
            finally:
                progress.waiting -= 1
        return False


def tiers(
    call: Call, lane_now: Callable[[], str], name: str, say: Callable[[str], None], progress: Progress
) -> Call:
    """A call of the model `name` that goes by flex while `lane_now` says so, and else as it stands."""
    room = _Room()

    async def ask(request: Request) -> Reply:
        own = request.api not in FLEX_APIS or named_tier(request)
        while not own and await room.turn(lane_now, progress):
            sent = anyio.current_time()
            try:
                reply = await call(request.with_tier(FLEX))
            except Fault as fault:
                if fault.kind != NO_ROOM:
                    raise
                if room.refused(sent, anyio.current_time(), fault.wait):
                    say(f"{name}: the server has no room in the tier flex; its requests wait, at no cost")
                request = replace(request, attempt=request.attempt + 1)
            else:
                room.served()
                return reply
        return await call(request)

    return ask
