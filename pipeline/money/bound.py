"""The most that a run can spend on a request, with all that may follow it.

That is: repairs, fresh starts, continuations, stronger models, further samples, judges; for each of them all
tries that may be billed, and all fallback models. There is no such bound where an answer has no token limit,
or where a price is not known. This module does not know the journal, and sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.core import adapters
from pipeline.core.contracts import Asks
from pipeline.core.domain import Request
from pipeline.job.endpoints import places_of
from pipeline.job.models import Model
from pipeline.job.spec import Job, Step
from pipeline.money import tokens
from pipeline.money.estimate import Expected
from pipeline.money.lanes import resolved_lane, tier_of
from pipeline.money.tariff import TIER, Tariff, tariff_of

COMPLAINT = 512  # the most tokens of a complaint, beside what it quotes of the question and of a judge
_TWICE = 2  # a judge whose answer is of no use is asked once more
_LIMITS = {"responses": "max_output_tokens", "chat": "max_tokens", "completions": "max_tokens"}
_OWN = "max_completion_tokens"  # what OpenAI's own chat takes: its reasoning models refuse max_tokens


@dataclass(frozen=True)
class _Asked:
    """A model of a chain: its name in the job, its tariff at each place, and its tries that may be billed."""

    name: str
    tariffs: tuple[Tariff, ...]
    tries: int
    counted: bool  # whether its tokens can be counted beforehand
    tier: str  # in which it is asked
    limit: str  # the parameter that limits an answer's tokens; '' where the dialect has none
    most_given: int | None  # the limit that its parameters set

    @classmethod
    def of(cls, name: str, model: Model) -> _Asked:
        places = places_of(name, model)
        provider = adapters.load("providers", model.provider)
        hosts = {urlsplit(provider.address(place.model)).hostname for place in places}
        official = hosts == {"api.openai.com"}
        tries = 1 + model.limits.maybe_billed_retries
        if model.fallback and model.fallback.after:
            tries = min(tries, model.fallback.after)
        limit = _OWN if official and model.api == "chat" else _LIMITS.get(model.api, "")
        tariffs = tuple(tariff_of(place.model) for place in places)
        counted = official and "tools" not in model.params
        tier = tier_of(resolved_lane(model)) or str(model.params.get(TIER) or "")
        return cls(name, tariffs, tries, counted, tier, limit, tokens.limit_of(model.params))

    @property
    def free(self) -> bool:
        return all(tariff.free for tariff in self.tariffs)

    def most(self, request: Request, taken: float, given: int) -> int | None:
        """Nano-dollars of all tries of a request with so many tokens."""
        expected = Expected(taken, given, given)
        asked = request.with_tier(self.tier) if self.tier else request
        costs = [tariff.most(asked, expected) for tariff in self.tariffs]
        return None if None in costs else self.tries * max(cost for cost in costs if cost is not None)


class _Sized(NamedTuple):
    """A model that may be asked a question, the question's tokens for it, and the most tokens it answers."""

    asked: _Asked
    request: Request
    taken: float
    given: int


class _UnboundedError(Exception):
    """Why there is no bound, and what to do about it."""


