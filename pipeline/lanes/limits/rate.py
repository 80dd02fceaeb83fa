"""So many requests, or tokens, in any minute or day: first come, first served, evenly and without a burst.

What is taken is a reservation: once the reply says what was really used, the rest is given back, or the
excess is charged to the next ones. Two rules hold at once: a window that remembers what was taken
(no period ever holds more than the limit) and an even spacing (GCRA: "generic cell rate algorithm",
ITU-T I.371), because servers fill their buckets evenly too. A day's limit is not spaced: it may be used
up at once. Requests are spaced by what they usually use, because what is reserved beyond it comes back.
This module does not know where a limit came from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.core.domain import Reply
from pipeline.lanes.limits.limit import End, Limit, Ticket

MINUTE = 60.0
DAY = 86_400.0
EVENLY = 0.985
"""the spacing keeps to this share of the limit: a clock or a wire may be a little off"""
LATE = 0.05
"""a request that was waited for may come so many seconds late, and the later ones lose no time"""
LATE_REFUSED = 0.005
"""the same where the server has refused: its bucket may be too small for two requests close together"""
MOST_LEFT = 1.0
"""seconds of a limit that are sent at once where the server says that they are left"""
CREDIT = 2.0
"""seconds of a known limit that may be caught up when something else held the line up meanwhile"""
SLACK = 0.25
"""seconds that the window is longer than the period: requests do not arrive when they are sent"""
GRAINS = 6000
"""entries that a full window is kept in, at the most"""


@dataclass(eq=False, slots=True)
class _Entry:
    since: float
    at: float
    amount: float


@dataclass(frozen=True, slots=True)
class _Reserved:
    """What one ticket holds: `amount` of the window, and `usual`, by which the next ones are spaced."""

    entry: _Entry
    amount: float
    usual: float


class Rate(Limit):
    """`limit` per `period` seconds of whatever `amount` says a ticket takes; None: no limit."""

    def __init__(
        self,
        name: str,
        limit: float | None,
        period: float = MINUTE,
        amount: Callable[[Ticket], float] = lambda _: 1.0,
        usual: Callable[[Ticket], float] = lambda _: 1.0,
        used: Callable[[Reply], float | None] = lambda _: None,
    ) -> None:
        self.name = name
        self.limit = limit
        self.found: float | None = None
        """the rate that a server proved to allow; it spaces, but no window counts an earlier burst"""
        self.strict = False
        """whether nothing is caught up: the server has refused"""
        self._period = period
        self._amount = amount
        self._usual = usual
        self._used = used
        self._entries: deque[_Entry] = deque()
        self._sum = 0.0
        self._next = 0.0
        self._awaited = False
        self._spaced_for: float | None = None
        self._held: dict[Ticket, _Reserved] = {}

    @property
    def rate(self) -> float | None:
        """The rate by which requests are spaced; None where nothing is known."""
        even = EVENLY * self.limit if self.limit else None
        return min(even, self.found) if even and self.found else even or self.found

    def _forget(self, now: float) -> None:
        old = now - self._period - SLACK
        while self._entries and self._entries[0].at <= old:
            self._sum -= self._entries.popleft().amount
        if not self._entries:
            self._sum = 0.0  # rounding must not add up

    def _share(self, ticket: Ticket) -> float:
        """What the ticket takes, at most the whole limit: more could never pass."""
        return min(self._amount(ticket), self.limit or 0.0)

    def delay(self, ticket: Ticket, now: float) -> float:
        """Seconds until both the spacing and the window let it pass."""
        if not self.rate:
            return 0.0
        self._follow(self.rate, now)
        spacing = self._next - self._credit - now if self._period < DAY else 0.0
        self._awaited = self._awaited or spacing > 0
        self._forget(now)
        if not self.limit:
            return max(spacing, 0.0)
        lacking = self._sum + self._share(ticket) - self.limit
        if lacking <= 1e-6:
            return max(spacing, 0.0)
        for entry in self._entries:
            lacking -= entry.amount
            if lacking <= 1e-6:
                return max(spacing, entry.at + self._period + SLACK - now, 1e-4)
        return max(spacing, 1e-3)

    @property
    def _credit(self) -> float:
        """Seconds that may be caught up; none after a refusal: the bucket is small, or others use it, too."""
        return 0.0 if self.strict else CREDIT

    def _follow(self, rate: float, now: float) -> None:
        """Space anew what was spaced for another rate; begin without any credit."""
        if self._spaced_for is None:
            self._next = now + self._credit
        elif self._spaced_for != rate:
            debt = self._next - self._credit - now
            if debt > 0:
                debt = min(debt * self._spaced_for / rate, self._period)
            self._next = now + self._credit + debt
        self._spaced_for = rate

    def grant(self, now: float, left: float) -> None:
        """Let so many pass at once: the server says that they are left."""
        if self.rate and left > 0:
            self._follow(self.rate, now)
            self._next = min(self._next, now + self._credit - min(left * self._period / self.rate, MOST_LEFT))

    def take(self, ticket: Ticket, now: float) -> None:
        """Reserve what the ticket is expected to use. Kept without a limit too: one may be told later."""
        amount = self._share(ticket) if self.limit else (1.0 if self.name != "tpm" else 0.0)
        if not amount:
            return
        usual = min(self._usual(ticket), amount)
        self._held[ticket] = _Reserved(self._keep(amount, now), amount, usual)
        if self.rate:
            late = self._awaited and now - self._next <= (LATE_REFUSED if self.strict else LATE)
            self._next = (min(now, self._next) if late else now) if self.strict else max(now, self._next)
            self._space(usual)
            self._awaited = False

    def _space(self, amount: float) -> None:
        """Move the next one's time by what was taken or, below 0, given back."""
        self._next += amount * self._period / self.rate if self.rate else 0.0

    def _keep(self, amount: float, at: float) -> _Entry:
        self._sum += amount
        last = self._entries[-1] if self._entries else None
        if last is not None and last.at <= at < last.since + self._period / GRAINS:
            last.at = at
            last.amount += amount
            return last
        entry = _Entry(at, at, amount)
        self._entries.append(entry)
        return entry

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Give back what was not used, or owe what was used beyond it."""
        held = self._held.pop(ticket, None)
        if held is None:
            return
        used = self._used(end) if isinstance(end, Reply) else None
        if end is None:
            used = 0.0
        if used is None:
            return
        self._space(used - held.usual)
        held.entry.amount += used - held.amount
        if self._entries and held.entry.at >= self._entries[0].at:
            self._sum += used - held.amount

    def seed(self, ago: float, amount: float, now: float) -> None:
        """Remember what an earlier run took so many seconds ago; call with the longest ago first."""
        self._keep(amount, now - ago)

    def use(self, now: float) -> float | None:
        """The share of the limit that was used in the last period, or since the first request."""
        if not self.rate:
            return None
        self._forget(now)
        since = self._entries[0].since if self._entries else now
        part = 1.0 if self._period >= DAY else min(max(now - since, 1.0) / self._period, 1.0)
        return min(self._sum / (self.rate * part), 1.0)


def used_tokens(reply: Reply) -> float | None:
    """Tokens that a reply used, as the server counted them; None where it does not count them all."""
    usage = reply.answer.usage if reply.answer else None
    return usage.input + usage.output if usage and usage.whole and (usage.input or usage.output) else None
