"""All checks of a step: those that ask nobody, and those that ask a model about what passes the others.

A check may be about an answer or about a field of it. This module knows no single check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.answers.checking import Asked, Checking, Named, TemplateAt, complaint_of, named_in, parts
from pipeline.answers.written import Complaint, Written
from pipeline.core import adapters
from pipeline.core.domain import Call, Request
from pipeline.job.spec import Model


def asked_in(checks: Any) -> tuple[Named, ...]:
    """The checks that ask a model, as they are written."""
    names = adapters.names("asked")
    return tuple(one for one in named_in(checks) if one.name in names)


def models_of(named: Named) -> tuple[str, ...]:
    """The models that a check asks, by their names in the job."""
    return adapters.load("asked", named.name).models(named.options)


class AskedCheck:
    """One check that asks a model."""

    def __init__(self, named: Named, step: str, models: Mapping[str, tuple[Model, ...]]) -> None:
        self._named = named
        self._check: Asked = adapters.load("asked", named.name).build(step, named.options, models)

    async def complaints(
        self, written: Written, key: str, call: Call
    ) -> tuple[list[Complaint], tuple[Request, ...]]:
        """What it says of an answer, or of each value of its field, and what was sent for it."""
        found, requests = list[Complaint](), tuple[Request, ...]()
        for part in parts(written, self._named.field):
            said, sent = await self._check.complaint(part, key, call)
            requests += sent
            if said:
                found.append(complaint_of(self._named, said))
        return found, requests


class AllChecks:
    """The checks of one step, ready for its answers."""

    def __init__(
        self, checks: Any, step: str, models: Mapping[str, tuple[Model, ...]], template: TemplateAt
    ) -> None:
        self._pure = Checking(checks, step, template)
        self._asked = [AskedCheck(named, step, models) for named in asked_in(checks)]
        self.templates = self._pure.templates

    def __bool__(self) -> bool:
        return bool(self._pure or self._asked)

    async def complaints(
        self, written: Written, key: str, call: Call
    ) -> tuple[tuple[Complaint, ...], tuple[Request, ...]]:
        """What they say, and what was sent for it; a model is asked only about what passes all others."""
        found, requests = self._pure.complaints(written), tuple[Request, ...]()
        if not any(one.hard for one in found):
            for check in self._asked:
                said, sent = await check.complaints(written, key, call)
                found += said
                requests += sent
        return tuple(found), requests