class Bound:
    """The most that the requests of one step can cost."""

    def __init__(self, job: Job, step: Step, repairs: int) -> None:
        self._follows = step.follows
        self.samples = self._follows.samples
        self._turns = (1 + repairs) * (1 + self._follows.continuations)
        names = (step.asked[0], *self._follows.escalate)
        self._names = ("", *self._follows.escalate)
        self._chains = [_chain(job, step, name) for name in names]
        picked = self._follows.picked
        asks = (*self._follows.judged, *((picked,) if picked else ()))
        self._critics = {one.model: _chain(job, step, one.model) for one in asks}
        others = [_Asked.of(name, model) for name, model in job.models_of(step).items()]
        self.free = all(asked.free for asked in (*self._chains[0], *others))
        self._unbounded = step.unbounded or next(
            (f"{one.open}: set budget.cost" for one in asks if one.open), ""
        )
        self.why_not = ""  # why there is no bound, and what to do about it
        self._picked = set[int]()  # questions whose samples are compared: once for all of them

    def most(self, request: Request) -> int | None:
        """Nano-dollars for a request that is not answered, with all that may follow it; None for no bound."""
        if self.free:
            return 0
        try:
            if self._unbounded:
                raise _UnboundedError(self._unbounded)
            if request.via not in self._names or request.via in self._critics:
                waits = "an answer waits for its judge, and what follows depends on it: set budget.cost"
                raise _UnboundedError(waits)
            return self._most(request)
        except _UnboundedError as error:
            self.why_not = str(error)
            return None

    def _most(self, request: Request) -> int:
        place, follows = self._names.index(request.via), self._follows
        bare = replace(request, body=b"{}", instead=None)  # prices go by its tier alone
        text = len(request.body) + tokens.size(request).media
        later = [
            [_Sized(one, bare, text, _given(one)) for one in chain] for chain in self._chains[place + 1 :]
        ]
        sizes = [list(self._sized(request, self._chains[place])), *later]
        longest = max(one.given for chain in sizes for one in chain)
        quoted = sum(
            asks.shown + asks.told * max(map(_given, self._critics[asks.model]))
            for asks in follows.judged
            if asks.told
        )
        complaint = COMPLAINT + quoted
        parts = max(1, len(request.segments))  # of a batch of segments, each is asked for again by itself
        total, failed = 0, 0
        for number, chain in enumerate(sizes):
            for start in range(1 + follows.fresh_starts):
                noted = failed * (text + complaint) if start else 0
                done = request.turns // 2 if not (number or start or follows.continuations) else 0
                for turn in range(max(1, self._turns - done)):
                    times = parts if number or start or turn else 1
                    for asked, sent, taken, given in chain:
                        size = taken + noted + turn * (taken + longest + complaint)
                        total += times * _cost(asked, sent, size, given)
                    for asks in follows.judged:
                        total += self._judged(asks, bare, text + longest * (1 + follows.continuations))
                failed += 1
        total *= follows.samples if follows.serial else 1
        question = hash((request.body, re.sub("s[0-9]+$", "", request.draw)))  # of all samples
        if follows.picked and question not in self._picked:
            self._picked.add(question)
            total += self._judged(follows.picked, bare, text + 2 * longest * (1 + follows.continuations))
        return total

    def _judged(self, asks: Asks, bare: Request, texts: int) -> int:
        """What it costs at most to ask about texts with so many tokens."""
        chain, taken = self._critics[asks.model], texts + asks.shown + COMPLAINT
        if all(one.free for one in chain):
            return 0
        most = sum(_cost(one, bare, taken, _given(one) if asks.told else 0) for one in chain)
        return _TWICE * asks.requests * most

    @staticmethod
    def _sized(request: Request, chain: Sequence[_Asked]) -> Iterator[_Sized]:
        for asked, either in zip(chain, request.either, strict=True):
            size = tokens.size(either, exact=asked.counted)
            if size.limit is None:
                raise _unlimited(asked)
            taken = size.input if size.exact else len(either.body) + size.media
            yield _Sized(asked, either, taken, size.limit)


def _chain(job: Job, step: Step, name: str) -> list[_Asked]:
    return [_Asked.of(name, model) for name, model in job.asked_by(step, name).items()]


def _given(asked: _Asked) -> int:
    if asked.most_given is None:
        raise _unlimited(asked)
    return asked.most_given


def _cost(asked: _Asked, request: Request, taken: float, given: int) -> int:
    cost = asked.most(request, taken, given)
    if cost is None:
        raise _UnboundedError(f"the price of the model '{asked.name}' is not known")
    return cost


def _unlimited(asked: _Asked) -> _UnboundedError:
    if not asked.limit:
        return _UnboundedError(f"the dialect of the model '{asked.name}' has no token limit: set budget.cost")
    return _UnboundedError(f"set a token limit for the model '{asked.name}': params: {{{asked.limit}: …}}")
