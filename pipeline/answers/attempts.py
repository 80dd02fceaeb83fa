"""Asks until an answer is accepted: with the complaint, then anew, then a stronger model.

No request is ever the same as one before it: a repair is one turn longer, a fresh start says what was wrong
with the answers before it, another model has another name. So at temperature 0, too, none is asked in vain.
This module does not know what the question is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.answers import finish
from pipeline.answers.asking import Asking, Taken, meant, rejected, whole
from pipeline.answers.complaints import to_a_person
from pipeline.answers.written import Complaint, is_own
from pipeline.core.domain import Answer, Call, Rejected, Request, frozen
from pipeline.wire.conversation import Conversation, read
from pipeline.wire.words import LENGTH, MALFORMED

_MALFORMED = "Your answer was not accepted by the server: it is not what was asked for. Write it again."
_NOTHING = "(nothing)"
"""the model's turn where the server shows nothing that it wrote, because servers refuse an empty one"""
_GO_ON = (
    "Your answer was cut off. Go on exactly where it stopped, in the middle of a word if need be. "
    "Repeat nothing of it, and write nothing about this."
)
EARLIER = "\n\nEarlier answers to this were not accepted:\n"
"""what stands in a prompt that begins anew, before what was wrong"""
_LEAST_OVERLAP, _MOST_OVERLAP = 12, 400
"""characters that a continuation may repeat of what it continues"""


_HEARD: ContextVar[Callable[[str], object] | None] = ContextVar("heard", default=None)


@contextmanager
def hearing(listener: Callable[[str], object]) -> Iterator[None]:
    """Tell a listener what is decided about each answer, in the words for a person."""
    before = _HEARD.set(listener)
    try:
        yield
    finally:
        _HEARD.reset(before)


def _tell(decision: str) -> None:
    if (listener := _HEARD.get()) is not None:
        listener(decision)


@frozen
class Verdict:
    """What an answer is worth."""

    value: Any
    """the step's value, if it is accepted"""
    complaints: tuple[Complaint, ...] = ()
    requests: tuple[Request, ...] = ()
    """what was sent to other models to judge it"""
    known: bool = True
    """whether the journal had all of that"""
    draw: str = ""
    """the draw of what is asked next, where other rows make the answer wrong and not itself"""

    @property
    def hard(self) -> str:
        """What the model is told where the answer is rejected; '' where it is accepted."""
        return " ".join(one.message for one in self.complaints if one.hard)


Judge = Callable[[str, Conversation], Awaitable[Verdict]]
"""an answer's text, and the conversation that it ends -> what it is worth"""


@dataclass
class _Tried:
    """What was asked for one row so far, and the best of the answers that were rejected."""

    requests: list[Request] = field(default_factory=list)
    known: bool = True
    why: list[str] = field(default_factory=list)
    """what was wrong, start by start, in the words for the model"""
    best: str = ""
    fewest: int | None = None
    fault: Rejected | None = None
    """that of the best answer; where none has a text, that of the last one"""

    def rejected(self, text: str, verdict: Verdict) -> None:
        """Keep an answer that was rejected, if none before it was better."""
        bad = sum(one.hard for one in verdict.complaints)
        if self.fewest is None or (text and bad <= self.fewest):
            self.best, self.fewest = text, bad if text else None
            self.fault = rejected("rejected", to_a_person(verdict.hard))

    def unusable(self, kind: str, message: str) -> None:
        """Note an answer that was refused, cut off or empty."""
        if not self.best:
            self.fault = rejected(kind, message)


