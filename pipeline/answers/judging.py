"""Has a model judge translations, in batches, until each is judged or nothing more is tried.

The journal is asked first what it has for each pair of source and translation, whatever batch it came with:
so a pair that was judged once is never paid for again. It never fails: what could not be judged is named so.
This module does not know documents, and does not know which pairs are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pipeline.answers import finish
from pipeline.answers.asking import Asking, Taken
from pipeline.answers.at_once import all_of
from pipeline.answers.shapes.shape import Shape
from pipeline.core.domain import Answer, Call, Fate, Fault, Reply, Request, Unanswered, Values, frozen
from pipeline.job.models import Model
from pipeline.templates.template import Template
from pipeline.text.language import named
from pipeline.translation import memory
from pipeline.translation.review import meaning
from pipeline.translation.review.meaning import Error, Pair, UnreadableError
from pipeline.wire.conversation import Conversation, read

SIZES = (meaning.MOST_PAIRS, 5, 1)
"""the most pairs of a request, by how many answers could not be used: what fails in company may pass alone"""

MOST_CHARACTERS = 12_000
"""of the pairs of a request: a judge that reads more begins to skip"""


@frozen
class Judgements:
    """What a judge said of some pairs."""

    errors: tuple[Error, ...]
    judged: int
    open: bool
    """whether some pairs have not been asked about yet"""


@dataclass
class _Known:
    """A pair, and what is known of it."""

    pair: Pair
    errors: list[Error] | None = None
    tries: int = 0
    why: str = ""
    """what was wrong with the last answer, in a sentence for the judge"""
    open: bool = False

    def take(self, answer: Answer | None, number: int) -> None:
        """One more answer; None where there was nothing to read."""
        self.tries += 1
        self.why = ""
        if answer is None or finish.broken(answer, ()):
            return
        try:
            self.errors = meaning.read(answer.text, number, self.pair)
        except UnreadableError as error:
            self.why = str(error)


@dataclass(frozen=True)
class _Way:
    """The pairs of one record by their keys, and who asks."""

    known: Mapping[bytes, _Known]
    source: str
    target: str
    key: str
    call: Call
    sent: list[Request] = field(default_factory=list)


class Judging:
    """Judges the pairs of a record: a runner of the walk, whose value is `Judgements`."""

    shape: Shape | None = None
    documents = False
    repairs = len(SIZES) - 1

    def __init__(self, step: str, models: tuple[Model, ...]) -> None:
        self.templates: Mapping[str, Template] = {}
        self._step, self._model = step, models[0].model
        simple = tuple(one.model_copy(update={"json_mode": "object"}) for one in models)
        self._usual, self._simple = Asking(step, models), Asking(step, simple)

    def _way(self, values: Values, key: str, call: Call) -> _Way:
        row = values["row"]
        source, target = row["source"], row["target"]
        known = {meaning.key_of(pair, source, target, self._model): _Known(pair) for pair in row["pairs"]}
        return _Way(known, source, target, key, call)

    def first_request(self, values: Values, key: str) -> Request:
        """The question to the journal."""
        return memory.question(list(self._way(values, key, _nobody).known), (), self._step, key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """What the judge says of the pairs."""
        way = self._way(values, key, call)
        keys = list(way.known)
        kept = memory.read(await call(memory.question(keys, (), self._step, key)))
        for found, answers in zip(keys, kept, strict=True):
            one = way.known[found]
            for answer in answers:
                if one.errors is None:
                    one.take(answer.answer, answer.place)
        while groups := _groups(way):
            await all_of([partial(self._ask, way, group) for group in groups])
        found_errors = tuple(error for one in way.known.values() for error in one.errors or ())
        judged = sum(one.errors is not None for one in way.known.values())
        waits = any(one.open for one in way.known.values())
        return Taken(Judgements(found_errors, judged, waits), self._usual.label(self._model), not way.sent)

    async def _ask(self, way: _Way, group: Sequence[bytes]) -> None:
        request = self._request(way, group)
        some = [way.known[key] for key in group]
        answer = None
        try:
            reply = await way.call(request)
            answer = replace(read(reply), model=reply.model)
        except Unanswered:
            for one in some:
                one.open = True
            return
        except Fault as fault:
            if fault.fate is Fate.STOP:
                raise
            if fault.fate is Fate.RETRY:  # it has been tried often enough; the next run tries it again
                for one in some:
                    one.tries = len(SIZES)
        way.sent.append(request)
        for number, one in enumerate(some, 1):
            one.take(answer, number)

    def _request(self, way: _Way, group: Sequence[bytes]) -> Request:
        some = [way.known[key] for key in group]
        pairs = [one.pair for one in some]
        system, text, schema = meaning.prompt(pairs, named(way.source), named(way.target))
        tries = some[0].tries
        if why := next((one.why for one in some if one.why), ""):
            text += f"\n\nAn earlier answer of yours could not be used: {why}"
        draw = str(tries) if tries else ""
        asked = Conversation((("user", text),), system, schema, "judgement", draw=draw)
        asking = self._simple if tries else self._usual  # it may not know schemas
        return replace(asking.request(asked, way.key), segments=tuple(group))


async def _nobody(request: Request) -> Reply:
    raise Unanswered(request)


def _groups(way: _Way) -> list[list[bytes]]:
    """The pairs that are to be asked about, in batches, by the number of their answers."""
    groups: list[list[bytes]] = []
    for tries, size in enumerate(SIZES):
        keys = [
            key
            for key, one in way.known.items()
            if one.tries == tries and one.errors is None and not one.open
        ]
        length = 0
        for i, key in enumerate(keys):
            length += len(way.known[key].pair.source) + len(way.known[key].pair.target)
            if not i or len(groups[-1]) == size or length > MOST_CHARACTERS:
                groups.append([])
                length = 0
            groups[-1].append(key)
    return groups
