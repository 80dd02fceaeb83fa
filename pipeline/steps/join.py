"""A text that is put together from the answers before it; no model is asked.

Where a check finds it wrong, nobody can be asked to repair it: the row fails, with the text as it is.
This module does not know how the answers came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from pydantic import Field, model_validator

from pipeline.answers.asking import BY_HAND, Taken, Templates, no_misfit, or_by_hand, rejected, whole
from pipeline.answers.checking import Checking, Checks, named_in, written_of
from pipeline.answers.complaints import to_a_person
from pipeline.answers.judges.asked_checks import AskedChecks, all_said, critics_of
from pipeline.answers.written import DISTINCT, place_of
from pipeline.core.domain import Billed, Call, Fault, Request, Values
from pipeline.job.fields import Template as TemplateText
from pipeline.job.models import Model
from pipeline.job.spec import Step
from pipeline.wire.conversation import Conversation

KEYS = ("join",)
_ASKING = (
    "model", "params", "prompt", "prompt_file", "messages", "system", "answer", "repairs", "fresh_starts",
    "escalate", "continuations", "samples", "pick", "end", "allow", "images", "audio",
)  # fmt: skip
"""keys of steps that ask a model"""


class Spec(Step):
    """A step that joins answers into one text."""

    asks: ClassVar[bool] = False

    join: TemplateText = Field(description="a template for the text; it reads columns and earlier answers")
    checks: Checks = Field(
        Checks(),
        description="what the text must satisfy; nothing is repaired, so a failed check fails the row",
    )

    @property
    def others(self) -> tuple[str, ...]:
        """The models that judge the text."""
        return tuple(self.critics)

    @property
    def writers(self) -> tuple[str, ...]:
        """No model writes it."""
        return ()

    @property
    def critics(self) -> Mapping[str, int]:
        """The models that its checks ask."""
        return critics_of(self.checks)

    @property
    def unbounded(self) -> str:
        """Why no bound can be given for the cost of its answers."""
        return "what checks asks for depends on the answers: set budget.cost" if self.others else ""

    @model_validator(mode="before")
    @classmethod
    def _asks_nobody(cls, data: Any) -> Any:
        for name in _ASKING:
            if name in data:
                raise ValueError(f"a step with `join` asks no model; leave `{name}` out")
        return data

    @model_validator(mode="after")
    def _nothing_again(self) -> Spec:
        if any(one.name == DISTINCT for one in named_in(self.checks)):
            raise ValueError("`distinct` has answers written again; put it on the step that writes the parts")
        return self


class Join:
    """A join step, ready to run."""

    shape = None
    documents = False
    repairs = 0

    def __init__(self, spec: Spec, models: Mapping[str, tuple[Model, ...]], template: Templates) -> None:
        self._checking = Checking(spec.checks, spec.name, template.at)
        Checking.check_fields(spec.checks, spec.name, None, template.at)
        self._asked = AskedChecks(spec.checks, spec.name, models, template.at)
        self._text = template("join")
        self.templates = {"join": self._text, **self._checking.templates, **self._asked.templates}
        self._step, self._told, self._each = spec.name, template.told, template.each
        self._own = template.own

    def first_request(self, values: Values, key: str) -> Request | None:
        """None: nobody is asked for the text."""
        self._checking.fit(values)
        self._text.render(values)
        return None

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The text, without blanks at its ends."""
        place = place_of(key, values, self._each)
        text = whole(self._text.render(values)).strip()
        if not text:
            raise Fault("template", f"{self._text.locate(1, 1)}: the text is empty")
        joined, reading = Conversation((("user", text),)), (no_misfit, partial(Taken, by=BY_HAND))
        checked = partial(self._checked, text, values, key, call)
        return await or_by_hand(self._told, self._step, place, joined, reading, checked)

    async def _checked(self, text: str, values: Values, key: str, call: Call) -> Taken:
        written = written_of(text, values, "", (), self._own)
        said = await all_said(self._checking, self._asked, written, key, call)
        hard = " ".join(one.message for one in said.complaints if one.hard)
        if hard:
            fault = rejected("rejected", to_a_person(hard))
            billed = Billed.YES if said.requests else Billed.NO
            raise fault.but(requests=said.requests, known=said.known, best=text, billed=billed)
        return Taken(text, "", said.known, said.complaints, said.requests)


build = Join
