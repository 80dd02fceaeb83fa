"""The fake model itself: plays its script to requests and keeps the ledger, in process or behind a server.

Whatever is not refused is billed once it was received whole, also when the caller goes before the answer
is sent: a real server does so, and it is the case that costs a client money.
This module does not know HTTP, and not where its requests come from.
"""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop, get_running_loop
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from hashlib import sha256
from weakref import WeakKeyDictionary

import anyio

from pipeline.core.domain import Usage
from pipeline.testing import answers, wire
from pipeline.testing.chance import Asked, decide, latency_of
from pipeline.testing.ledger import Ledger, Line
from pipeline.testing.quota import Gate, Verdict
from pipeline.testing.script import Rule, Script
from pipeline.testing.wire import Manner, Wire

BATCH = "batch"
"""the tier of a line of a batch, where a script does not say another"""
_EPOCHS: WeakKeyDictionary[AbstractEventLoop, float] = WeakKeyDictionary()
"""what all services of a loop add to its clock: a batch may be looked at by another one"""


@dataclass(frozen=True, slots=True)
class _Turn:
    """The outcome of one request: `usage` is what it is billed for, `seconds` how long its answer takes."""

    wire: Wire
    billed: bool = False
    usage: Usage = field(default_factory=Usage)
    fault: str = ""
    model: str = ""
    tier: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class InBatch:
    """The batch that a request is a line of; a tier that serves it, and a fault that hits it."""

    id: str
    tier: str = ""
    fault: Rule | None = None


class Service:
    """Plays one script. `in_flight` counts requests that were neither billed nor refused yet."""

    def __init__(self, script: Script, ledger: Ledger) -> None:
        self.script = script
        self.ledger = ledger
        self._gate = Gate(script.quota) if script.quota else None
        self._room = anyio.Semaphore(script.capacity) if script.capacity else nullcontext()
        self.in_flight = 0
        self._n = 0
        self._began: float | None = None
        self._attempts: Counter[bytes] = Counter()
        self._struck: Counter[tuple[bytes, int]] = Counter()

    async def respond(self, api: str, body: bytes, key: str = "") -> Wire:
        """The response to a body in a dialect of `answers.APIS`, after its latency.

        A request that hangs never returns: cancel it. Cancelling any other one bills it at once.
        """
        arrived = self.now()
        asked = self._count(api, body, arrived)
        wrong_key = self.refused(key)
        turn = _Turn(wrong_key, fault="unauthorized") if wrong_key else self._turn(api, asked, arrived)
        del body
        asked = replace(asked, body=b"")
        self.in_flight += 1
        try:
            if turn.billed:
                await self._work(turn.seconds)
        finally:
            self.in_flight -= 1
            self.ledger.write(self._bill(turn, asked, arrived))
        if turn.wire.manner is Manner.HANG:
            await anyio.sleep_forever()
        return turn.wire

    def refused(self, key: str) -> Wire | None:
        """The response to a wrong key; None for the right one. Nothing is counted."""
        if self.script.api_key is None or key == self.script.api_key:
            return None
        message = f"Incorrect API key provided: {key}"
        return wire.error(401, "invalid_api_key", "invalid_request_error", message)

    def batched(self, api: str, body: bytes, batch: InBatch) -> tuple[Wire, Line]:
        """The response to a line of a batch, and its bill, which is not in the ledger yet.

        What is done to a connection is not done here: a line that would bring nothing brings a 500.
        """
        arrived = self.now()
        asked = self._count(api, body, arrived)
        turn = self._turn(api, asked, arrived, batch)
        bill = self._bill(turn, asked, arrived)
        if not turn.wire.status:
            message = "The server had an error while processing your request"
            turn = replace(turn, wire=wire.error(500, "server_error", "server_error", message))
        tier = (turn.tier or BATCH) if turn.billed else ""
        return turn.wire, replace(bill, tier=tier, status=turn.wire.status, batch=batch.id)

    def now(self) -> float:
        """Seconds since 1970 by the loop's clock, which never goes back, and which a test may set."""
        now = get_running_loop().time()
        epoch = _EPOCHS.setdefault(get_running_loop(), time.time() - now)
        if self._began is None:
            self._began = epoch + now
        return epoch + now

    def _count(self, api: str, body: bytes, arrived: float) -> Asked:
        self._n += 1
        digest = sha256(api.encode() + b"\0" + body).digest()
        if self.script.draws:
            self._attempts[digest] += 1
        return Asked(self._n, digest, self._attempts[digest], arrived - (self._began or arrived), body)

    async def _work(self, seconds: float) -> None:
        async with self._room:
            if seconds:
                await anyio.sleep(seconds)

    def _bill(self, turn: _Turn, asked: Asked, arrived: float) -> Line:
        who = (self.now(), arrived, asked.n, asked.digest.hex())
        used = {name: count for name, count in asdict(turn.usage).items() if name != "whole"}
        what = {**used, "fault": turn.fault, "model": turn.model, "tier": turn.tier}
        return Line(*who, turn.billed, turn.wire.status, **what)

    def _turn(self, api: str, asked: Asked, now: float, batch: InBatch | None = None) -> _Turn:
        """Checks body, model, quota and faults, in this order; the first that refuses decides."""
        try:
            question = answers.read(api, asked.body)
            said = self.said(question, asked.digest)
        except ValueError as problem:
            return _refusal(400, "invalid_request", str(problem), "bad_request")
        if batch:
            said = replace(said, tier=batch.tier)
        return replace(self._judged(api, asked, said, now, batch), model=question.model)

    def said(self, question: answers.Question, digest: bytes) -> answers.Said:
        """What the model says to a question; a test may let it say something else."""
        return answers.answer(self.script, question, digest)

    def _judged(self, api: str, asked: Asked, said: answers.Said, now: float, batch: InBatch | None) -> _Turn:
        if self.script.models is not None and said.model not in self.script.models:
            return _refusal(404, "model_not_found", self._stranger(said.model), "not_found")
        headers: dict[str, str] = {}
        if self._gate and not batch:
            verdict = self._gate.admit(said.usage.input + said.usage.output, now)
            headers = verdict.headers
            if not verdict.passes:
                return _refused_by_quota(verdict)
        rule = (batch and batch.fault) or self._rule(asked)
        response = (
            wire.faulty(rule, api, asked.digest, said) if rule else wire.answered(api, asked.digest, said)
        )
        response = replace(response, headers=headers | response.headers)
        fault = rule.fault if rule else ""
        if rule and not rule.charged:
            return _Turn(response, fault=fault)
        seconds = latency_of(self.script, asked)
        return _Turn(response, True, said.usage, fault, tier=said.tier, seconds=seconds)

    def _rule(self, asked: Asked) -> Rule | None:
        place = decide(self.script, asked, self._struck)
        if place is None:
            return None
        rule = self.script.faults[place]
        if rule.times is not None:
            self._struck[asked.digest, place] += 1
        return rule

    def _stranger(self, model: str) -> str:
        near = get_close_matches(model, self.script.models or (), n=3)
        hint = f" Near names: {', '.join(near)}." if near else ""
        return f"The model '{model}' does not exist.{hint}"


def _refusal(status: int, code: str, message: str, fault: str) -> _Turn:
    return _Turn(wire.error(status, code, "invalid_request_error", message), fault=fault)


def _refused_by_quota(verdict: Verdict) -> _Turn:
    message = f"Rate limit reached for {verdict.limit} per {verdict.per}"
    refused = wire.error(429, "rate_limit_exceeded", verdict.limit, message)
    return _Turn(replace(refused, headers=refused.headers | verdict.headers), fault="quota")