class Attempts:
    """How an answer is asked for: by the step's model, then by stronger ones, each with its fallbacks."""

    def __init__(
        self,
        askings: Sequence[Asking],
        repairs: int,
        fresh_starts: int = 0,
        continuations: int = 0,
        rounds: int = 0,
    ) -> None:
        """`rounds`: how often an answer is sent back because of other rows, beside the repairs."""
        self._askings, self._repairs, self._rounds = askings, repairs, rounds
        self._fresh, self._continuations = fresh_starts, continuations

    async def ask(self, asked: Conversation, key: str, call: Call, judge: Judge) -> Taken:
        """The first answer that is accepted; `Rejected` with the best of them where none is."""
        tried = _Tried()
        for asking in self._askings:
            for start in range(self._fresh + 1):
                begun = _after(asked, tried.why) if start else asked
                taken = await self._start(asking, begun, key, call, judge, tried)
                if taken is not None:
                    return taken
        assert tried.fault is not None  # noqa: S101 - each start that brought nothing has left one
        raise tried.fault.but(requests=tuple(tried.requests), known=tried.known, best=tried.best)

    async def _start(
        self, asking: Asking, asked: Conversation, key: str, call: Call, judge: Judge, tried: _Tried
    ) -> Taken | None:
        """One conversation with its repairs; None where no answer in it was accepted."""
        left = {False: self._repairs, True: self._rounds}
        while True:
            answer, by = await self._answer(asking, asked, key, call, tried)
            broken = finish.broken(answer, asking.allow)
            if broken:
                _tell(f"{broken[0]}: {broken[1]}")
                tried.why.append(f"Your answer was not usable: {broken[1].partition(';')[0]}.")
                tried.unusable(*broken)
                return None
            malformed = answer.finish_reason == MALFORMED
            if malformed and (asked.schema is None or not answer.text):
                verdict = Verdict(None, (Complaint("server", _MALFORMED),))
            else:
                verdict = await self._judged(judge, whole(answer.text).strip(), asked, tried)
            tried.requests += verdict.requests
            tried.known = tried.known and verdict.known
            if not verdict.hard:
                soft = tuple(one for one in verdict.complaints if not one.hard)
                _tell("; ".join(("accepted", *(f"told only: {to_a_person(one.message)}" for one in soft))))
                return Taken(verdict.value, by, tried.known, soft, tuple(tried.requests))
            tried.rejected(whole(answer.text).strip(), verdict)
            left[bool(verdict.draw)] -= 1
            ended = left[bool(verdict.draw)] < 0
            _tell(f"{to_a_person(verdict.hard)}; {'no repair is left' if ended else 'sent back'}")
            if ended:
                break
            said = whole(answer.text) if answer.text or not malformed else _NOTHING
            asked = asked.answered(said, verdict.hard)
            if verdict.draw and not is_own(asked.draw):
                asked = replace(asked, draw=asked.draw + verdict.draw)
        tried.why.append(verdict.hard)
        return None

    @staticmethod
    async def _judged(judge: Judge, text: str, asked: Conversation, tried: _Tried) -> Verdict:
        """The verdict; where a judge's answers are of no use, its fault with the text that waits for it."""
        try:
            return await judge(text, asked)
        except Rejected as fault:
            raise fault.but(known=fault.known and tried.known, best=text) from None

    async def _answer(
        self, asking: Asking, asked: Conversation, key: str, call: Call, tried: _Tried
    ) -> tuple[Answer, str]:
        """An answer, continued where it was cut off, and who wrote it."""
        text, left = "", self._continuations
        while True:
            request = asking.request(asked, key)
            tried.requests.append(request)
            reply = await call(request)
            tried.known = tried.known and reply.known
            answer = meant(read(reply), asked)
            text = joined(text, answer.text) if text else answer.text
            if answer.finish_reason != LENGTH or not left or not answer.text.strip():
                return replace(answer, text=text), asking.label(reply.model)
            left -= 1
            _tell("cut off at its limit; continued")
            asked = asked.answered(whole(answer.text), _GO_ON)


def _after(asked: Conversation, why: Sequence[str]) -> Conversation:
    """The conversation from its start, with what was wrong with the answers before it."""
    notes = "\n".join(f"- {one}" for one in why)
    role, content = asked.turns[-1]
    told = f"{content}{EARLIER}{notes}"
    return replace(asked, turns=(*asked.turns[:-1], (role, told)))


def joined(text: str, more: str) -> str:
    """A text and its continuation, without what the continuation repeats of its end."""
    for length in range(min(len(text), len(more), _MOST_OVERLAP), _LEAST_OVERLAP - 1, -1):
        if text.endswith(more[:length]):
            return text + more[length:]
    return text + more
