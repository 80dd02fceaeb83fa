"""How many requests should be in flight: decided from one round to the next, without clock or I/O.

A *round* is what some replies at one width showed. What counts is the elasticity of throughput: 1 where
it grows as the width does, 0 where more requests only wait longer in the server.

| stage | tries | goes on while | then |
| --- | --- | --- | --- |
| rise | twice the width, later half as much again | throughput pays for it | hold at the knee |
| fall | half the width | throughput stays | hold at the knee |
| hold | nothing | latency stays | after a growing interval, up or down; fall where latency grew |
| up | a quarter more | | rise where throughput paid for it, or back |
| down | a fifth less | throughput stays | back |
| mend | half-way to the width that was refused, later past it in small steps | nothing is refused | hold |

The knee is where throughput stops growing: the throughput of a width past it, times the latency before
it. A refusal in any stage cuts the width and starts to mend. A difference that noise could explain
decides nothing: the round goes on, and in the end the width stays.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf, log

from pipeline.lanes.limits._rounds import Plan, Round, Stage, knee

PAYS = 0.33
"""elasticity above which more width is worth it: 26 % more throughput for twice the width"""
FLAT = 0.13
"""elasticity below which less width costs nothing"""
HALF_FLAT = 0.25
"""the same where the width was halved: the knee is then found between the two"""
CUT = 0.7
"""the share of what was in flight that is left after a refusal"""
COOLDOWN = 1.0
"""seconds of the first round after a cut, at the least"""
FEWEST = 8
FEWEST_MENDING = 3
"""replies of a round, at the least; fewer where the only question is whether they are refused"""
LONGEST_ROUND = 6
"""how many times more replies an undecided round may take"""
BASE_ROUNDS = 3
"""rounds of replies that a probe is compared with, at the least"""
SETTLING = 1.5
"""mean latencies until the replies show the new width"""
FIRST_QUIET, LONGEST_QUIET, LONGEST_QUIET_REFUSED = 1.0, 10.0, 60.0
"""from one probe to the next: at first, at most, and at most where the server refuses"""
SLOW = 3.0
"""mean latencies: the unit of these times, or a second where that is longer"""
DOWN_EVERY = 4
"""one of so many probes goes down: a server that became slower is noticed without a probe"""
FIRST_STEP, LARGEST_STEP = 1 / 16, 1 / 2
"""the share by which a mending width grows: at first, and at most"""
NARROW = 1 / 16
"""a refused width this close above a good one is not searched further"""
DRIFTED, CHANGED = 4.0, 0.2
"""a latency has changed where it differs by so many standard errors, and by such a share"""


class Growth:
    """The width, and what is known about it. `width` lies in [1, most]."""

    def __init__(self, start: int, most: int) -> None:
        self.most = most
        self.bears = most
        """the width at which answers would still come in time if the server were at its capacity now"""
        self.width = min(start, most)
        self.stage = Stage.RISE
        self.bound = False
        """whether the server holds the width down"""
        self._base: Round | None = None
        self._below: Round | None = None
        self._first = True
        self._step = 1.0
        self._good = 0
        self._refused_at: int | None = None
        self._top = 0
        self._quiet = FIRST_QUIET
        self._next_probe = inf
        self._turn = 0
        self._latency = 0.0
        self._judges = {
            Stage.RISE: self._rise,
            Stage.FALL: self._fall,
            Stage.HOLD: self._hold,
            Stage.UP: self._up,
            Stage.DOWN: self._down,
            Stage.MEND: self._mend,
        }
        self.plan = Plan(self._enough(), fresh=True)

    def judge(self, round: Round, now: float) -> bool:
        """Judge a round that has met its `plan`. False where it must go on, with a larger `plan`."""
        if not round.telling:
            return self._untold()
        self._good = max(self._good, round.width)
        self._latency = round.latency
        return self._judges[self.stage](round, now)

    def refuse(self, in_flight: int) -> None:
        """Cut the width after a refusal with so many requests in flight, the refused one included."""
        self._top = max(self._top, self.width) if self.stage is Stage.MEND else self.width
        if 0 < self._good < min(self.width, in_flight):
            self._quiet = min(2 * self._quiet, LONGEST_QUIET_REFUSED)
        else:
            self._good = self._turn = 0
            self._quiet = FIRST_QUIET
        if in_flight > 1 or self._refused_at is None:  # one alone says nothing about the width
            self._refused_at = max(2, in_flight)
        self._base = self._below = None
        self._first = False
        self._step = FIRST_STEP
        width = max(1, self._good, min(int(CUT * in_flight), in_flight - 1))
        self._move(Stage.MEND, min(width, self.width))
        self.plan = replace(self.plan, seconds=COOLDOWN)

    def narrow(self, width: int) -> None:
        """Go down to a width at most, but not below one that was good."""
        self.width = min(self.width, max(1, self._good, width))
        self.plan = replace(self.plan, replies=self._enough())

    def hold(self, width: int, now: float) -> None:
        """Go down to a width, and measure there."""
        self.bears = width
        self._good = self._top = 0
        self._first = False
        self._settle(width, None, now)

    @property
    def limit(self) -> int:
        """The largest width that may be tried now."""
        return min(self.most, self.bears)

    @property
    def uncut(self) -> int:
        """The width before the refusals, until it has grown back; 0 where there were none."""
        return self._top

    def _untold(self) -> bool:
        if self.stage in (Stage.UP, Stage.DOWN, Stage.FALL) and self._base is not None:
            self._move(Stage.HOLD, self._base.width)
        else:
            self.plan = replace(self.plan, replies=self._enough(), settling=0.0)
        return True

    def _rise(self, round: Round, now: float) -> bool:
        base = self._base
        if base is not None:
            elasticity, error = base.elasticity(round)
            if not self._first and self._unsure(elasticity - PAYS, error, round):
                return False
            if elasticity <= PAYS:
                return self._stop_rising(base, round, elasticity, now)
        self._below, self._base = base, round
        if round.width >= self.limit:
            return self._settle(round.width, None if self._first else round, now)
        return self._move(Stage.RISE, ceil(round.width * (1 + self._step)))

    def _stop_rising(self, base: Round, round: Round, elasticity: float, now: float) -> bool:
        self._first = False
        before = base if elasticity > 2 * FLAT else self._below
        if before is not None:
            return self._settle(knee(round, before), None, now, turn=1)
        return self._fall_at(base.width)

    def _fall(self, round: Round, now: float) -> bool:
        base = self._base
        if base is None:
            return self._fall_from(round, now)
        elasticity, error = base.elasticity(round)
        if self._unsure(elasticity - HALF_FLAT, error, round):
            return False
        if elasticity > HALF_FLAT:
            return self._settle(knee(base, round), None, now)
        return self._fall_from(round, now)

    def _fall_at(self, width: int) -> bool:
        self._base = None
        return self._move(Stage.FALL, width)

    def _fall_from(self, round: Round, now: float) -> bool:
        if round.width == 1:
            return self._settle(1, round, now)
        self._base = round
        return self._move(Stage.FALL, round.width // 2)

    def _hold(self, round: Round, now: float) -> bool:
        base = self._base
        if base is None or base.width != round.width:
            self._base = round
        elif abs(base.drift(round)) > DRIFTED and abs(log(round.latency / base.latency)) > CHANGED:
            if round.latency > base.latency:
                return self._fall_at(round.width)
            self._settle(round.width, round, now)
            self._next_probe = now
        else:
            self._base = base.pooled(round)
        if now >= self._next_probe and self.limit > 1 and self._founded():
            return self._probe()
        self.plan = replace(self.plan, replies=self._enough(), settling=0.0)
        return True

    def _founded(self) -> bool:
        return self._base is not None and self._base.replies >= BASE_ROUNDS * self._enough()

    def _probe(self) -> bool:
        down = self._turn % DOWN_EVERY == 1 if 1 < self.width < self.limit else self.width > 1
        self._turn += 1
        if down:
            return self._move(Stage.DOWN, max(1, min(self.width - 1, int(self.width * 0.8))))
        if self._refused_at is None:
            return self._move(Stage.UP, max(self.width + 1, ceil(self.width * 1.25)))
        self._refused_at = None
        self._step = FIRST_STEP
        return self._move(Stage.MEND, ceil(self.width * (1 + FIRST_STEP)))

    def _up(self, round: Round, now: float) -> bool:
        base = self._base
        if base is None:
            return self._settle(round.width, round, now)
        elasticity, error = base.elasticity(round)
        if self._unsure(elasticity - PAYS, error, round):
            return False
        if elasticity - error / 2 <= PAYS:
            return self._back(base, now)
        self._step = LARGEST_STEP
        self._quiet = FIRST_QUIET
        self._base = base
        return self._rise(round, now)

    def _down(self, round: Round, now: float) -> bool:
        base = self._base
        if base is None:
            return self._settle(round.width, round, now)
        elasticity, error = base.elasticity(round)
        if self._unsure(elasticity - FLAT, error, round):
            return False
        if elasticity + 0.75 * error >= FLAT:
            if base.width >= self.limit:
                return self._back(base, now)
            self._next_probe = self._after(FIRST_QUIET, now)
            return self._move(Stage.HOLD, base.width)
        self._settle(round.width, round, now, turn=1)
        self._next_probe = now
        return True

    def _mend(self, round: Round, now: float) -> bool:
        width, refused = round.width, self._refused_at
        if refused is not None:
            gap = min(refused, self.limit + 1) - width
            if gap > max(1, NARROW * width):
                return self._move(Stage.MEND, width + gap // 2)
            self._next_probe = self._after(self._quiet, now)
            self._base = round
            return self._move(Stage.HOLD, width)
        if width >= min(self._top, self.limit):
            self._top = 0
            return self._settle(width, round, now)
        self._step = min(2 * self._step, LARGEST_STEP)
        return self._move(Stage.MEND, min(self._top, ceil(width * (1 + self._step))))

    def _back(self, base: Round, now: float) -> bool:
        self._quiet = min(2 * self._quiet, LONGEST_QUIET)
        self._next_probe = self._after(self._quiet, now)
        return self._move(Stage.HOLD, base.width)

    def _settle(self, width: int, base: Round | None, now: float, turn: int = 0) -> bool:
        self._base = base
        self._below = None
        self._quiet = FIRST_QUIET
        self._next_probe = self._after(self._quiet, now)
        self._turn = turn
        return self._move(Stage.HOLD, width)

    def _move(self, stage: Stage, width: int) -> bool:
        self.stage = stage
        self.width = max(1, min(width, self.limit))
        self.bound = stage is not Stage.RISE and self.width < self.most
        fresh = stage is Stage.MEND or (stage is Stage.RISE and self._first)
        self.plan = Plan(self._enough(), settling=0.0 if fresh else SETTLING, fresh=fresh)
        return True

    def _after(self, quiet: float, now: float) -> float:
        return now + quiet * max(1.0, SLOW * self._latency)

    def _enough(self) -> int:
        fewest = FEWEST_MENDING if self.stage is Stage.MEND else FEWEST
        return max(ceil(self.width * (0.75 if self._first else 1)), fewest)

    def _unsure(self, distance: float, error: float, round: Round) -> bool:
        """Whether noise could explain which side of a threshold a round is on, and it may yet go on."""
        if abs(distance) > error or round.replies >= LONGEST_ROUND * self._enough():
            return False
        self.plan = replace(self.plan, replies=int(round.replies) + ceil(self._enough() / 2))
        return True
