"""The checks of a step that ask a model: found in the job file, and asked about an answer or a field of it.

This module knows no single check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.answers.checking import Asked, Checking, complaint_of, named_in, parts
from pipeline.answers.options import Named, Options, TemplateAt, by_place
from pipeline.answers.written import Complaint, Written
from pipeline.core import adapters
from pipeline.core.contracts import Asks
from pipeline.core.domain import Call, Reply, Request, Values, frozen
from pipeline.core.errors import JobError
from pipeline.job.models import Model
from pipeline.templates.template import Template


def _asked_in(checks: Any, step: str = "") -> Iterator[Named]:
    names = adapters.names("asked")
    return (one for one in named_in(checks, step) if one.name in names)


def critics_of(checks: Any) -> Mapping[str, int]:
    """The models that the checks ask, by their names in the job, with their usual requests for an answer."""
    found: Counter[str] = Counter()
    for one in asks_of(checks):
        found[one.model] += one.requests
    return found


def asks_of(checks: Any) -> Iterator[Asks]:
    """Whom each of the checks asks; a field may stand in a list, so it is not known how often."""
    for named in _asked_in(checks):
        one: Asks = adapters.load("asked", named.name).asks(named.options)
        field = "how many values of a field are judged depends on the answers"
        yield replace(one, open=field) if named.field else one


@frozen
class AskedAbout:
    """What the checks say of an answer, and what was sent for it; `known` where the journal had it all."""

    complaints: tuple[Complaint, ...]
    requests: tuple[Request, ...]
    known: bool


class AskedChecks:
    """The checks of a step that ask a model, in the order of their names, hard ones first."""

    def __init__(
        self, checks: Any, step: str, models: Mapping[str, tuple[Model, ...]], template: TemplateAt
    ) -> None:
        options = [Options(named, template) for named in _asked_in(checks, step)]
        self._all = [(one, _built(one.named, step, models, template)) for one in options]
        self.templates: Mapping[str, Template] = by_place(options)

    def __bool__(self) -> bool:
        return bool(self._all)

    def fit(self, values: Values) -> None:
        """Refuse a row whose templates give no options, by a `Fault`."""
        for options, _ in self._all:
            options.of(values)

    async def ask(self, written: Written, key: str, call: Call) -> AskedAbout:
        """What all of them say of an answer, or of each value of their field; raises `Fault`."""
        found, requests, known = list[Complaint](), tuple[Request, ...](), True

        async def noted(request: Request) -> Reply:
            nonlocal known
            reply = await call(request)
            known = known and reply.known
            return reply

        for options, check in self._all:
            for part in parts(written, options.named.field):
                said, sent = await check.complaint(part, options.of(written.values), key, noted)
                requests += sent
                if said:
                    found.append(complaint_of(options.named, said))
        return AskedAbout(tuple(found), requests, known)


async def all_said(
    checking: Checking, asked: AskedChecks, written: Written, key: str, call: Call
) -> AskedAbout:
    """What all checks say of an answer; a model is asked only about what passes all others."""
    found = checking.complaints(written)
    if not asked or any(one.hard for one in found):
        return AskedAbout(tuple(found), (), True)
    about = await asked.ask(written, key, call)
    return AskedAbout((*found, *about.complaints), about.requests, about.known)


def _built(named: Named, step: str, models: Mapping[str, tuple[Model, ...]], template: TemplateAt) -> Asked:
    try:
        check: Asked = adapters.load("asked", named.name).build(step, named.options, models)
    except JobError as error:
        place = template(*named.path, "model").locate(1, 1)
        raise JobError(error.what, where=place, hint=error.hint) from None
    return check
