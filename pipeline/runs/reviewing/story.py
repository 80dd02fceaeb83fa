"""The whole story of a record: what was asked at each step, what came back, and what was decided about it.

The record is walked again with what the journal has, so it is the story by the job as it is now. Nothing is
sent. This module does not know how a story is printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import anyio
import orjson

from pipeline.answers.asking import BY_HAND, Runner, Taken
from pipeline.answers.attempts import EARLIER, hearing
from pipeline.core.display import counted, dollars
from pipeline.core.domain import DOLLAR, Call, Fault, Reply, Request, Values
from pipeline.core.redaction import without
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import Stage
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.output.columns import reason
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.session import Session
from pipeline.translation import memory
from pipeline.wire.conversation import read

_ATTEMPTS = """SELECT outcome, message, model, endpoint, at, seconds, input, output, cost FROM attempts
WHERE hex(digest) IN (SELECT value FROM json_each(?)) ORDER BY seq"""
_MEDIA = re.compile(r"(data:[\w.+/-]+;base64,)[A-Za-z0-9+/=]{64,}")
_TURNS = ("messages", "input")
_TEXTS = (("system", "instructions"), ("user", "prompt"), ("user", "input"), ("user", "text"))
"""where the turns of a request, or its texts, stand in the body of some dialect"""


@dataclass
class Chapter:
    """One step for one row: what it is, and its parts in order, each with what it is."""

    step: str
    """its name; '' for a row that was skipped"""
    title: str
    parts: list[tuple[str, str]] = field(default_factory=list)


class _Heard:
    """A step that writes its story while it is taken."""

    def __init__(self, stage: Stage, each: Sequence[str], journal: Journal, story: list[Chapter]) -> None:
        runner = stage.runner
        self.templates, self.shape, self.repairs = runner.templates, runner.shape, runner.repairs
        self.documents, self.first_request = runner.documents, runner.first_request
        self._runner, self._spec, self._each = runner, stage.spec, each
        self._journal, self._story = journal, story

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """What the step takes; the same `Fault` where it takes nothing."""
        named = [f"{name} {values.get(name)}" for name in self._each]
        chapter = Chapter(self._spec.name, ", ".join((self._spec.name, *named)))
        self._story.append(chapter)
        before: list[tuple[str, str]] = []

        async def noting(request: Request) -> Reply:
            if request.api == memory.API:  # a question to the journal, and to no model
                return await call(request)
            turns = turns_of(request)
            same = turns[: len(before)] == before and len(turns) > len(before) > 0
            critic = bool(request.via) and request.via not in self._spec.writers
            to = f"request to {request.via or request.model}"
            chapter.parts.append((to, _kind(request, turns, critic, same)))
            # of a repair, only the complaint is new: what the model said stands above
            chapter.parts += turns[len(before) + 1 :] if same else turns
            if not critic:
                before[:] = turns
            try:
                reply = await call(request)
            except Fault as fault:
                chapter.parts.append(("no answer", str(fault)))
                raise
            chapter.parts += self._answer(request, reply)
            return reply

        with hearing(lambda decision: chapter.parts.append(("decision", decision))):
            try:
                taken = await self._runner.take(values, key, noting)
            except Fault as fault:
                chapter.parts.append(("failed", str(fault)))
                raise
        by = taken.by if taken.by in ("", BY_HAND) else f"by {taken.by}"
        chapter.parts.append((f"answer {by}".rstrip(), _value(taken.value)))
        return taken

    def _answer(self, request: Request, reply: Reply) -> Iterator[tuple[str, str]]:
        digests = orjson.dumps([one.digest.hex().upper() for one in request.either]).decode()
        answer, last = read(reply, tokens=False), None
        for row in self._journal.select(_ATTEMPTS, (digests,)):
            if row[0] == "answered":
                last = row
            else:
                yield "try", f"{row[0]}: {row[1]}" if row[1] else row[0]
        if last is not None:
            model, endpoint, at, seconds, sent, came, cost = last[2:]
            tokens = (
                f"{sent or 0:,} + {came or 0:,} tokens, {dollars(None if cost is None else cost / DOLLAR)}"
            )
            when = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}, {seconds:.1f} s"
            who = f"{model} at {endpoint}" if endpoint else model
            yield "reply", f"{who}, {answer.finish_reason}: {tokens}; {when}"
        if answer.reasoning:
            yield "reasoning", answer.reasoning
        yield "said", answer.text or answer.refusal


def _kind(request: Request, turns: Sequence[tuple[str, str]], critic: bool, same: bool) -> str:
    """Why a request is sent."""
    if critic:
        return "to judge the answer"
    if same:
        return "the same conversation goes on"
    anew = any(EARLIER in text for _, text in turns)
    asked = "asked anew" if anew else "a stronger model is asked" if request.via else "asked"
    return f"{asked}, draw {request.draw}" if request.draw else asked


def turns_of(request: Request) -> list[tuple[str, str]]:
    """The turns of a request as they are sent, system text first, with media named and not shown."""
    body: dict[str, Any] = orjson.loads(request.body)
    named = ", ".join(f"{one.kind}, {counted(one.size, 'byte')}" for one in request.media)
    turns = [("attached", named)] if named else []
    turns += [(role, body[key]) for role, key in _TEXTS if isinstance(body.get(key), str)]
    said: Any = next((body[name] for name in _TURNS if isinstance(body.get(name), list)), [])
    turns += [(str(turn.get("role")), _content(turn.get("content"))) for turn in said]
    return turns or [("body", request.body.decode())]


def _content(content: Any) -> str:
    parts = content if isinstance(content, list) else [content]
    texts = (part if isinstance(part, str) else part.get("text") for part in parts if part)
    return "\n".join(text for text in texts if isinstance(text, str))


def _value(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def story_of(session: Session, key: str) -> list[Chapter]:
    """The chapters of the record with this key, as it is shown; none where there is no such record."""
    story: list[Chapter] = []
    with closing(Journal.read_only(session.job.folder / "journal.sqlite")) as journal:
        known = recall.knowing(journal)
        anyio.run(Rounds.of(session).follow, known)
        each: list[str] = []
        stages = []
        for stage in session.stages:
            each = [*each, *stage.spec.forks]
            heard: Runner = _Heard(stage, each, journal, story)
            stages.append(replace(stage, runner=heard))
        walks = InOrder(stages, known)
        for record in (one for batch in session.source.batches() for one in batch if one.key == key):
            skipped = [leaf for leaf in walks.leaves([record])[0] if leaf.skipped]
            story += [Chapter("", "skipped", [("why", reason(leaf) or "")]) for leaf in skipped]
            _hide(story, record.private)
    return story


def _hide(story: list[Chapter], private: tuple[Any, ...]) -> None:
    """Take private values and the bytes of media out of all texts."""
    for chapter in story:
        chapter.title = without(chapter.title, private)
        chapter.parts = [(what, without(_MEDIA.sub(r"\1…", text), private)) for what, text in chapter.parts]
