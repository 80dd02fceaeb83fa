"""Decides from the answers around a fault what it speaks of: one request, the account, or the pace.

| what came | what came beside it | what it is |
| --- | --- | --- |
| a refusal of the key, the model or the account | an answer to a request that was sent later | this request's own fault |
| the same | nothing, for several requests | the account's: the run stops |
| a quick 5xx | answers | a refusal for the rate: the server sheds load |
| a refusal for the rate, again and again | answers to others each time | this request's own: tries count |

It stands beside `record`, so that the journal keeps what was decided.
This module does not know what a limit makes of a refusal.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from pipeline.core.domain import Fate, Fault, Request
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket

_OF_THE_ACCOUNT = frozenset({(401, "unauthorized"), (403, "forbidden"), (404, "not_found"), (402, "out_of_quota")})
"""refusals that may also be one request's own: a firewall in front of the server reads what is sent"""
SEVERAL = 3
"""requests refused with nothing answered between them, after which it is the account"""
_OVERLOADED = frozenset({503, 529})
"""statuses that say of themselves that there is too much to do"""
_BROKEN = frozenset({500, 502})
"""the same where many requests meet them"""
MANY, LATEST = 0.25, 16
"""the share of the latest attempts that is many"""
QUICK = 1.0
"""seconds; a refusal takes no longer, or no longer than answers do"""
MOST_SHED, FEW_SHED = 8, 3
"""refusals of one request that are the pace's, at the most; few until one that was refused was answered"""
OVERTAKEN = 3
"""times that a request is refused for the rate though the server had a rest before it, and though a later one
passes, before it is the cause"""
REST = 0.1
"""seconds"""
LEFT = 5
"""refusals in a row where nothing waits but what was refused before, after which these are the cause"""


@dataclass(slots=True)
class _Limited:
    """What is known of a request that was refused for the rate: `rested` is of its last try."""

    first: float
    last: float = inf
    rested: bool = False
    overtaken: int = 0


class Verdict(Limit):
    """What one lane's answers and faults say of each other.

    `well` is whether no outage is known or suspected, `waiting` how many requests wait for their turn.
    """

    name = "doubt"

    def __init__(self, well: Callable[[], bool] = lambda: True, waiting: Callable[[], int] = lambda: 0) -> None:
        self._well = well
        self._waiting = waiting
        self._good_at = -inf
        """when the latest request was sent that was answered"""
        self._refused: dict[bytes, tuple[float, int]] = {}
        """by request that may be at fault: when it was first refused, and how often"""
        self._shed: Counter[bytes] = Counter()
        """by request: quick server errors since its last answer"""
        self._limited: dict[bytes, _Limited] = {}
        """by request: its refusals for the rate since its last answer"""
        self._in_a_row = 0
        self._rested: set[bytes] = set()
        """requests under way before which nothing was sent for a while"""
        self._sent = -inf
        self._proven = False
        """whether a request was answered that the server had shed before"""
        self._broken: deque[bool] = deque(maxlen=LATEST)
        self._seconds = 0.0
        self._in_flight = 0

    def delay(self, ticket: Ticket, now: float) -> float:
        """Nothing; but where the account may be at fault, the next one waits for what is under way."""
        doubt = self._is_doubtful or (self._refused and self._good_at == -inf)
        return UNTIL_CHANGE if doubt and self._in_flight else 0.0

    def take(self, ticket: Ticket, now: float) -> None:
        """One more is under way."""
        self._in_flight += 1
        if now - self._sent >= REST:
            self._rested.add(ticket.request.digest)
        self._sent = now

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """One less is under way."""
        self._in_flight -= 1
        self._rested.discard(ticket.request.digest)

    def answered(self, request: Request, sent: float, now: float) -> None:
        """Note an answer."""
        self._good_at = max(self._good_at, sent)
        self._seconds += ((now - sent) - self._seconds) / (8 if self._seconds else 1)
        self._broken.append(False)
        self._proven = self._shed.pop(request.digest, 0) > 0 or self._proven
        self._refused.pop(request.digest, None)
        self._limited.pop(request.digest, None)
        self._in_a_row = 0

    def on(self, fault: Fault, request: Request, sent: float, now: float) -> Fault:
        """The fault as what it speaks of."""
        if (fault.status, fault.kind) in _OF_THE_ACCOUNT:
            return self._of_the_account(fault, request, sent)
        if fault.kind == "rate_limited":
            return self._of_the_rate(fault, request, sent)
        if fault.kind == "server_error" and self._is_shed(fault, request, now - sent):
            return fault.but(kind="rate_limited")
        return fault

    def _of_the_account(self, fault: Fault, request: Request, sent: float) -> Fault:
        """Sent once more at first; others that are asked meanwhile tell whose fault it is."""
        first, times = self._refused.pop(request.digest, (sent, 0))
        if self._good_at > first:
            return fault.but(fate=Fate.FAIL)
        self._refused[request.digest] = first, times + 1
        if self._in_flight <= 1 and self._is_doubtful:
            return fault
        if self._in_flight > 1 or times == 0 or self._waiting():
            return fault.but(fate=Fate.RETRY)
        return fault if self._good_at == -inf else fault.but(fate=Fate.FAIL)

    @property
    def _is_doubtful(self) -> bool:
        return sum(since >= self._good_at for since, _ in self._refused.values()) >= SEVERAL

    def _of_the_rate(self, fault: Fault, request: Request, sent: float) -> Fault:
        self._in_a_row += 1
        known = self._limited.setdefault(request.digest, _Limited(sent))
        known.overtaken += known.rested and known.last < self._good_at
        known.last, known.rested = sent, request.digest in self._rested
        left = known.first < self._good_at and self._waiting() < len(self._limited) and self._in_flight <= 1
        alone = known.overtaken >= OVERTAKEN or (left and self._in_a_row >= LEFT)
        return fault.but(kind="refused_alone") if alone else fault

    def _is_shed(self, fault: Fault, request: Request, seconds: float) -> bool:
        self._broken.append(True)
        alone = self._good_at == -inf and self._in_flight <= 1
        if alone or seconds > max(QUICK, 2 * self._seconds) or not self._well():
            return False
        self._shed[request.digest] += 1
        many = self._proven and sum(self._broken) >= MANY * LATEST
        if fault.status not in _OVERLOADED and not (fault.status in _BROKEN and many):
            return False
        return self._shed[request.digest] <= (MOST_SHED if self._proven else FEW_SHED)
