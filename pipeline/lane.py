"""The order of the guards, written down once, with a line of reason each.

From outside in:

1. *recalled*: what the journal knows costs nothing, not even a place in a queue.
2. *retried*: outside the slots, so that who backs off holds none.
3. *slotted*: a slot is held until the reply is on the disk, so a kill repeats at most `concurrency`.
4. *cooled*: inside the slots, so that those who hold one wait too when the server asks for it.
5. *paced*: after all other waiting, so that a token taken is a call made now.
6. *fused*: the last look before money is spent, and the first to hear of a fatal fault.
7. *shielded*: what was sent is seen to its end, whoever cancels the walk.
8. *observed*: counts what really goes out.
9. *recorded*: next to the provider, so that no guard can lose a reply.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.domain import Call
from pipeline.guards.cooled import cooled
from pipeline.guards.fused import Fuse, fused
from pipeline.guards.observed import observed
from pipeline.guards.paced import paced
from pipeline.guards.recalled import Flight, recalled
from pipeline.guards.recorded import recorded
from pipeline.guards.retried import retried
from pipeline.guards.shielded import shielded
from pipeline.guards.slotted import slotted
from pipeline.job import Limits
from pipeline.journal import Journal
from pipeline.log import Events
from pipeline.tally import Tally


@dataclass(frozen=True)
class Shared:
    """What all lanes of a run have in common."""

    journal: Journal
    fuse: Fuse
    events: Events
    tally: Tally
    flights: dict[bytes, Flight] = field(default_factory=dict)


def guarded(send: Call, limits: Limits, run: Shared) -> Call:
    """The provider's call with all guards around it. `limits.concurrency` must be set."""
    call = observed(recorded(send, run.journal), run.events, run.tally)
    call = fused(shielded(call), run.fuse)
    call = cooled(paced(call, limits.rpm, limits.tpm))
    call = slotted(call, limits.concurrency or 1)
    call = retried(call, limits.retries, run.events, run.tally)
    return recalled(call, run.journal, run.tally, run.flights)
