"""The parts of a run that can be watched and steered: its numbers, its lanes, its budget, its end.

This module does not know how a run works, nor who watches it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.domain import DOLLAR, Fate, Fault, Rejected
from pipeline.core.progress import Progress
from pipeline.engine.walk import Branch
from pipeline.journal.events import Events
from pipeline.journal.journal import Journal
from pipeline.lanes.bottleneck import Bottleneck, quantiles
from pipeline.lanes.guards.fuse import Fuse
from pipeline.lanes.lane import Shared
from pipeline.lanes.lanes import Lanes
from pipeline.runs.night.night import Night
from pipeline.runs.pilot import Asked
from pipeline.runs.session import Session
from pipeline.runs.warnings import slips_of

WORTH_ADVICE = 10.0  # seconds of waiting from which on advice is worth giving

UNSENT = frozenset({"template", "bad_text", "refused_by_provider", "pending"})
"""kinds of fault of rows that sent no request"""


def is_known(fault: Fault) -> bool:
    """Whether the journal held it before this run."""
    return isinstance(fault, Rejected) and fault.known


def was_known(leaf: Branch) -> bool:
    """Whether the leaf's end was known before anything was sent."""
    return leaf.known and (leaf.fault is None or is_known(leaf.fault) or leaf.fault.kind in UNSENT)


@dataclass(frozen=True)
class Wish:
    """What the caller wants of a run besides what the job says. `until` is a Unix time."""

    retry_failed: bool = False
    until: float | None = None
    by: float | None = None  # Unix time by which all is to be done, at whatever price
    buffer: float | None = None  # seconds before it in which nothing goes by batch; None: as many as needed
    detach: bool = False  # end when everything is in batches; the next run collects them
    cancel: bool = False  # end all batches, collect what they have answered, and do nothing else
    pilot: Asked | None = None  # run a few records alone, note what they ask, and write no table
    otel: bool = False  # send traces and metrics to where the OTEL_* variables say
    processes: int = 1  # how many walk the records; 0: as many as are worth it


@dataclass
class RunState:
    """The parts of a run that can be watched and steered while it goes on."""

    session: Session
    journal: Journal
    events: Events
    progress: Progress
    say: Callable[[str], None]
    wish: Wish = field(default_factory=Wish)
    fuse: Fuse = field(default_factory=Fuse)
    lanes: Lanes | None = None
    shared: Shared | None = None
    bottleneck: Bottleneck | None = None
    night: Night | None = None  # its batches, if it has any
    in_vain: int = 0  # records whose request used up its retries
    watching: bool = True  # whether the run stops where most rows fail
    ended: str = ""  # how it ended; '' while it goes on
    stopped: str = ""  # what stopped it
    warned: bool = False  # whether the likely slips of the job were told

    def advice(self) -> str:
        """One line on what held the run up most; '' where nothing did for long."""
        if self.bottleneck is None or self.night is not None:  # a run by batch waits for its batches
            return ""
        return self.bottleneck.advice() if self.bottleneck.seconds > WORTH_ADVICE else ""

    def numbers(self) -> dict[str, Any]:
        """The state of the run, or its last one, for programs and for the summary."""
        t, bottleneck = self.progress, self.bottleneck
        numbers: dict[str, Any] = {
            "phase": self.ended or t.notice or t.phase,
            "chosen": self.session.source.chosen,
            "rows": {"ok": t.ok, "failed": t.failed, "skipped": t.skipped, "expected": t.rows_expected},
            "requests": {
                "sent": t.sent,
                "answered": t.answered,
                "in_flight": t.in_flight,
                "retrying": t.waiting,
            },
            "faults": dict(t.faults),
            "tokens": {"input": t.input_tokens, "output": t.output_tokens},
            "cost": t.cost / DOLLAR,
            "latency": quantiles(t.latency),
            "last_error": t.last_error,
            "waits": "" if self.ended else t.waits,
            "stopped": self.stopped,
            "remarks": dict(t.remarks),
            "told": dict(t.told.most_common()),
        }
        if bottleneck is not None:
            now = time.monotonic() if self.shared is None else self.shared.now()
            numbers |= {"binds": bottleneck.shares(), "advice": self.advice()}
            numbers |= {"lanes": bottleneck.lane_numbers(now), "wait": bottleneck.waits()}
        return numbers

    def warn(self) -> None:
        """Tell once what is likely to be a slip in the job, before anything is sent."""
        for warning in () if self.warned else slips_of(self.session, pilot=self.wish.pilot is not None):
            for line in f"warning: {warning}".splitlines():
                self.say(line)
        self.warned = True

    def interrupted(self, name: str, again: str = " (again: stop at once)") -> None:
        """Send nothing new from now on: a signal, or a person, has asked for it."""
        self.events.warning("run.interrupted", signal=name)
        self.say(f"{name}: nothing new is sent; requests under way are completed{again}")
        self.progress.phase, self.progress.notice = "stopping", ""
        self.fuse.interrupt(name)

    def check_outage(self) -> None:
        """Stop with "outage" where requests failed after all tries, and nothing was ever answered."""
        if self.in_vain and not self.progress.answered and not self.journal.has_answers():
            message = f"nothing was answered; the last fault: {self.progress.last_error}"
            self.fuse.blow(Fault("outage", message, fate=Fate.STOP))
            self.fuse.check()

    def watch_failures(self, leaf: Branch) -> None:
        """Stop when most of the last rows failed: to go on would only waste money."""
        fault = leaf.fault
        if fault is not None and ((leaf.known and is_known(fault)) or fault.again or fault.kind in UNSENT):
            return
        recent = self.progress.recent
        recent.append(fault is not None)
        most = self.session.job.max_failed
        if self.watching and most < 1 and len(recent) == recent.maxlen and sum(recent) > most * len(recent):
            message = f"{sum(recent)} of the last {len(recent)} rows failed; the last one: {fault}"
            self.fuse.blow(Fault("mostly_failing", message, fate=Fate.STOP))
