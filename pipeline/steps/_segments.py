"""Asks for the translation of a document, segment by segment.

The journal is asked what it has for each segment. Only what is open is asked for, in batches, until each is
decided on. This module does not know formats, and does not know what a good translation is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio

from pipeline.answers import finish
from pipeline.answers.asking import Asking, Taken
from pipeline.answers.at_once import all_of
from pipeline.core import adapters
from pipeline.core.document import Document
from pipeline.core.domain import Answer, Call, Fate, Fault, Reply, Request, Unanswered
from pipeline.job.models import Model
from pipeline.text.language import named
from pipeline.translation import batch, memory
from pipeline.translation.batch import RUNGS, Rung
from pipeline.translation.decide import Given
from pipeline.translation.memory import Kept
from pipeline.translation.units import Unit
from pipeline.translation.work import Terms, Wanted, Work
from pipeline.wire.conversation import Conversation, read

_UNREADABLE = 2
"""so many answers of which nothing can be read end a way to ask"""


@dataclass(frozen=True)
class _Way:
    """A document that is being asked for: who asks, and how far it is."""

    work: Work
    key: str
    call: Call
    waiting: list[Unanswered]
    sent: list[Request]


class _Ways:
    """The ways to ask one chain of models."""

    def __init__(self, step: str, models: tuple[Model, ...]) -> None:
        self.usual = Asking(step, models)
        self._object = Asking(step, tuple(one.model_copy(update={"json_mode": "object"}) for one in models))

    def of(self, rung: Rung) -> Asking:
        return self._object if rung == "object" else self.usual


@dataclass(frozen=True)
class How:
    """How a step translates documents, beside what is wanted of each."""

    terms: Terms
    also: Sequence[str]
    """other jobs whose translations are used"""
    escalate: str
    """the model for the last try, by its name in the job; '' for none"""
    serial: bool
    """whether the parts of a document are asked for one after the other, each shown those before it"""


class Documents:
    """Translates documents with one chain of models, and another one as the last resort."""

    def __init__(self, step: str, own: str, models: Mapping[str, tuple[Model, ...]], how: How) -> None:
        self._step, self._how = step, how
        first = models[own][0]
        self.model = first.model
        self.engine = first.api == "translation"
        self.plain = self.engine and not adapters.load("providers", first.provider).CAPABILITIES.keeps_signs
        self._asking = {name or "": _Ways(step, models[name or own]) for name in ("", how.escalate)}
        self._rung = {"translation": 3, "completions": 2}.get(first.api, 0)
        self._labels = {k: v for ways in self._asking.values() for k, v in ways.usual.labels.items()}
        self._unreadable = 0
        self._flying: dict[bytes, anyio.Event] = {}

    @property
    def escalates(self) -> bool:
        """Whether another model is asked in the end."""
        return bool(self._how.escalate)

    async def take(self, document: Document, wanted: Wanted, key: str, call: Call) -> Taken:
        """The document in the wanted language, with what became of each of its segments."""
        way = _Way(Work.begin(document, wanted, self._how.terms), key, call, [], [])
        await self._look_up(way, way.work.keys())
        while groups := way.work.open(self._most):
            flying = await self._ask_for(way, groups)
            if way.waiting:
                raise way.waiting[0]
            for event in flying.values():
                await event.wait()
            await self._look_up(way, list(flying))
        result = way.work.result()
        by = ", ".join(dict.fromkeys(one.by for one in result.outcomes if one.by))
        return Taken(result, by, not way.sent)

    def first_request(self, document: Document, wanted: Wanted, key: str) -> Request:
        """The request for the first batch; where nothing is to be translated, the question to the journal."""
        work = Work.begin(document, wanted, self._how.terms)
        work.take(dict.fromkeys(work.keys(), ()))
        groups = work.open(self._most)
        if not groups:
            return memory.question((), (), self._step, key)
        return self._request(_Way(work, key, _nobody, [], []), groups[0], RUNGS[self._rung])

    @property
    def _most(self) -> int:
        return 1 if RUNGS[self._rung] == "single" else batch.MOST_SEGMENTS

    async def _look_up(self, way: _Way, keys: Sequence[bytes]) -> None:
        """Take all answers that these units ever had from the journal."""
        found: list[list[Kept]] = []
        if keys:
            found = memory.read(await way.call(memory.question(keys, self._how.also, self._step, way.key)))
        texts: dict[bytes, dict[int, tuple[bytes, str]]] = defaultdict(dict)
        given: dict[bytes, list[tuple[Kept, Given]]] = {}
        for key, answers in zip(keys, found, strict=True):
            given[key] = [(kept, self._given_by(kept)) for kept in answers]
            for kept, one in given[key]:
                if one.text is not None:
                    texts[kept.request][kept.place] = (key, one.text)
        wrong = {request for request, said in texts.items() if way.work.is_shifted(said)}
        for key in keys:
            way.work.answers.pop(key, None)
        way.work.take(
            {
                key: [_shifted(one) if kept.request in wrong else one for kept, one in answers]
                for key, answers in given.items()
            }
        )

    async def _ask_for(self, way: _Way, groups: list[list[Unit]]) -> dict[bytes, anyio.Event]:
        """Ask for these batches, one after the other, but for units that another document waits for."""
        flying: dict[bytes, anyio.Event] = {}
        jobs = [partial(self._ask_first, way, group, flying) for group in groups]
        if self.engine or not self._how.serial:  # an engine is shown nothing of what stands before
            await all_of(jobs)
            return flying
        for job in jobs:
            await job()
        return flying

    async def _ask_first(self, way: _Way, group: list[Unit], flying: dict[bytes, anyio.Event]) -> None:
        """Ask for a batch, but for units that another document is asking for: those are noted in `flying`."""
        flying.update({unit.key: self._flying[unit.key] for unit in group if unit.key in self._flying})
        if units := [unit for unit in group if unit.key not in self._flying]:
            landed = anyio.Event()
            self._flying |= dict.fromkeys((unit.key for unit in units), landed)
            try:
                await self._ask(way, units)
            finally:
                for unit in units:
                    del self._flying[unit.key]
                landed.set()

    async def _ask(self, way: _Way, units: list[Unit]) -> None:
        rung = RUNGS[self._rung]
        request = self._request(way, units, rung)
        answer, cause = None, ""
        try:
            reply = await way.call(request)
            answer = replace(read(reply), model=reply.model)
        except Unanswered as fault:
            way.waiting.append(fault)
            return
        except Fault as fault:
            if fault.fate is not Fate.FAIL:
                raise
            cause = fault.kind
            if fault.status in (400, 404, 422, 501):  # it may not know this form of answer
                self._descend(rung, at_once=True)
        way.sent.append(request)
        given = {
            unit.key: self._given(answer, place, len(units), cause) for place, unit in enumerate(units, 1)
        }
        texts = {i: (key, one.text) for i, (key, one) in enumerate(given.items(), 1) if one.text is not None}
        if answer is not None and not texts and not finish.broken(answer, ()):
            self._descend(rung, at_once=False)
        if way.work.is_shifted(texts):
            given = {key: _shifted(one) for key, one in given.items()}
        way.work.take({key: [one] for key, one in given.items()})

    def _descend(self, rung: Rung, *, at_once: bool) -> None:
        """Ask in a simpler way from now on, where this one was refused or brought nothing to read, twice."""
        if rung != RUNGS[self._rung] or rung == "single":
            return
        self._unreadable += 1
        if at_once or self._unreadable >= _UNREADABLE:
            self._rung, self._unreadable = self._rung + 1, 0

    def _request(self, way: _Way, units: Sequence[Unit], rung: Rung) -> Request:
        work, wanted = way.work, way.work.wanted
        items = work.items(units)
        target = named(wanted.target)
        system = batch.system_text(named(wanted.source), target, wanted.style, wanted.brief, work.brackets)
        text = batch.user_text(items, work.around(units), rung, target)
        schema = batch.schema_of(len(units), target) if rung in ("schema", "object") else None
        translation = (items[0].text, wanted.source, wanted.target) if self.engine else None
        draw = str(max(len(work.answers.get(unit.key, ())) for unit in units)).removeprefix("0")
        asked = Conversation((("user", text),), system, schema, "translation", translation, draw)
        last = bool(self._how.escalate) and any(
            len(work.answers.get(unit.key, ())) == wanted.most - 1 for unit in units
        )
        via = self._how.escalate if last else ""
        request = self._asking[via].of(rung).request(asked, way.key)
        return replace(request, segments=tuple(unit.key for unit in units), via=via)

    def _given_by(self, kept: Kept) -> Given:
        given = self._given(kept.answer, kept.place, kept.of, kept.fault)
        return replace(given, tokens=kept.tokens, cost=kept.cost)

    def _given(self, answer: Answer | None, place: int, of: int, fault: str) -> Given:
        """What an answer says for one of its units; what can be read of one that was cut off is used."""
        if answer is None:
            return Given(None, fault)
        by = self._labels.get(answer.model, answer.model)
        broken, _ = finish.broken(answer, ()) or ("", "")
        cut_off = broken == "truncated"
        if broken and not cut_off:
            return Given(None, broken, by)
        whole = of > 1 or answer.text.lstrip().startswith("{")  # else the end of the text is missing
        text = batch.texts_of(answer.text, of).get(place) if whole or not cut_off else None
        if text is None:
            return Given(None, broken or "missing", by)
        return Given(_readable(text), "", by)


async def _nobody(request: Request) -> Reply:
    raise Unanswered(request)


def _readable(text: str) -> str:
    """The text with a sign for each half of a character: a gate refuses it, and no parser trips over it."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shifted(given: Given) -> Given:
    return replace(given, text=None, cause="shifted")
