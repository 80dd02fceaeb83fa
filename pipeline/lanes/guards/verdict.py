"""Decides from the answers around a fault what it speaks of: one request, the account, or the pace.

| what came | beside it | what it is |
| --- | --- | --- |
| a refusal of key, model or account | an answer to a request that was sent later | this request's own fault |
| the same | nothing, for several requests and one from elsewhere | the account's: the run stops |
| the same | nothing; only a few requests are left, and others were answered before | their own fault |
| a quick 5xx | answers | a refusal for the rate: the server sheds load |
| a refusal for the rate, again and again | answers to others each time | this request's own: tries count |
| no room in a tier | the request asks for no other tier | a refusal for the rate |

It stands beside `record`, so that the journal keeps what was decided.
This module does not know what a limit makes of a refusal.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from pipeline.core.domain import FLEX, Fate, Fault, Reply, Request
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket
from pipeline.wire.refusals import NO_ROOM

OF_THE_ACCOUNT = frozenset(
    {"unauthorized", "forbidden", "not_found", "out_of_quota", "not_an_api", "proxy_refused"}
)
"""refusals that may also be one request's own: a firewall in front of the server reads what is sent"""
_OF_THE_KEY = frozenset({"unauthorized", "out_of_quota"})
"""those of them that hardly ever are: one is enough to wait for what is under way"""
SEVERAL = 3
"""requests refused with nothing answered between them, one of them from elsewhere: then it is the account"""
FEW = 5
"""requests at the end of a job that may all be refused for what they say, where others were answered"""
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
OVERTAKEN = 5
"""times that a request is refused for the rate though the server had a rest before it, and though a later one
passes, before it is the cause: after fewer the rate may not be found. Where one that was refused passes, it
was the rate."""
REST = 0.1
"""seconds"""
LEFT, LEFT_SECONDS = 5, 60.0
"""refusals in a row where nothing waits but what was refused before, and seconds since the last answer, after
which these are the cause: a rate of so many a minute lets one pass sooner"""


@dataclass(slots=True)
class _Limited:
    """What is known of a request that was refused for the rate: its first and its last try.

    `rested` is whether nothing was sent for a while before the last one.
    """

    first: int
    last: int
    rested: bool = False
    overtaken: int = 0


