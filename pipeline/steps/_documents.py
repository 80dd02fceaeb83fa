"""Asks for the translation of a document, segment by segment.

The journal is asked what it has for each segment. Only what is open is asked for, in batches, until each is
decided on. This module does not know formats, and does not know what a good translation is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import anyio

from pipeline.answers import finish
from pipeline.answers.asking import Asking, Taken
from pipeline.core import adapters
from pipeline.core.document import Document, Policy
from pipeline.core.domain import Answer, Call, Fate, Fault, Reply, Request, Unanswered, Values
from pipeline.core.errors import InputError
from pipeline.job.spec import Model
from pipeline.templates.template import Template
from pipeline.text.language import named
from pipeline.translation import batch, memory
from pipeline.translation.batch import RUNGS, Rung
from pipeline.translation.decide import Given
from pipeline.translation.formats import read_document
from pipeline.translation.memory import Kept
from pipeline.translation.units import Unit
from pipeline.translation.work import Terms, Wanted, Work
from pipeline.wire.conversation import Conversation, read

DOCUMENT_REPAIRS = 3
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


class Documents:
    """Translates documents with one chain of models."""

    def __init__(self, step: str, models: tuple[Model, ...], terms: Terms, also: Sequence[str]) -> None:
        self._step, self._terms, self._also = step, terms, also
        able = adapters.load("providers", models[0].provider).CAPABILITIES
        self.engine = models[0].api == "translation"
        self.plain = self.engine and not able.keeps_signs
        as_object = tuple(model.model_copy(update={"json_mode": "object"}) for model in models)
        usual = Asking(step, models)
        self._asking: dict[Rung, Asking] = dict.fromkeys(RUNGS, usual) | {"object": Asking(step, as_object)}
        self._rung = {"translation": 3, "completions": 2}.get(models[0].api, 0)
        self._unreadable = 0
        self._flying: dict[bytes, anyio.Event] = {}

    async def take(self, document: Document, wanted: Wanted, key: str, call: Call) -> Taken:
        """The document in the wanted language, with what became of each of its segments."""
        way = _Way(Work.begin(document, wanted, self._terms), key, call, [], [])
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
        work = Work.begin(document, wanted, self._terms)
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
            found = memory.read(await way.call(memory.question(keys, self._also, self._step, way.key)))
        texts: dict[bytes, dict[int, tuple[bytes, str]]] = defaultdict(dict)
        given: dict[bytes, list[tuple[Kept, Given]]] = {}
        for key, answers in zip(keys, found, strict=True):
            given[key] = [
                (kept, self._given(kept.answer, kept.place, kept.of, kept.fault)) for kept in answers
            ]
            for kept, one in given[key]:
                if one.text is not None:
                    texts[kept.request][kept.place] = (key, one.text)
        wrong = {request for request, said in texts.items() if way.work.is_shifted(said)}
        for key in keys:
            way.work.answers.pop(key, None)
        way.work.take(
            {
                key: [
                    Given(None, "shifted", one.by) if kept.request in wrong else one for kept, one in answers
                ]
                for key, answers in given.items()
            }
        )

    async def _ask_for(self, way: _Way, groups: list[list[Unit]]) -> dict[bytes, anyio.Event]:
        """Ask for these batches, one after the other, but for units that another document waits for."""
        flying: dict[bytes, anyio.Event] = {}
        for group in groups:
            flying |= {unit.key: self._flying[unit.key] for unit in group if unit.key in self._flying}
            if units := [unit for unit in group if unit.key not in self._flying]:
                landed = anyio.Event()
                self._flying |= dict.fromkeys((unit.key for unit in units), landed)
                try:
                    await self._ask(way, units)
                finally:
                    for unit in units:
                        del self._flying[unit.key]
                    landed.set()
        return flying

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
        text = batch.user_text(items, work.around(units), rung)
        schema = batch.schema_of(len(units), target) if rung in ("schema", "object") else None
        translation = (items[0].text, wanted.source, wanted.target) if self.engine else None
        draw = str(max(len(work.answers.get(unit.key, ())) for unit in units)).removeprefix("0")
        asked = Conversation((("user", text),), system, schema, "translation", translation, draw)
        request = self._asking[rung].request(asked, way.key)
        return replace(request, segments=tuple(unit.key for unit in units))

    def _given(self, answer: Answer | None, place: int, of: int, fault: str) -> Given:
        """What an answer says for one of its units; what can be read of one that was cut off is used."""
        if answer is None:
            return Given(None, fault)
        by = self._asking["schema"].label(answer.model)
        broken, _ = finish.broken(answer, ()) or ("", "")
        cut_off = broken == "truncated"
        if broken and not cut_off:
            return Given(None, broken, by)
        whole = of > 1 or answer.text.lstrip().startswith("{")  # else the end of the text is missing
        text = batch.texts_of(answer.text, of).get(place) if whole or not cut_off else None
        return Given(text, "" if text is not None else (broken or "missing"), by)


class TranslateDocuments:
    """A step that translates documents, ready to run."""

    shape = None
    documents = True

    def __init__(
        self, asking: Documents, templates: Mapping[str, Template], policy: Policy, repairs: int, model: str
    ) -> None:
        self.templates, self._asking, self._policy, self._model = templates, asking, policy, model
        self.repairs = 0 if asking.engine else repairs

    def _read(self, values: Values) -> tuple[Document, Wanted]:
        """The document of a row, and what is wanted of it."""
        source, target, style, brief = (
            self._render(name, values) for name in ("from", "to", "style", "brief")
        )
        if not source or not target:
            raise Fault("template", "the language to translate from or to is empty")
        row = values["row"]
        document = _parsed(row["path"], row["content"], replace(self._policy, source=source))
        most = 1 + self.repairs
        return document, Wanted(source, target, style, brief, self._model, most, self._asking.plain)

    def _render(self, name: str, values: Values) -> str:
        template = self.templates.get(f"translate.{name}")
        return template.render(values).strip() if template else ""

    def first_request(self, values: Values, key: str) -> Request:
        """The request it begins with: what the journal has for its segments."""
        return self._asking.first_request(*self._read(values), key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The document in the other language."""
        return await self._asking.take(*self._read(values), key, call)


@lru_cache(maxsize=2)
def _parsed(name: str, content: bytes, policy: Policy) -> Document:
    """A document, parsed once for all languages."""
    try:
        return read_document(name, content, policy)
    except InputError as error:
        raise Fault("unreadable", f"{error.where}: {error.what}; {error.hint}") from None


async def _nobody(request: Request) -> Reply:
    raise Unanswered(request)


def _shifted(given: Given) -> Given:
    return replace(given, text=None, cause="shifted")
