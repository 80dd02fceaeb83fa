"""A worker: it walks the records that the owner gives it, and sends what the owner lets it send.

`work` can be called in any process that can reach the owner. It returns, or its process ends, when the owner
is gone. This module has no journal that is written, no lanes and no budget.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import count
from typing import Any, TypeAlias

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from pipeline.answers.written import Near, Told
from pipeline.core import adapters
from pipeline.core.domain import Billed, Call, Fault, Record, Reply, Request
from pipeline.core.errors import PipelineError, RunStopped, one_error
from pipeline.core.progress import Progress
from pipeline.engine.equal_prompts import EqualPrompts
from pipeline.engine.heap import settled_heap
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import stages_of
from pipeline.job.models import Model
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.runs.workers.parts import Replayed, Setup, way_of
from pipeline.runs.workers.protocol import Address, Channel, connect
from pipeline.runs.workers.walking import Walking
from pipeline.wire.conversation import read
from pipeline.wire.faults import dropped


def work(address: Address, key: bytes, keep: Keep = lambda came: None) -> None:
    """Work for the owner at this address until it is gone; `Stranger` where it does not know the key.

    `keep` gets the replies that came when it was gone already, or of which it did not say that it has them.
    """
    anyio.run(_work, address, key, keep)


async def _work(address: Address, key: bytes, keep: Keep) -> None:
    channel = await connect(address, key)
    with settled_heap():
        async with anyio.create_task_group() as group:
            worker = _Worker(channel, group)
            await worker.listen()
            keep(await worker.left_over())
            group.cancel_scope.cancel()


class _Heard:
    """What the owner tells of rows: it may tell more before each walk."""

    def __init__(self, told: Told) -> None:
        self.told = told

    def near(self, step: str, place: str) -> tuple[Near, ...]:
        return self.told.near(step, place)

    def by_hand(self, step: str, place: str, *asked: Any) -> str | None:
        return self.told.by_hand(step, place, *asked)


def _bug(error: Exception) -> RunStopped:
    return RunStopped(f"a worker process failed: {type(error).__name__}: {error}")


@dataclass
class _Lane:
    """A place to send requests to; it is opened when the first one is sent."""

    model: Model
    over: anyio.Event
    call: asyncio.Future[Call] | None = None


Keep: TypeAlias = Callable[[list[tuple[Request, Reply]]], object]


@dataclass
class _Asked:
    """A request that the owner was asked for, until it says how it ended."""

    request: Request
    answer: asyncio.Future[Reply]
    came: Reply | None = None
    """what was sent back for it from here"""
    sent: Request | None = None
    """what it was sent as from here"""

    def one(self, digest: bytes) -> Request:
        """The request itself, or that to a fallback model."""
        return next(one for one in self.request.either if one.digest == digest)


class _Worker:
    """One worker; `group` has all of its tasks."""

    def __init__(self, channel: Channel, group: TaskGroup) -> None:
        self.channel, self._group = channel, group
        self._lanes: dict[int, _Lane] = {}
        self._asked: dict[int, _Asked] = {}
        self._numbers = count()
        self._under_way, self._rest = 0, anyio.Event()
        self._walking: Walking | None = None
        self._orders: dict[str, Callable[..., object]] = {
            "job": self._set_up,
            "told": self._hear,
            "begin": self._begin,
            "walk": self._walk,
            "hands": self._hire,
            "end": self._end,
            "lane": lambda number, model: self._lanes.update({number: _Lane(model, anyio.Event())}),
            "shut": lambda number: self._lanes.pop(number).over.set(),
            "send": partial(self._start, self._send),
            "body": partial(self._start, self._body),
            "kept": self._kept,
            "reply": self._reply,
            "gone": lambda number: self._asked.pop(number),
            "replay": self._replay,
        }

    async def listen(self) -> None:
        """Do what the owner says until it is gone."""
        while (messages := await self.channel.receive()) is not None:
            for order, *parts in messages:
                with self._telling():
                    self._orders[order](*parts)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell the owner what goes wrong: it ends the run."""
        try:
            with one_error():
                yield
        except Exception as error:
            self.channel.send("failed", error if isinstance(error, PipelineError) else _bug(error))

    async def left_over(self) -> list[tuple[Request, Reply]]:
        """When the owner is gone: replies that it may not have, also of what is still under way."""
        while self._under_way:
            self._rest = anyio.Event()
            await self._rest.wait()
        return [(one.sent, one.came) for one in self._asked.values() if one.sent and one.came]

    def _start(self, work: Callable[..., Awaitable[object]], *parts: Any) -> None:
        async def told() -> None:
            with self._telling():
                await work(*parts)

        self._group.start_soon(told)

    def _set_up(self, setup: Setup) -> None:
        self.told = _Heard(setup.told)
        self.stages = tuple(stages_of(setup.job, told=self.told))
        self._path = setup.journal
        self.channel.send("ready")

    @cached_property
    def journal(self) -> Journal:
        """The journal, which the owner has made before."""
        assert self._path is not None  # noqa: S101 - the owner does not ask for it then
        journal = Journal.read_only(self._path)
        journal.on_damage = partial(self.channel.send, "damage")
        return journal

    def _hear(self, told: Told) -> None:
        self.told.told = told

    def _begin(self, local: bool) -> None:
        find = partial(recall.find, self.journal) if local else None
        self._walking = Walking(self.stages, self._ask, find, partial(self.channel.send, "leaf"))
        self._start(self._walking.run)

    def _walk(self, records: Sequence[tuple[int, Record]]) -> None:
        if self._walking is not None:
            self._walking.walk(records)

    def _hire(self, hands: int) -> None:
        if self._walking is not None:
            self._walking.hire(hands)

    def _end(self) -> None:
        if self._walking is not None:
            self._walking.scope.cancel()
            self._walking = None

    async def _ask(self, model: str, request: Request) -> Reply:
        """What the owner says to a request."""
        number = next(self._numbers)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[number] = _Asked(request, answer)
        self.channel.send("asked", number, model, request)
        return await answer

    async def _send(self, number: int, lane: int, digest: bytes) -> None:
        asked = self._asked[number]
        asked.sent, asked.came = asked.one(digest), None
        self._under_way += 1
        try:
            reply = await (await self._call(self._lanes[lane]))(asked.sent)
        except Fault as fault:
            self.channel.send("sent", number, fault)
            return
        except Exception as error:
            self.channel.send("sent", number, dropped(Billed.MAYBE, f"{type(error).__name__} in a worker"))
            raise
        finally:
            self._under_way -= 1
            self._rest.set()
        with suppress(Exception):  # the owner keeps it as it came, and says why it cannot be read
            reply = replace(reply, answer=read(reply))
        asked.came = reply
        self.channel.send("sent", number, reply)

    async def _body(self, number: int, digest: bytes) -> None:
        """Give the owner the bytes of a request that it sends itself."""
        try:
            sent = await to_thread.run_sync(lambda: self._asked[number].one(digest).sent)
        except Fault as fault:
            self.channel.send("sent", number, fault)
        else:
            self.channel.send("sent", number, sent)

    async def _call(self, lane: _Lane) -> Call:
        if lane.call is None:
            lane.call = asyncio.get_running_loop().create_future()
            self._start(self._hold, lane, lane.call)
        return await asyncio.shield(lane.call)

    @staticmethod
    async def _hold(lane: _Lane, made: asyncio.Future[Call]) -> None:
        """Hold the connections of a lane until the owner shuts it."""
        try:
            async with adapters.load("providers", lane.model.provider).connect(lane.model) as call:
                made.set_result(call)
                await lane.over.wait()
        except Exception as error:
            if made.done():
                raise
            made.set_exception(error)

    def _kept(self, number: int, model: str) -> None:
        asked = self._asked.pop(number)
        assert asked.came is not None  # noqa: S101 - the owner speaks of what was sent from here
        self._answer(asked, replace(asked.came, model=model))

    def _reply(self, number: int, outcome: Reply | Fault) -> None:
        self._answer(self._asked.pop(number), outcome)

    @staticmethod
    def _answer(asked: _Asked, outcome: Reply | Fault) -> None:
        if asked.answer.done():  # the walk was dropped
            return
        if isinstance(outcome, Fault):
            asked.answer.set_exception(outcome)
        else:
            asked.answer.set_result(outcome)

    def _replay(self, number: int, how: str, records: Sequence[Record]) -> None:
        """Walk some records with the journal alone."""
        progress, equal = Progress(), EqualPrompts(self.stages)
        missing: list[tuple[int, str, str]] = []

        def miss(request: Request) -> None:
            missing.append((int.from_bytes(request.digest[:8]), request.step, request.model))

        if how == "recall":
            look_up = recall.recalling(self.journal, progress, miss)
        else:
            look_up = recall.exporting(self.journal, progress, given_up=True)
        found = InOrder(self.stages, equal.noting(look_up)).leaves(records)
        leaves = [[way_of(leaf) for leaf in some] for some in found]
        self.channel.send("replayed", number, Replayed(leaves, equal.seen, progress.recalled, missing))
