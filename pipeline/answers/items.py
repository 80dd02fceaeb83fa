"""A step that is taken for each item of a list inside of a row: its value is the list of their answers.

The row stays one row. What a step sees of an item is the item itself, its number from 1, how many there are,
and, one after the other, the answers that were written so far. This module does not know what the step asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pipeline.answers.asking import Runner, Taken
from pipeline.answers.at_once import all_of
from pipeline.answers.checking import written_of
from pipeline.answers.shapes.shape import Shape
from pipeline.answers.written import Complaint
from pipeline.core.domain import Call, Fate, Fault, Rejected, Request, Unanswered, Values
from pipeline.job.spec import Step
from pipeline.templates.template import Template

MOST = 200
"""items of one list; a longer one is hardly meant, and each of them is paid for"""
NUMBER, COUNT, WRITTEN = "number", "count", "written"
KNOWN = (NUMBER, COUNT, WRITTEN)
"""what the templates of such a step can read besides the item"""

_IN_AN_ANSWER = re.compile(r"\s*\{\{\s*(\w+)((?:\.\w+)*)\s*\}\}\s*")


class Items:
    """A step over the items that a template gives, ready to run."""

    documents = False

    def __init__(self, spec: Step, runner: Runner, found: Template) -> None:
        self._name, self._serial = spec.item, spec.order == "serial"
        self.inner, self._list = runner, found  # what answers for one item, and the items
        self.templates: Mapping[str, Template] = {f"each.{spec.item}": found, **runner.templates}
        self.repairs = runner.repairs
        inner = runner.shape.plain if runner.shape else {"type": "string"}
        self.shape: Shape | None = Shape({"type": "array", "items": inner})

    def first_request(self, values: Values, key: str) -> Request | None:
        """The request it begins with, without sending it; None where there are no items."""
        return self._begun(values, self._items(values), key)

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The answers for all items, in their order; a fault of one is the fault of all."""
        items = self._items(values)
        self._begun(values, items, key)
        done: list[Taken | Fault | None] = [None] * len(items)

        async def one(at: int) -> None:
            written = "\n\n".join(map(_text, done[:at])) if self._serial else ""
            try:
                done[at] = await self.inner.take(self._inside(values, items, at, written), key, call)
            except Fault as fault:
                done[at] = fault

        if self._serial:
            for at in range(len(items)):
                await one(at)
                if isinstance(done[at], Fault):
                    break
        else:
            await all_of([partial(one, at) for at in range(len(items))])
        return self._together(done)

    def _items(self, values: Values) -> list[Any]:
        text = self._list.render(values)  # a list is rendered as JSON
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = text
        if not isinstance(found, list):
            raise self._wrong(f"must give a list, and gives {_kind(found)}")
        if len(found) > MOST:
            raise self._wrong(f"gives {len(found):,} items, and at most {MOST} are allowed")
        return found

    def _wrong(self, what: str) -> Fault:
        return Fault("template", f"{self._list.locate(1, 1)}: each.{self._name} {what}")

    def _inside(self, values: Values, items: Sequence[Any], at: int, written: str) -> Values:
        own = {self._name: items[at], NUMBER: at + 1, COUNT: len(items), WRITTEN: written}
        return {**values, **own}

    def _begun(self, values: Values, items: Sequence[Any], key: str) -> Request | None:
        """The first request. An item that fits no prompt is found before any other is paid for."""
        first: Request | None = None
        for at in reversed(range(len(items))):
            try:
                first = self.inner.first_request(self._inside(values, items, at, ""), key)
            except Fault as fault:
                raise self._named(fault, at, len(items)) from None
        return first

    def _named(self, fault: Fault, at: int, count: int) -> Fault:
        return fault.but(message=f"{self._name} {at + 1} of {count}: {fault.message}")

    def _together(self, done: Sequence[Taken | Fault | None]) -> Taken:
        """All answers as one. Where an item still waits for an answer, so does the row, whatever failed."""
        faults = {at: one for at, one in enumerate(done) if isinstance(one, Fault)}
        answers = [one for one in done if isinstance(one, Taken)]
        if not faults:
            soft = tuple(_of_item(one, at) for at, taken in enumerate(answers, 1) for one in taken.soft)
            by = ", ".join(dict.fromkeys(filter(None, (taken.by for taken in answers))))
            requests = tuple(request for taken in answers for request in taken.requests)
            known = all(taken.known for taken in answers)
            return Taken([taken.value for taken in answers], by, known, soft, requests)
        for fault in faults.values():
            if fault.fate is Fate.STOP:
                raise fault
        for at, fault in faults.items():
            if isinstance(fault, Unanswered):
                raise fault.but(later=len(done) - at - 1 if self._serial else 0)
        at, fault = next(iter(faults.items()))
        named = self._named(fault, at, len(done))
        if isinstance(named, Rejected):
            rejected = [one for one in faults.values() if isinstance(one, Rejected)]
            known = len(rejected) == len(faults) and all(
                [one.known for one in rejected] + [taken.known for taken in answers]
            )
            requests = tuple(request for one in rejected for request in one.requests)
            others = tuple(one for one in rejected if one is not fault)
            named = named.but(requests=requests, known=known, item=at + 1, others=others)
        raise named


def fields_of(found: Template, shapes: Mapping[str, Shape | None]) -> list[str] | None:
    """The fields of an item of a list that stands in an answer of a known shape; None for any other item."""
    plain = _IN_AN_ANSWER.fullmatch(found.text)
    shape = shapes.get(plain[1]) if plain else None
    if plain is None or shape is None:
        return None
    schema: Any = shape.plain
    for name in (*filter(None, plain[2].split(".")), ""):
        if not isinstance(schema, Mapping):
            return None
        schema = (schema.get("properties") or {}).get(name) if name else schema.get("items")
    return list(Shape(schema).fields or ()) or None if isinstance(schema, dict) else None


def _text(done: Taken | Fault | None) -> str:
    return written_of(done.value, {}, "").text if isinstance(done, Taken) else ""


def _of_item(complaint: Complaint, number: int) -> Complaint:
    field = f"{number}.{complaint.field}" if complaint.field else str(number)
    return replace(complaint, field=field)


def _kind(found: object) -> str:
    """What stands in place of a list, in words."""
    if found is None or found == "":
        return "nothing"
    shown = json.dumps(found, ensure_ascii=False)[:60]
    return f"a mapping: {shown}" if isinstance(found, dict) else shown
