"""The most that a run can spend on a request: all repairs, all tries that may be billed, all fallback models.

There is no such bound where an answer has no token limit, or where a price is not known.
This module does not know the journal, and sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pipeline.core import adapters
from pipeline.core.domain import Request
from pipeline.job.endpoints import places_of
from pipeline.job.models import Model
from pipeline.job.spec import Job, Step
from pipeline.money import tokens
from pipeline.money.estimate import Expected
from pipeline.money.lanes import resolved_lane, tier_of
from pipeline.money.tariff import Tariff, tariff_of

COMPLAINT = 512  # the most tokens of a complaint, beside what it quotes of the question
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
        return cls(name, tariffs, tries, counted, tier_of(resolved_lane(model)), limit)

    @property
    def free(self) -> bool:
        return all(tariff.free for tariff in self.tariffs)

    def most(self, request: Request, taken: float, given: int) -> int | None:
        """Nano-dollars of all tries of a request with so many tokens."""
        expected = Expected(taken, given, given)
        asked = request.with_tier(self.tier) if self.tier else request
        costs = [tariff.most(asked, expected) for tariff in self.tariffs]
        return None if None in costs else self.tries * max(cost for cost in costs if cost is not None)


class Bound:
    """The most that the requests of one step can cost."""

    def __init__(self, job: Job, step: Step, repairs: int) -> None:
        self._repairs = repairs
        self._chain = [_Asked.of(name, model) for name, model in job.asked_by(step, step.asked[0]).items()]
        others = [_Asked.of(name, model) for name, model in job.models_of(step).items()]
        self.free = all(asked.free for asked in (*self._chain, *others))
        self._unbounded = step.unbounded
        self.why_not = ""  # why there is no bound, and what to do about it

    def most(self, request: Request) -> int | None:
        """Nano-dollars for a request that is not answered, with all that may follow it; None for no bound."""
        if self.free:
            return 0
        if self._unbounded:
            self.why_not = self._unbounded
            return None
        sizes: list[tuple[_Asked, Request, float, int]] = []
        for asked, either in zip(self._chain, request.either, strict=True):
            size = tokens.size(either, exact=asked.counted)
            if size.limit is None:
                self.why_not = self._unlimited(asked)
                return None
            sizes.append(
                (asked, either, size.input if size.exact else len(either.body) + size.media, size.limit)
            )
        longest = max(limit for *_, limit in sizes)
        total = 0
        for turn in range(1 + max(0, self._repairs - request.turns // 2)):
            for asked, sent, taken, limit in sizes:
                cost = asked.most(sent, taken + turn * (taken + longest + COMPLAINT), limit)
                if cost is None:
                    self.why_not = f"the price of the model '{asked.name}' is not known"
                    return None
                total += cost
        return total

    @staticmethod
    def _unlimited(asked: _Asked) -> str:
        if not asked.limit:
            return f"the dialect of the model '{asked.name}' has no token limit: set budget.cost"
        return f"set a token limit for the model '{asked.name}': params: {{{asked.limit}: …}}"
