"""What a run may spend: reserved at its worst before a request is sent, settled by what it really used.

It fails closed. A request that does not fit waits while others are under way, because they may cost less
than was reserved; when nobody is, the run stops. Attempts that may have been billed are held against the
budget at their worst, and have a bound of their own.
This module does not know prices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.domain import DOLLAR, Billed, Fate, Fault, Reply, Request
from pipeline.job import Budget
from pipeline.limits._base import UNTIL_CHANGE, End, Limit, Ticket
from pipeline.tally import dollars
from pipeline.toll import Toll

WASTE_SHARE = 0.5
WASTE_REQUESTS = 50


@dataclass
class Spent:
    """Nano-dollars, tokens and requests."""

    cost: int = 0
    tokens: int = 0
    requests: int = 0

    def add(self, other: Spent, times: int = 1) -> None:
        """Add it, or with -1 take it away."""
        self.cost += times * other.cost
        self.tokens += times * other.tokens
        self.requests += times * other.requests


@dataclass
class Purse:
    """One for all lanes of a run. `spent` begins with what earlier runs of the job have spent."""

    budget: Budget
    spent: Spent = field(default_factory=Spent)
    held: Spent = field(default_factory=Spent)
    maybe: Spent = field(default_factory=Spent)
    """of this run: attempts that may have been billed, and brought nothing"""
    probes: int = 0
    """how many of them asked for all whether a server is up again"""
    good: Spent = field(default_factory=Spent)
    """of this run: attempts that were answered"""
    good_before: int = 0
    """attempts that were answered in earlier runs"""
    maybe_before: int = 0
    """attempts of earlier runs that may have been billed, and brought nothing"""
    maybe_cost_before: int = 0
    """nano-dollars that they have cost at the most"""
    most_at_once: int = 0
    wake: Callable[[], None] = lambda: None
    """called when something was given back, because another lane may wait for it"""

    def lacks(self, need: Spent) -> str:
        """The limit that a need would pass, counted with all that is held; '' where it fits."""
        return _passed(self.budget, self.spent, self.held, need, self._doubtful)

    def never_fits(self, need: Spent) -> str:
        """The limit that it would pass though nothing were held."""
        return _passed(self.budget, self.spent, Spent(), need, self._doubtful)

    @property
    def _doubtful(self) -> int:
        """Nano-dollars of what was spent that may not have been."""
        return self.maybe_cost_before + self.maybe.cost

    def wasted(self) -> str:
        """Why no more may go to attempts that may have been billed for nothing; '' while it may."""
        cap = self.budget.maybe_billed
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
        return f"{lost} may have been billed and brought nothing: more than {most}"


def _passed(budget: Budget, spent: Spent, held: Spent, need: Spent, doubtful: int) -> str:
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


class Budgeted(Limit):
    """One lane's hand in the purse."""

    name = "budget"

    def __init__(self, purse: Purse, toll: Toll) -> None:
        self._purse = purse
        self._toll = toll
        self._held: dict[Ticket, Spent] = {}

    def _need(self, ticket: Ticket) -> Spent:
        budget = self._purse.budget
        if budget.cost is None and budget.tokens is None:
            return Spent(requests=1)
        expected = ticket.expected
        tokens = round(expected.worst_input + expected.most)
        return Spent(self._toll.most(ticket.request, expected) or 0, tokens, 1)

    def delay(self, ticket: Ticket, now: float) -> float:
        """0 where it fits; raises a fault that stops the run where it never will."""
        purse = self._purse
        if waste := purse.wasted():
            raise Fault("maybe_billed", waste, fate=Fate.STOP)
        need = self._need(ticket)
        if not purse.lacks(need):
            return 0.0
        if purse.held.requests:
            return UNTIL_CHANGE
        raise Fault("out_of_budget", f"the next request would pass {purse.never_fits(need)}", fate=Fate.STOP)

    def take(self, ticket: Ticket, now: float) -> None:
        """Hold the worst."""
        need = self._need(ticket)
        self._held[ticket] = need
        self._purse.held.add(need)
        self._purse.most_at_once = max(self._purse.most_at_once, self._purse.held.requests)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Give back what was held, and count what was spent."""
        purse, held = self._purse, self._held.pop(ticket)
        purse.held.add(held, -1)
        if isinstance(end, Reply):
            real = self._real(ticket.request, end, held)
            purse.spent.add(real)
            purse.good.add(real)
        elif isinstance(end, Fault):
            if end.billed is Billed.NO:
                purse.spent.add(Spent(requests=1))
            else:
                worst = Spent(self._toll.most(ticket.request, ticket.expected) or 0, held.tokens, 1)
                purse.spent.add(worst)
                purse.maybe.add(worst)
                purse.probes += end.probe
        purse.wake()

    def _real(self, request: Request, reply: Reply, held: Spent) -> Spent:
        usage = reply.answer.usage if reply.answer else None
        if reply.answer is None or usage is None or not (usage.input or usage.output):
            return held  # the server counts nothing: what was reserved is the best that is known
        cost = self._toll.cost(reply.answer)
        return Spent(held.cost if cost is None else cost, usage.input + usage.output, 1)

    def use(self, now: float) -> float | None:
        """The share of the tightest budget that is spent."""
        budget, spent = self._purse.budget, self._purse.spent
        shares = [
            spent.cost / (budget.cost * DOLLAR) if budget.cost else None,
            spent.tokens / budget.tokens if budget.tokens else None,
            spent.requests / budget.requests if budget.requests else None,
        ]
        return max((share for share in shares if share is not None), default=None)
