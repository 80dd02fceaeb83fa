"""Has another model read the translations that a run has written, where the job wants it.

This module does not know how a request is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from pipeline.core.display import counted
from pipeline.core.domain import Fate
from pipeline.engine.walk import Branch
from pipeline.journal import recall
from pipeline.runs.meaning.review import Review, describe
from pipeline.runs.result import Result
from pipeline.runs.state import RunState


async def judged(run: RunState, result: Result, send: Callable[..., Awaitable[None]]) -> Result:
    """The result with what the judge found; `send` walks what the journal does not know yet."""
    review = Review.of(run.session)
    if review is None or result.segments is None or result.meaning is None or not result.meaning.open:
        return result
    t, records = run.progress, result.meaning.open
    drawn = sum(found.drawn - found.judged for found in result.meaning.languages.values())
    run.say(f"the translations are written; {counted(drawn, 'segment')} of them are to be judged")
    recalled = t.recalled
    t.restart("judging", go_on=True)
    batches = partial(review.batches, result.segments.sources)
    await send([review.stage], batches, records, records, partial(_count, run))
    await run.journal.settle()
    t.restart("writing", go_on=True)
    meaning = describe(run.session, result.segments, recall.exporting(run.journal, t, given_up=True))
    t.recalled = recalled
    return replace(result, meaning=meaning)


def _count(run: RunState, _walk: object, leaf: Branch, _hands: object) -> None:
    """What cannot be judged fails no row; but no judge can answer after a fault that stops the run."""
    if leaf.fault is not None and leaf.fault.fate is Fate.STOP:
        run.fuse.blow(leaf.fault)
