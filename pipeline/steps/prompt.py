"""A prompt template per row, and the model's answer as text or JSON.

This module does not know where rows come from or how a request is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import Field, StrictInt, field_validator, model_validator

from pipeline.answers.asking import BY_HAND, Asking, Taken, Templates, or_by_hand
from pipeline.answers.attempts import Attempts, Verdict
from pipeline.answers.checking import Checking, Checks, named_in, written_of
from pipeline.answers.draws import Draws
from pipeline.answers.ending import Ending, EndMark
from pipeline.answers.finish import Allowed
from pipeline.answers.judges import picking
from pipeline.answers.judges.asked_checks import AskedChecks, all_said, asks_of, critics_of
from pipeline.answers.judges.picking import Picker
from pipeline.answers.options import Named
from pipeline.answers.samples import ByJudge, Pick, Samples
from pipeline.answers.shapes.shape import Shape, schema_of
from pipeline.answers.written import DISTINCT, Complaint, Written, own_draw, place_of
from pipeline.core.contracts import Follows
from pipeline.core.domain import Call, Rejected, Reply, Request, Values
from pipeline.job.fields import Spec as _Spec
from pipeline.job.fields import Texts
from pipeline.job.models import Model
from pipeline.steps._question import Asks, Question
from pipeline.wire.conversation import Conversation

KEYS = ("prompt", "prompt_file", "messages")


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


class Spec(Asks):
    """A step that asks a model with a prompt."""

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
    samples: StrictInt = Field(1, ge=1, le=64, description="how many answers are asked for each row")
    pick: Pick | ByJudge = Field(
        "first_passing",
        description="which of the samples becomes the answer; first_passing asks for no more than it needs,"
        " all gives a list, {judge: {model: critic}} has another model compare them",
    )
    end: EndMark | None = Field(
        None,
        description='a mark that an answer must end with, such as "[END]": the model is told so, an answer'
        " without it is not finished, and the result does not have it; only for answers in text",
    )
    allow: tuple[Allowed, ...] = Field((), description="accept answers that are cut off, refused or empty")

    @model_validator(mode="after")
    def _few_samples(self) -> Spec:
        if isinstance(self.pick, ByJudge) and self.samples > picking.MOST:
            raise ValueError(f"a judge compares at most {picking.MOST} samples, each with each")
        return self

    @model_validator(mode="after")
    def _one_end(self) -> Spec:
        if self.end and self.answer:
            raise ValueError("`end` is for answers in text: an answer in JSON has its own end; leave it out")
        return self

    @property
    def others(self) -> tuple[str, ...]:
        """The stronger models, and those that judge."""
        return tuple(dict.fromkeys((*self.escalate, *self.critics)))

    @property
    def writers(self) -> tuple[str, ...]:
        """Its own model, and the stronger ones."""
        return (self.model, *self.escalate)

    @property
    def critics(self) -> Mapping[str, int]:
        """The models that its checks ask."""
        compared = self._picks
        picks = {compared.model: picking.requests(self.samples) // self.samples} if compared else {}
        return Counter(critics_of(self.checks)) + Counter(picks)

    @property
    def _picks(self) -> picking.Options | None:
        """Who compares samples; None for nobody."""
        return self.pick.judge if isinstance(self.pick, ByJudge) and self.samples > 1 else None

    @property
    def distinct(self) -> tuple[Named, ...]:
        """Its checks that compare the answers of all rows."""
        return tuple(one for one in named_in(self.checks, self.name) if one.name == DISTINCT)

    @property
    def several(self) -> bool:
        """Whether all samples are kept."""
        return self.samples > 1 and self.pick == "all"

    @property
    def unbounded(self) -> str:
        """Why no bound can be given for the cost of its answers."""
        return "what distinct asks for depends on other rows: set budget.cost" if self.distinct else ""

    @property
    def follows(self) -> Follows:
        """What may follow a question of it, beside repairs."""
        compared = self._picks
        picked = picking.asks(compared, self.samples) if compared else None
        judged = tuple(asks_of(self.checks))
        beside = (self.fresh_starts, self.continuations, self.escalate, judged, picked)
        return Follows(self.samples, self.pick == "first_passing", *beside)


class Prompt:
    """A prompt step, ready to run."""

    documents = False

    def __init__(self, spec: Spec, models: Mapping[str, tuple[Model, ...]], template: Templates) -> None:
        self._question = Question(spec, template)
        self._shape = Shape(schema_of(spec.answer.shape)) if spec.answer else None
        self._checking = Checking(spec.checks, spec.name, template.at)
        Checking.check_fields(spec.checks, spec.name, self._shape, template.at)
        self._asked = AskedChecks(spec.checks, spec.name, models, template.at)
        of_checks = {**self._checking.templates, **self._asked.templates}
        self.templates = {**self._question.templates, **of_checks}
        self.shape = _listed(self._shape) if spec.several else self._shape
        self._samples = Samples(spec.samples, spec.pick) if spec.samples > 1 else None
        self._picker = Picker(spec.name, spec._picks, models) if spec._picks else None
        self._end = Ending(spec.end) if spec.end else None
        judged = self._shape or self._checking or self._asked or self._end
        self.repairs = spec.repairs if judged else 0
        self._asking = Asking(spec.name, models[spec.model], spec.allow)
        self._stronger = [Asking(spec.name, models[name], spec.allow, via=name) for name in spec.escalate]
        askings = [self._asking, *self._stronger]
        rounds = max((one.options.model_dump()["rounds"] for one in spec.distinct if one.hard), default=0)
        self._attempts = Attempts(askings, spec.repairs, spec.fresh_starts, spec.continuations, rounds)
        self._draws = Draws(spec.forks, self._question.templates.values())
        self._step, self._told, self._each = spec.name, template.told, template.each
        self._own = template.own

    def _conversation(self, values: Values) -> Conversation:
        system, turns, media = self._question.of(values)
        if self._end:
            *before, (role, last) = turns
            turns = (*before, (role, self._end.asked(last)))
        schema, draw = self._shape.schema if self._shape else None, self._draws.of(values)
        return Conversation(turns, system, schema, self._step, draw=draw, given=len(turns), media=media)

    def _begun(self, values: Values, key: str) -> Conversation:
        """The conversation; a `Fault`, before anything is paid for, where a model takes no pictures."""
        asked = self._conversation(values)
        for stronger in self._stronger if asked.media else ():
            stronger.request(asked, key)
        return asked

    def first_request(self, values: Values, key: str) -> Request:
        """The request it begins with, without sending it."""
        self._fit(values)
        return self._asking.request(self._begun(values, key), key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The answer for these values: text, or the JSON value."""
        place = place_of(key, values, self._each)
        asked = self._begun(values, key)
        judge = partial(self._judge, values, place, asked.turns[-1][1], key, call)

        async def one(question: Conversation) -> Taken:
            try:
                return await self._attempts.ask(question, key, call, judge)
            except Rejected as fault:
                raise fault.but(best=self._end.bare(fault.best) if self._end else fault.best) from None

        async def choose(found: Sequence[Any]) -> tuple[int, tuple[Request, ...], bool]:
            assert self._picker is not None  # noqa: S101 - it is only called where there is one
            written = [written_of(value, values, asked.turns[-1][1]) for value in found]
            known: list[bool] = []

            async def noting(request: Request) -> Reply:
                reply = await call(request)
                known.append(reply.known)
                return reply

            texts = [one.text for one in written]
            return *await self._picker.pick(texts, written[0], key, noting), all(known)

        async def ask() -> Taken:
            self._fit(values)
            if self._samples is None:
                return await one(asked)
            return await self._samples.take(asked, one, choose if self._picker else None)

        reading = lambda text: self._read(text)[1], partial(self._by_hand, values, place, asked.turns[-1][1])
        return await or_by_hand(self._told, self._step, place, asked, reading, ask)

    def _fit(self, values: Values) -> None:
        """Refuse a row whose answer no check could look at, before it is paid for."""
        self._checking.fit(values)
        self._asked.fit(values)

    def _by_hand(self, values: Values, place: str, prompt: str, text: str) -> Taken:
        """A text that a person decided on: no hard check is asked, and soft ones are told."""
        value = self._read(text)[0]
        soft = tuple(self._checking.complaints(self._written(value, values, place, prompt), hard=False))
        return Taken(value if self.shape is self._shape else [value], BY_HAND, soft=soft)

    def _written(self, value: Any, values: Values, place: str, prompt: str) -> Written:
        return written_of(value, values, prompt, self._told.near(self._step, place), self._own)

    def _read(self, text: str) -> tuple[Any, str]:
        if self._shape and not text:  # an empty answer that the step allows; a JSON column cannot hold ''
            return None, ""
        return self._shape.read(text) if self._shape else (text, "")

    async def _judge(
        self, values: Values, place: str, prompt: str, key: str, call: Call, text: str, asked: Conversation
    ) -> Verdict:
        """What the checks say of it, once it is whole and fits its shape."""
        if self._end:
            text, unfinished = self._end.cut(text)
            if unfinished:
                return Verdict(None, (Complaint("end", unfinished),))
        value, misfit = self._read(text)
        if misfit:
            return Verdict(None, (Complaint("answer", misfit),))
        if not (self._checking or self._asked):
            return Verdict(value)
        written = self._written(value, values, place, prompt)
        said = await all_said(self._checking, self._asked, written, key, call)
        alike = any(one.check == DISTINCT and one.hard for one in said.complaints)
        return Verdict(
            value, said.complaints, said.requests, said.known, draw=own_draw(place) if alike else ""
        )


def _listed(shape: Shape | None) -> Shape:
    """The shape of a list of such answers."""
    return Shape({"type": "array", "items": shape.schema if shape else {"type": "string"}})


build = Prompt