class Verdict(Limit):
    """What one lane's answers and faults say of each other. Requests are numbered in the order they are sent.

    `well` is whether no outage is known or suspected, `waiting` how many requests wait for their turn, and
    `fresh` how many of them were not sent yet. `last_first` lets the last of these go next: neighbours in a
    job may have the same fault.
    """

    name = "doubt"

    def __init__(
        self,
        well: Callable[[], bool] = lambda: True,
        waiting: Callable[[], int] = lambda: 0,
        fresh: Callable[[], int] = lambda: 0,
        last_first: Callable[[], None] = lambda: None,
    ) -> None:
        self._well = well
        self._waiting = waiting
        self._fresh = fresh
        self._last_first = last_first
        self._answered_before = False
        """whether an earlier run has answers"""
        self._known: frozenset[bytes] = frozenset()
        """refused in an earlier run in which others were answered after them"""
        self._let_go = 0
        """requests that failed alone at the end, with nothing answered between them"""
        self._seeks = False
        """whether the next new request is one from elsewhere"""
        self._probe = b""
        """the request from elsewhere that is under way"""
        self._elsewhere_too = False
        """whether one from elsewhere was refused, too"""
        self._sent = 0
        self._sent_at = -inf
        self._under_way: dict[bytes, tuple[int, bool]] = {}
        """by request: its number, and whether nothing was sent for a while before it"""
        self._good = 0
        """the latest number that was answered; 0 where none was"""
        self._refused: dict[bytes, tuple[int, str]] = {}
        """by request that may be at fault: its number when it was first refused, and the kind"""
        self._shed: Counter[bytes] = Counter()
        """by request: quick server errors since its last answer"""
        self._proven = False
        """whether a request was answered that the server had shed before"""
        self._broken: deque[bool] = deque(maxlen=LATEST)
        """of the latest attempts: whether they were quick server errors"""
        self._limited: dict[bytes, _Limited] = {}
        """by request: its refusals for the rate since its last answer"""
        self._in_a_row = 0
        """refusals for the rate since the last answer"""
        self._recovered = 0
        """the latest number that was answered after it had been refused for the rate"""
        self._answered_at = -inf
        self._seconds = 0.0
        """that answers take"""

    def delay(self, ticket: Ticket, now: float) -> float:
        """Nothing; but where the account may be at fault, the next one waits for what is under way."""
        doubt = self.in_doubt or (self._refused and not self._good)
        return UNTIL_CHANGE if doubt and self._under_way else 0.0

    def take(self, ticket: Ticket, now: float) -> None:
        """Number it."""
        self._sent += 1
        digest = ticket.request.digest
        self._under_way[digest] = self._sent, now - self._sent_at >= REST
        if self._seeks and ticket.request.attempt == 1 and digest not in self._known:
            self._seeks, self._probe = False, digest
        self._sent_at = now

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """One less is under way."""
        if isinstance(end, Reply):
            self._answered_at = now
        self._under_way.pop(ticket.request.digest, None)
        if ticket.request.digest == self._probe:
            self._probe = b""

    def remember(self, answered: bool, refused: Iterable[bytes]) -> None:
        """Note whether earlier runs have answers, and what was refused in them before a later answer."""
        self._answered_before, self._known = answered, frozenset(refused)

    def answered(self, request: Request, seconds: float) -> None:
        """Note an answer."""
        digest = request.digest
        self._good = max(self._good, self._number(digest))
        self._seconds += (seconds - self._seconds) / (8 if self._seconds else 1)
        self._broken.append(False)
        self._proven = self._shed.pop(digest, 0) > 0 or self._proven
        self._refused.pop(digest, None)
        if self._limited.pop(digest, None):
            self._recovered = max(self._recovered, self._number(digest))
        self._in_a_row = self._let_go = 0
        self._seeks = self._elsewhere_too = False

    def on(self, fault: Fault, request: Request, seconds: float) -> Fault:
        """The fault as what it speaks of."""
        if fault.kind == NO_ROOM and request.tier != FLEX:  # nobody asked for another tier
            fault = fault.but(kind="rate_limited")
        refused = (fault.status >= 400 and fault.status != 429) or fault.kind == "not_an_api"
        if fault.kind in OF_THE_ACCOUNT and refused:
            return self._of_the_account(fault, request.digest)
        if fault.kind == "rate_limited":
            return self._of_the_rate(fault, request.digest)
        if fault.kind == "server_error" and self._is_shed(fault, request.digest, seconds):
            return fault.but(kind="rate_limited")
        return fault

    @property
    def in_doubt(self) -> bool:
        """Whether the account may be at fault: its refusals were not followed by an answer."""
        open_ = self._open
        return self._seeks or len(open_) >= SEVERAL or not _OF_THE_KEY.isdisjoint(open_)

    @property
    def _open(self) -> list[str]:
        """Kinds of the refusals that were not followed by an answer."""
        return [kind for number, kind in self._refused.values() if number > self._good]

    def _number(self, digest: bytes) -> int:
        return self._under_way.get(digest, (self._sent, False))[0]

    @property
    def _is_alone(self) -> bool:
        return len(self._under_way) <= 1

    def _of_the_account(self, fault: Fault, digest: bytes) -> Fault:
        """Sent once more, if others that are asked meanwhile can tell whose fault it is."""
        first, _ = self._refused.pop(digest, (self._number(digest), ""))
        if self._good > first or digest in self._known:
            return fault.but(fate=Fate.FAIL)
        self._refused[digest] = first, fault.kind
        self._elsewhere_too = self._elsewhere_too or digest == self._probe
        if not self._is_alone:
            return fault.but(fate=Fate.RETRY)
        page = fault.status == 200  # several of them have come before this one
        several = page or len(self._open) >= SEVERAL
        answered = self._good or self._answered_before
        few = answered and len(self._open) + self._let_go + self._fresh() <= FEW
        if self._fresh():
            if several and self._elsewhere_too and not few:
                return fault
            self._seek(page)
            return fault.but(fate=Fate.RETRY)
        if not several and self._waiting():
            return fault.but(fate=Fate.RETRY)
        if not few:
            return fault
        del self._refused[digest]
        self._let_go += 1
        return fault.but(fate=Fate.FAIL)

    def _seek(self, page: bool) -> None:
        """Let one from elsewhere go next, if it would be the last of the several."""
        sought = self._seeks or self._probe or self._elsewhere_too
        if not sought and (page or len(self._open) >= SEVERAL - 1):
            self._seeks = True
            self._last_first()

    def _of_the_rate(self, fault: Fault, digest: bytes) -> Fault:
        self._in_a_row += 1
        number, rested = self._under_way.get(digest, (self._sent, False))
        known = self._limited.setdefault(digest, _Limited(number, number))
        if known.last >= self._recovered:
            known.overtaken += known.rested and known.last < self._good
        known.last, known.rested = number, rested
        left = known.first < self._good and self._is_alone and self._waiting() < len(self._limited)
        left = left and self._in_a_row >= LEFT and self._sent_at - self._answered_at >= LEFT_SECONDS
        its_own = known.overtaken >= OVERTAKEN or left
        return fault.but(kind="refused_alone") if its_own else fault

    def _is_shed(self, fault: Fault, digest: bytes, seconds: float) -> bool:
        self._broken.append(True)
        unseen = not self._good and self._is_alone
        if unseen or seconds > max(QUICK, 2 * self._seconds) or not self._well():
            return False
        self._shed[digest] += 1
        many = self._proven and sum(self._broken) >= MANY * LATEST
        if fault.status not in _OVERLOADED and not (fault.status in _BROKEN and many):
            return False
        return self._shed[digest] <= (MOST_SHED if self._proven else FEW_SHED)
