"""What a run may spend: a request's highest possible cost is reserved first, then replaced by the real one.

It fails closed. A request that does not fit waits while others are under way, because they may cost less
than was reserved; when none is, the run stops. Where only batches hold what is lacking, it is left to the
next walk, because they are collected between walks. Attempts that may have been billed count in the budget at
their highest possible cost, and have a bound of their own.
This module does not know what a token costs.
"""

from __future__ import annotations

from pipeline.core.domain import Billed, Fate, Fault, Reply, Unanswered
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket
from pipeline.money.budget import Budget, Spent
from pipeline.money.tariff import Tariff

_ONE = Spent(requests=1)


class Budgeted(Limit):
    """What one lane's requests take from the run's budget."""

    name = "budget"

    def __init__(self, budget: Budget, tariff: Tariff) -> None:
        self._budget = budget
        self._tariff = tariff
        self._held: dict[Ticket, Spent] = {}

    def _need(self, ticket: Ticket) -> Spent:
        budget = self._budget.spec
        if budget.cost is None and budget.tokens is None:
            return _ONE
        expected = ticket.expected
        tokens = round(expected.worst_input + expected.most)
        return Spent(self._tariff.most(ticket.request, expected) or 0, tokens, 1)

    def delay(self, ticket: Ticket, now: float) -> float:
        """0 where it fits; raises a fault that stops the run where it never will."""
        budget = self._budget
        if waste := budget.wasted():
            raise Fault("maybe_billed", waste, fate=Fate.STOP)
        if not budget.is_limited:
            return 0.0
        need = self._need(ticket)
        if not budget.lacks(need):
            return 0.0
        if budget.held.requests > budget.batched.requests:
            return UNTIL_CHANGE
        if budget.batched.requests:
            raise Unanswered(ticket.request)
        raise Fault("out_of_budget", f"the next request would pass {budget.never_fits(need)}", fate=Fate.STOP)

    def take(self, ticket: Ticket, now: float) -> None:
        """Reserve the highest possible cost."""
        need = self._need(ticket)
        self._held[ticket] = need
        self._budget.held.add(need)
        self._budget.most_at_once = max(self._budget.most_at_once, self._budget.held.requests)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Give back what was held, and count what was spent."""
        budget, held = self._budget, self._held.pop(ticket)
        budget.held.add(held, -1)
        if isinstance(end, Reply):
            real = _real(end, held)
            budget.spent.add(real)
            budget.good.add(real)
        elif isinstance(end, Fault):
            if end.billed is Billed.NO:
                budget.spent.add(_ONE)
            else:
                worst = Spent(self._tariff.most(ticket.request, ticket.expected) or 0, held.tokens, 1)
                budget.spent.add(worst)
                budget.maybe.add(worst)
                budget.probes += ticket.probe or end.kind == "rate_limited"
        if budget.is_limited:  # else no lane waits for it
            budget.wake()


def _real(reply: Reply, held: Spent) -> Spent:
    if reply.answer is None or not reply.answer.counted:
        return held  # the server does not count all: what was reserved is the best that is known
    usage = reply.answer.usage
    return Spent(held.cost if reply.cost is None else reply.cost, usage.input + usage.output, 1)
