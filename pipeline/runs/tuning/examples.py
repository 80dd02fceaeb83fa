"""The accepted answers of a step, each with its question and the answers that were not taken.

They are found by the walk of an export: the journal answers, and nothing is sent. An answer is the step's
value as it was accepted, so a repair is not shown: the final answer stands behind the first question. This
module does not know files, nor the formats of fine-tuning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson

from pipeline.answers.asking import Runner, Taken
from pipeline.answers.ending import Ending
from pipeline.answers.items import Items
from pipeline.answers.shapes.shape import Shape
from pipeline.core.domain import Call, LookUp, Record, Reply, Request, Values, frozen
from pipeline.core.errors import JobError
from pipeline.core.redaction import without
from pipeline.core.suggest import nearest
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import Stage, stages_of
from pipeline.job.spec import Job
from pipeline.runs.session import Session
from pipeline.wire.conversation import read
from pipeline.wire.words import STOP

BATCH = 256  # records that are looked up at once


@frozen
class Example:
    """A question as messages of a chat, and what was answered."""

    messages: Sequence[dict[str, Any]]
    answer: str
    others: tuple[str, ...]
    """whole answers to the same question that were rejected, or not picked"""
    soft: bool
    """whether a soft check complains of the answer"""
    private: bool
    """whether a value of a private column stands in it"""


class Examples:
    """The examples of one step, in the order of the records.

    `missing` counts rows without an answer; `model` is the name of the model that is asked first.
    """

    def __init__(self, session: Session, step: str, look_up: LookUp) -> None:
        index = step_index(session.job, step)
        stage = session.stages[index]
        if stage.runner.documents:
            hint = "output.include: [tmx] writes their translations as a translation memory"
            raise JobError(f"the step '{step}' translates documents", where="--step", hint=hint)
        if not stage.spec.asked:
            raise JobError(f"the step '{step}' asks no model", where="--step", hint="name another step")
        self.missing, self.model = 0, session.job.models[stage.spec.model].model
        self._source = session.source
        runner, question = stage.runner, _in_chat(session, index)
        every, mark = getattr(stage.spec, "pick", "") == "all", getattr(stage.spec, "end", None)
        end = Ending(mark) if mark else None
        if isinstance(runner, Items) and isinstance(question, Items):
            self._noting = _Noting(runner.inner, question.inner, every, end)
            runner = copy(runner)
            runner.inner = self._noting
        else:
            runner = self._noting = _Noting(runner, question, every, end)
        stages: list[Stage] = [*session.stages]
        stages[index] = replace(stage, runner=runner)
        self._walks = InOrder(stages[: index + 1], look_up)

    def __iter__(self) -> Iterator[Example]:
        for batch in self._source.batches(BATCH):
            for record, leaves in zip(batch, self._walks.leaves(batch), strict=True):
                self.missing += sum(leaf.fault is not None for leaf in leaves)
                yield from self._of(record)
            self._noting.noted.clear()

    def _of(self, record: Record) -> Iterator[Example]:
        for asked, example in chain.from_iterable(self._noting.noted.get(record.key, ())):
            if asked.media:  # read now: a batch of pictures may be larger than the memory
                example = replace(example, messages=orjson.loads(asked.sent)["messages"])
            if record.private:
                said = [text for message in example.messages for text in texts_in(message["content"])]
                whole = "\n".join([*said, example.answer, *example.others])
                yield replace(example, private=bool(asked.media) or without(whole, record.private) != whole)
            else:
                yield example


class _Noting:
    """A step that notes what it takes, by the key of the record.

    `every`: its value is a list of answers to one question. `end`: the mark that the question asks for: an
    example has it, so that the model learns to write it.
    """

    def __init__(self, runner: Runner, question: Runner, every: bool, end: Ending | None) -> None:
        self.templates, self.shape, self.repairs = runner.templates, runner.shape, runner.repairs
        self.documents = runner.documents
        self.first_request = runner.first_request
        self.noted: dict[str, list[list[tuple[Request, Example]]]] = {}
        self._runner, self._question, self._every, self._end = runner, question, every, end

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """What the step takes; the same `Fault` where it takes nothing."""
        replies: list[tuple[Request, Reply]] = []
        found: list[tuple[Request, Example]] = []
        self.noted.setdefault(key, []).append(found)  # in the order in which they begin

        async def noting(request: Request) -> Reply:
            reply = await call(request)
            replies.append((request, reply))
            return reply

        taken = await self._runner.take(values, key, noting)
        first = self._question.first_request(values, key)
        if first is None:  # nobody was asked
            return taken
        messages = orjson.loads(first.body)["messages"]
        every = self._every and isinstance(taken.value, list)
        others = dict.fromkeys(self._others(replies, taken)) if replies and not every else ()
        found.extend(
            (first, Example(messages, self._marked(_written(value)), tuple(others), bool(taken.soft), False))
            for value in (taken.value if every else [taken.value])
        )
        return taken

    def _others(self, replies: Sequence[tuple[Request, Reply]], taken: Taken) -> Iterator[str]:
        """The whole answers to the first question, of whatever draw, that are not the one that was taken."""
        first = replies[0][0]
        for request, reply in replies:
            answer = read(reply, tokens=False)
            text = answer.text.strip()
            if request.body != first.body or answer.finish_reason != STOP or answer.refusal or not text:
                continue
            text, unfinished = self._end.cut(text) if self._end else (text, "")
            if unfinished:
                yield answer.text.strip()
            elif (value := _value(self.shape, text)) != taken.value:
                yield self._marked(_written(value))

    def _marked(self, text: str) -> str:
        return self._end.marked(text) if self._end and text else text


def _value(shape: Shape | None, text: str) -> Any:
    """What an answer says; its text where it is not the JSON that it should be."""
    value, misfit = shape.read(text) if shape else (text, "")
    return text if misfit else value


def _written(value: Any) -> str:
    """A value as a model would write it."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def texts_in(content: Any) -> Iterator[str]:
    """The texts in a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part.get("text"), str):
            yield part["text"]


def step_index(job: Job, name: str) -> int:
    """The place of a step by its name, '' for the only one; `JobError` where none is meant clearly."""
    names = [step.name for step in job.steps]
    if not name and len(names) == 1:
        return 0
    if name not in names:
        what = f"there is no step '{name}'" if name else "which step is meant is not clear"
        hint = nearest(name, names) or f"steps: {', '.join(names)}"
        raise JobError(what, where="--step", hint=hint)
    return names.index(name)


def _in_chat(session: Session, index: int) -> Runner:
    """The step as it would ask in the dialect of chats, whose messages are those of fine-tuning."""
    job = session.job
    chat = {"provider": "openai", "api": "chat"}
    models = {name: model.model_copy(update=chat) for name, model in job.models.items()}
    return stages_of(job.model_copy(update={"models": models}))[index].runner
