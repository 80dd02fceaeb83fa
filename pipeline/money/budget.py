"""What a run may spend: reserved before a request is sent, settled after it.

This module does not know prices, lanes or the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.core.display import dollars
from pipeline.core.domain import DOLLAR
from pipeline.job.spec import BudgetSpec

WASTE_SHARE = 0.5
WASTE_REQUESTS = 50


@dataclass
class Spent:
    """Nano-dollars, tokens and requests."""

    cost: int = 0
    tokens: int = 0
    requests: int = 0

    def add(self, other: Spent, times: int = 1) -> None:
        """Add another one, or with -1 subtract it."""
        self.cost += times * other.cost
        self.tokens += times * other.tokens
        self.requests += times * other.requests


@dataclass
class Budget:
    """The budget of all lanes of a run. `spent` begins with what earlier runs of the job have spent."""

    spec: BudgetSpec
    spent: Spent = field(default_factory=Spent)
    held: Spent = field(default_factory=Spent)
    batched: Spent = field(default_factory=Spent)
    """the part of it that batches hold, which no walk gives back"""
    maybe: Spent = field(default_factory=Spent)
    """of this run: attempts that may have been billed, and brought nothing"""
    probes: int = 0  # how many of them were probes of a server that was down
    good: Spent = field(default_factory=Spent)  # of this run: attempts that were answered
    good_before: int = 0  # attempts that were answered in earlier runs
    maybe_before: int = 0  # attempts of earlier runs that may have been billed, and brought nothing
    maybe_cost_before: int = 0  # nano-dollars that these have cost at the most
    most_at_once: int = 0
    wake: Callable[[], None] = lambda: None
    """called when something was given back, because another lane may wait for it"""

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit that reservations (`held`) count against."""
        spec = self.spec
        return spec.cost is not None or spec.tokens is not None or spec.requests is not None

    @property
    def counts_tokens(self) -> bool:
        """Whether it limits what depends on tokens: then an exact count lets more requests through."""
        spec = self.spec
        return spec.cost is not None or spec.tokens is not None or spec.maybe_billed is not None

    def lacks(self, need: Spent) -> str:
        """The limit that `need` would pass together with all that is held; '' where it fits."""
        return _passed(self.spec, self.spent, self.held, need, self._doubtful)

    def never_fits(self, need: Spent) -> str:
        """The limit that `need` would pass even if nothing were held; '' where it could fit."""
        return _passed(self.spec, self.spent, Spent(), need, self._doubtful)

    @property
    def _doubtful(self) -> int:
        """Nano-dollars of `spent` that may never have been billed."""
        return self.maybe_cost_before + self.maybe.cost

    def wasted(self) -> str:
        """Why the run must stop: too many attempts may have been billed for nothing; '' if it need not."""
        if not self.maybe.requests:
            return ""
        cap = self.spec.maybe_billed
        if cap is not None:
            over = self.maybe.cost > cap * DOLLAR
            most = f"${cap:g}"
        else:
            least = max(WASTE_REQUESTS, 2 * self.most_at_once)
            left = WASTE_SHARE * (self.good.requests + self.good_before) - self.maybe_before
            over = self.maybe.requests - self.probes > least + max(0.0, left)
            most = f"{WASTE_SHARE:.0%} of the requests"
        if not over:
            return ""
        cost = f" (at most ${self.maybe.cost / DOLLAR:.2f})" if self.maybe.cost else ""
        lost = f"{self.maybe.requests:,} attempts{cost}"
        return f"{lost} may have been billed without an answer: more than {most}"


def _passed(budget: BudgetSpec, spent: Spent, held: Spent, need: Spent, doubtful: int) -> str:
    if budget.cost is not None and spent.cost + held.cost + need.cost > round(budget.cost * DOLLAR):
        sure, maybe = dollars((spent.cost - doubtful) / DOLLAR), dollars(doubtful / DOLLAR)
        most = f"{sure} of {dollars(budget.cost)} is spent"
        most += f", and at most {maybe} more may have been billed" if doubtful else ""
        return f"budget.cost: {most}, and it can cost up to {dollars(need.cost / DOLLAR)}"
    for name in ("tokens", "requests"):
        most = getattr(budget, name)
        if most is None:
            continue
        used, more = getattr(spent, name), getattr(need, name)
        if used + getattr(held, name) + more > most:
            up_to = f", and it can use up to {more:,}" if name == "tokens" else ""
            return f"budget.{name}: {used:,} of {most:,} are used{up_to}"
    return ""
