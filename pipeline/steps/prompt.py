"""A prompt template per row, and the model's answer as text or JSON.

This module does not know where rows come from or how a request is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, StrictInt, create_model, field_validator, model_validator

from pipeline.answers.asking import Asking, Taken, Templates
from pipeline.answers.draws import Draws
from pipeline.answers.finish import Allowed
from pipeline.answers.shape import Shape, schema_of
from pipeline.core import adapters
from pipeline.core.domain import Call, Request, Values
from pipeline.job.fields import Spec as _Spec
from pipeline.job.fields import Template as TemplateText
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


def _checks_model() -> Any:
    """One optional field per check, so that an editor knows them all."""
    fields: dict[str, Any] = {}
    for name in adapters.names("checks"):
        options = adapters.load("checks", name).Options
        fields[name] = (options | None, Field(None, description=adapters.summary("checks", name)))
    return create_model("Checks", __base__=_Spec, __doc__="What an answer must satisfy.", **fields)


if TYPE_CHECKING:
    Checks = _Spec
else:
    Checks = _checks_model()


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
    allow: tuple[Allowed, ...] = Field((), description="accept answers that are cut off, refused or empty")

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
        self.templates = {name: template(name) for name in names}
        self._prompt = self.templates[prompt]
        self._system = self.templates.get("system")
        self.shape = Shape(schema_of(spec.answer.shape)) if spec.answer else None
        self._asking = Asking(spec.name, models[spec.model], spec.allow, spec.repairs)
        self._spec = spec
        self.repairs = spec.repairs if self.shape or self._checks else 0
        self._draws = Draws(spec.each, self.templates.values())

    @cached_property
    def _checks(self) -> list[Callable[[str], str | None]]:
        chosen = {name: getattr(self._spec.checks, name) for name in adapters.names("checks")}
        return [
            partial(adapters.load("checks", name).complaint, options=options)
            for name, options in chosen.items()
            if options is not None
        ]

    def _conversation(self, values: Values) -> Conversation:
        system = self._system.render(values) if self._system else ""
        schema = self.shape.schema if self.shape else None
        turns, draw = (("user", self._prompt.render(values)),), self._draws.of(values)
        return Conversation(turns, system, schema, self._spec.name, draw=draw)

    def _judge(self, text: str) -> tuple[Any, str]:
        if self.shape and not text:  # an empty answer that the step allows; a JSON column cannot hold ''
            return None, ""
        value, misfit = self.shape.read(text) if self.shape else (text, "")
        if misfit or not self._checks:
            return value, misfit
        complaints = [complaint for check in self._checks if (complaint := check(text))]
        return value, " ".join(complaints)

    def first_request(self, values: Values, key: str) -> Request:
        """The request it begins with, without sending it."""
        return self._asking.request(self._conversation(values), key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The answer for these values: text, or the JSON value."""
        return await self._asking.ask(self._conversation(values), key, call, self._judge)


build = Prompt
