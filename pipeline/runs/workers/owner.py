"""The owner's side: the workers of a run, what they are told, and what they say.

All guards and limits are the run's own: a worker's request goes through them, and only the call at the very
end, where a provider would be asked, has the worker send it. This module does not know where workers come
from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from pipeline.core.contracts import Provider
from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.errors import RunStopped
from pipeline.job.models import Model
from pipeline.journal.journal import Journal
from pipeline.runs.workers.parts import Setup
from pipeline.runs.workers.protocol import Channel

MOST_LOST = 20
"""workers that may die in one run: what kills one kills the next, too"""


class Work(Protocol):
    """What the workers do at the moment."""

    def join(self, worker: Worker) -> None:
        """One more worker is there."""

    def leave(self, worker: Worker) -> None:
        """A worker is gone."""

    def hear(self, worker: Worker, kind: str, parts: list[Any]) -> None:
        """A worker says something."""

    def turn(self) -> None:
        """A worker has said all that it had to say."""

    def fail(self, error: Exception) -> None:
        """Something went wrong that ends the run."""


@dataclass(eq=False)
class Worker:
    """A worker, as its owner sees it."""

    channel: Channel
    ready: bool = False
    hands: int = 0
    given: dict[int, Any] = field(default_factory=dict)
    """what it works on, by number"""
    asks: TaskGroup | None = None
    """where its requests are, on their way through the guards"""
    gone: anyio.Event = field(default_factory=anyio.Event)
    _sending: dict[int, asyncio.Future[Reply | Fault | bytes]] = field(default_factory=dict)
    _came: dict[int, Reply] = field(default_factory=dict)

    async def told(self, order: str, number: int, *parts: Any) -> Any:
        """What it says of a request that it is told to send, or to show."""
        if self.gone.is_set():
            raise _ended(Billed.NO, "the worker that made the request has ended")
        self._sending[number] = asyncio.get_running_loop().create_future()
        self.channel.send(order, number, *parts)
        outcome = await self._sending[number]
        if isinstance(outcome, Fault):
            raise outcome
        if isinstance(outcome, Reply):
            self._came[number] = outcome
        return outcome

    def sent(self, number: int, outcome: Reply | Fault | bytes) -> None:
        """It says what came of a request."""
        self._sending.pop(number).set_result(outcome)

    async def ask(self, call: Call, number: int, request: Request) -> None:
        """Take a request of its to a guarded call, and tell it how that has ended."""
        _ASKER.set((self, number))
        try:
            reply = await call(request)
        except Fault as fault:
            self.channel.send("reply", number, fault)
        except anyio.get_cancelled_exc_class():
            self.channel.send("gone", number)
            raise
        else:
            came = self._came.get(number)
            if came is not None and reply.answer is not None and reply.answer is came.answer:
                self.channel.send("kept", number, reply.model)
            else:
                self.channel.send("reply", number, reply)
        finally:
            self._came.pop(number, None)

    def end(self) -> None:
        """It is gone: what it was sending may have been billed."""
        self.gone.set()
        for number in list(self._sending):
            self.sent(number, _ended(Billed.MAYBE, "the worker that sent it has ended"))


_ASKER: ContextVar[tuple[Worker, int] | None] = ContextVar("asker", default=None)


class Workers:
    """All workers of a run, and the lanes that they may be told to send by."""

    def __init__(self, setup: Setup, journal: Journal) -> None:
        self.all: list[Worker] = []
        self.numbers = count(1)
        self.work: Work | None = None
        self._setup, self._journal = setup, journal
        self._lanes: dict[int, Model] = {}
        self._lost = 0
        self._some = anyio.Event()
        self._failure: Exception | None = None
        self._group: TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hear what workers say until the end; they are told to go then."""
        async with anyio.create_task_group() as self._group:
            try:
                yield
            finally:
                self._lost = -len(self.all)
                for worker in self.all:
                    worker.channel.close()

    @property
    def ready(self) -> list[Worker]:
        """Those that can be given work."""
        return [worker for worker in self.all if worker.ready]

    async def some(self) -> None:
        """Return when a worker has been ready, or will never be."""
        await self._some.wait()

    async def joined(self, channel: Channel) -> None:
        """A worker has called."""
        assert self._group is not None  # noqa: S101 - nobody calls before it is open
        self._group.start_soon(self._listen, Worker(channel))

    async def _listen(self, worker: Worker) -> None:
        """Hear what it says, also while the run is stopping: replies that are under way still come."""
        with anyio.CancelScope(shield=True):
            worker.channel.send("job", self._setup)
            for number, model in self._lanes.items():
                worker.channel.send("lane", number, model)
            self.all.append(worker)
            try:
                while (messages := await worker.channel.receive()) is not None:
                    self._hear(worker, messages)
            except Exception as error:  # what cannot be pickled, for example
                self.fail(error)
            self.all.remove(worker)
            worker.end()
            self._lost += 1
            if self.work is not None:
                self.work.leave(worker)
            if self._lost > MOST_LOST:
                hint = "they may have had too little memory: take fewer processes"
                self.fail(
                    RunStopped(f"{self._lost} worker processes have ended, one after the other", hint=hint)
                )

    def _hear(self, worker: Worker, messages: list[Any]) -> None:
        try:
            for kind, *parts in messages:
                if kind == "sent":
                    worker.sent(*parts)
                elif kind == "ready":
                    worker.ready = True
                    self._some.set()
                    if self.work is not None:
                        self.work.join(worker)
                elif kind == "damage":
                    self._journal.tell(*parts)
                elif kind == "failed":
                    self.fail(*parts)
                elif self.work is not None:
                    self.work.hear(worker, kind, parts)
            if self.work is not None:
                self.work.turn()
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End the work, and with it the run."""
        self._failure = self._failure or error
        self._some.set()
        if self.work is not None:
            self.work.fail(self._failure)

    def take(self, work: Work) -> None:
        """Begin a work with all that are ready."""
        if self._failure is not None:
            raise self._failure
        self.work = work
        for worker in self.ready:
            work.join(worker)

    @asynccontextmanager
    async def connect(self, provider: Provider, model: Model) -> AsyncIterator[Call]:
        """A call to a model, through the worker that asked where that can be, else from here."""
        async with provider.connect(model) as own:
            if not provider.CAPABILITIES.afar(model):
                yield partial(_from_here, own)
                return
            number = next(self.numbers)
            self._lanes[number] = model
            self._tell_all("lane", number, model)
            try:
                yield partial(_by_worker, number, own)
            finally:
                del self._lanes[number]
                self._tell_all("shut", number)

    def _tell_all(self, *message: Any) -> None:
        for worker in self.all:
            worker.channel.send(*message)


def _ended(billed: Billed, message: str) -> Fault:
    """It says nothing about the server, so no limit counts it."""
    return Fault("worker_ended", message, fate=Fate.RETRY, billed=billed)


async def _by_worker(lane: int, own: Call, request: Request) -> Reply:
    asker = _ASKER.get()
    if asker is None:  # it was made here
        return await own(request)
    worker, number = asker
    reply: Reply = await worker.told("send", number, lane, request.digest)
    return reply


async def _from_here(own: Call, request: Request) -> Reply:
    """Send it from this process, with the pictures that the worker has."""
    if request.media and (asker := _ASKER.get()) is not None:
        worker, number = asker
        request = replace(request, body=await worker.told("body", number, request.digest), media=())
    return await own(request)
