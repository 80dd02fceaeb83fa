"""A prompt template per row, and the model's answer as text or JSON.

This module does not know where rows come from or how a request is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import Field, StrictInt, field_validator, model_validator

from pipeline.answers.asked_checks import asked_checks, asked_in, models_of
from pipeline.answers.asking import BY_HAND, Asking, Taken, Templates
from pipeline.answers.attempts import Attempts, Verdict
from pipeline.answers.by_hand import or_by_hand
from pipeline.answers.checking import Checking, Checks, written_of
from pipeline.answers.draws import Draws
from pipeline.answers.finish import Allowed
from pipeline.answers.shapes.shape import Shape, schema_of
from pipeline.answers.written import Complaint, place_of
from pipeline.core.domain import Call, Request, Values
from pipeline.job.fields import Spec as _Spec
from pipeline.job.fields import Template as TemplateText
from pipeline.job.fields import Texts
from pipeline.job.spec import Model, Step
from pipeline.wire.conversation import Conversation

KEYS = ("prompt", "prompt_file")


class JsonAnswer(_Spec):
    """An answer in JSON."""

    shape: dict[str, Any] = Field(
        alias="json",
        description="{title: string, tags: [string]}, or a full JSON schema; fields become columns",
    )

    @field_validator("shape")
    @classmethod
    def _is_a_schema(cls, shape: dict[str, Any]) -> dict[str, Any]:
        schema_of(shape)
        return shape


class Spec(Step):
    """A step that asks a model with a prompt."""

    system: TemplateText | None = Field(None, description="a template for the system message")
    prompt: TemplateText | None = Field(None, description="a template for the user message")
    prompt_file: str | None = Field(
        None, description="the same in a file of its own, relative to the job file"
    )
    answer: JsonAnswer | None = Field(
        None, description="for an answer in JSON; without it, the answer is text"
    )
    checks: Checks = Field(
        Checks(),
        description="what an answer must satisfy; a failed check is sent back to the model as a complaint",
    )
    repairs: StrictInt = Field(
        1, ge=0, le=10, description="how often an answer is sent back with a complaint"
    )
    fresh_starts: StrictInt = Field(
        0, ge=0, le=10, description="how often it is asked anew after that, told what was wrong before"
    )
    escalate: Texts = Field(
        (), description="stronger models, in order, for rows that the step's own model does not get right"
    )
    continuations: StrictInt = Field(
        0, ge=0, le=10, description="how often an answer that was cut off at its token limit is continued"
    )
    allow: tuple[Allowed, ...] = Field((), description="accept answers that are cut off, refused or empty")

    @property
    def others(self) -> tuple[str, ...]:
        """The stronger models, and those that judge."""
        judges = (name for one in asked_in(self.checks) for name in models_of(one))
        return tuple(dict.fromkeys((*self.escalate, *judges)))

    @model_validator(mode="after")
    def _one_prompt(self) -> Spec:
        if (self.prompt is None) == (self.prompt_file is None):
            raise ValueError("a step has either `prompt` or `prompt_file`; write one of the two")
        return self


class Prompt:
    """A prompt step, ready to run."""

    documents = False

    def __init__(self, spec: Spec, models: Mapping[str, tuple[Model, ...]], template: Templates) -> None:
        prompt = "prompt_file" if spec.prompt_file else "prompt"
        names = [prompt, "system"] if spec.system else [prompt]
        self._checking = Checking(spec.checks, spec.name, template.at)
        self._asked = asked_checks(spec.checks, spec.name, models)
        self.templates = {**{name: template(name) for name in names}, **self._checking.templates}
        self._prompt = self.templates[prompt]
        self._system = self.templates.get("system")
        self.shape = Shape(schema_of(spec.answer.shape)) if spec.answer else None
        self.repairs = spec.repairs if self.shape or self._checking or self._asked else 0
        self._asking = Asking(spec.name, models[spec.model], spec.allow)
        stronger = [Asking(spec.name, models[name], spec.allow, via=name) for name in spec.escalate]
        askings = [self._asking, *stronger]
        self._attempts = Attempts(askings, self.repairs, spec.fresh_starts, spec.continuations)
        self._draws = Draws(spec.each, [self.templates[name] for name in names])
        self._step, self._told, self._each = spec.name, template.told, template.each

    def _conversation(self, values: Values) -> Conversation:
        system = self._system.render(values) if self._system else ""
        schema = self.shape.schema if self.shape else None
        turns, draw = (("user", self._prompt.render(values)),), self._draws.of(values)
        return Conversation(turns, system, schema, self._step, draw=draw)

    def first_request(self, values: Values, key: str) -> Request:
        """The request it begins with, without sending it."""
        return self._asking.request(self._conversation(values), key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The answer for these values: text, or the JSON value."""
        place = place_of(key, values, self._each)
        asked = self._conversation(values)
        prompt = asked.turns[-1][1]
        judge = partial(self._judge, values, place, prompt, key, call)
        ask = partial(self._attempts.ask, asked, key, call, judge)
        read = partial(self._by_hand, values, prompt)
        return await or_by_hand(self._told, self._step, place, asked, read, ask)

    def _by_hand(self, values: Values, prompt: str, text: str) -> Taken:
        """A text that a person decided on: no check rejects it, and soft ones are told."""
        value, _ = self._read(text)
        complaints = self._checking.complaints(written_of(value, values, prompt))
        return Taken(value, BY_HAND, soft=tuple(one for one in complaints if not one.hard))

    def _read(self, text: str) -> tuple[Any, str]:
        if self.shape and not text:  # an empty answer that the step allows; a JSON column cannot hold ''
            return None, ""
        return self.shape.read(text) if self.shape else (text, "")

    async def _judge(
        self, values: Values, place: str, prompt: str, key: str, call: Call, text: str, asked: Conversation
    ) -> Verdict:
        """What the checks say; a model is asked only about what passes all others."""
        value, misfit = self._read(text)
        if misfit:
            return Verdict(None, (Complaint("answer", misfit),))
        if not (self._checking or self._asked):
            return Verdict(value)
        written = written_of(value, values, prompt, self._told.near(self._step, place, text))
        complaints = self._checking.complaints(written)
        requests: list[Request] = []
        if not any(one.hard for one in complaints):
            for check in self._asked:
                said, sent = await check.complaints(written, key, call)
                complaints += said
                requests += sent
        return Verdict(value, tuple(complaints), tuple(requests))


build = Prompt
