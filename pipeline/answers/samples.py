"""Several answers to one prompt, of which one is picked, or all are kept.

Each is a draw of its own, so it is asked for and paid for once; the first is the answer of a step without
samples. This module does not know how an answer is asked for or checked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pipeline.answers.asking import Taken
from pipeline.answers.at_once import all_of
from pipeline.answers.judges import picking
from pipeline.core.domain import Rejected, Request
from pipeline.job.fields import Spec
from pipeline.wire.conversation import Conversation

Pick = Literal["first_passing", "shortest", "longest", "all"]


class ByJudge(Spec):
    """Another model compares the samples, and the best of them becomes the answer."""

    judge: picking.Options


Ask = Callable[[Conversation], Awaitable[Taken]]
"""a conversation -> its answer, accepted; raises `Fault`"""
Choose = Callable[[Sequence[Any]], Awaitable[tuple[int, tuple[Request, ...], bool]]]
"""values of answers -> the place of the best, what was asked to find it, whether all of that was known"""


class Samples:
    """So many answers for each row."""

    def __init__(self, number: int, pick: Pick | ByJudge) -> None:
        self._number, self._pick = number, pick

    async def take(self, asked: Conversation, ask: Ask, choose: Choose | None = None) -> Taken:
        """The answer that is picked; `Rejected` where none was accepted."""
        draws = [replace(asked, draw=_draw(asked.draw, i)) for i in range(self._number)]
        found: list[Taken | Rejected | None] = [None] * len(draws)

        async def one(i: int) -> None:
            try:
                found[i] = await ask(draws[i])
            except Rejected as fault:
                found[i] = fault

        if self._pick == "first_passing":
            for i in range(len(draws)):
                await one(i)
                if isinstance(found[i], Taken):
                    break
        else:
            await all_of([partial(one, i) for i in range(len(draws))])
        passed = [one for one in found if isinstance(one, Taken)]
        failed = [one for one in found if isinstance(one, Rejected)]
        if not passed:
            raise _together(failed)
        return await self._picked(passed, failed, choose)

    async def _picked(self, passed: list[Taken], failed: list[Rejected], choose: Choose | None) -> Taken:
        place, sent, told = 0, tuple[Request, ...](), True
        texts = [str(one.value) for one in passed]
        if choose is not None and len(passed) > 1:
            place, sent, told = await choose([one.value for one in passed])
        elif self._pick in ("shortest", "longest"):
            wanted = min if self._pick == "shortest" else max
            place = wanted(range(len(texts)), key=lambda i: len(texts[i]))
        best = passed[place]
        ended: list[Taken | Rejected] = [*passed, *failed]
        requests = (*(request for one in ended for request in one.requests), *sent)
        known = told and all(one.known for one in ended)
        value = [one.value for one in passed] if self._pick == "all" else best.value
        return replace(best, value=value, known=known, requests=requests)


def _draw(draw: str, number: int) -> str:
    """The draw of a sample; the first is the step's own."""
    return f"{draw}s{number}" if number else draw


def _together(failed: Sequence[Rejected]) -> Rejected:
    """The fault of samples that were all rejected, with what the first says that has a text."""
    first = next((one for one in failed if one.best), failed[0])
    requests = tuple(request for one in failed for request in one.requests)
    message = f"{first.message} (none of {len(failed)} samples passed)"
    return first.but(message=message, requests=requests, known=all(one.known for one in failed))
