"""The checks of a step, as the job file writes them, and what they say of an answer.

A check stands under its name, for the whole answer, or under a field as its column is spelled (`post.text`).
Options may have templates, which are rendered for each row. This module knows no single check, and asks
nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pydantic import ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import InitErrorDetails

from pipeline.answers.options import Named, Options, Path, TemplateAt, by_place
from pipeline.answers.shapes.shape import Shape
from pipeline.answers.written import Complaint, Written
from pipeline.core import adapters
from pipeline.core.contracts import Check
from pipeline.core.domain import Call, Request, Values
from pipeline.core.errors import JobError
from pipeline.job.fields import Spec
from pipeline.templates.template import Template

_PLAIN = ("string", "integer", "number", "boolean", "null")


class Asked(Protocol):
    """A check that asks a model, ready to ask."""

    async def complaint(
        self, written: Written, options: Any, key: str, call: Call
    ) -> tuple[str | None, tuple[Request, ...]]:
        """What is wrong, and the requests that were sent for it; raises `Fault`.

        `options` are those of this row, in which no template is left.
        """


def _options(wing: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in adapters.names(wing):
        options = adapters.load(wing, name).Options  # type: ignore[call-overload]
        fields[name] = (options | None, Field(None, description=adapters.summary(wing, name)))
    return fields


if TYPE_CHECKING:
    Checks: TypeAlias = Spec
else:
    _FIELDS = {**_options("checks"), **_options("asked")}
    FieldChecks = create_model(
        "FieldChecks", __base__=Spec, __doc__="What a field of an answer must satisfy.", **_FIELDS
    )

    class _Fields(Spec):
        """Checks by name, and further checks by the field that they look at."""

        model_config = ConfigDict(frozen=True, extra="allow")
        __pydantic_extra__: dict[str, FieldChecks]

        @model_validator(mode="before")
        @classmethod
        def _no_other(cls, data: Any) -> Any:
            """Refuse a name that is no check and has no dot, as for any unknown key."""
            known = cls.model_fields.keys()
            wrong = (
                [name for name in data if name not in known and "." not in str(name)]
                if type(data) is dict
                else []
            )
            if wrong:
                errors = [
                    InitErrorDetails(type="extra_forbidden", loc=(name,), input=data[name]) for name in wrong
                ]
                raise ValidationError.from_exception_data(cls.__name__, errors)
            return data

    SoftChecks = create_model(
        "SoftChecks",
        __base__=_Fields,
        __doc__="Checks whose complaint is told, and rejects nothing.",
        **_FIELDS,
    )
    _SOFT = (
        SoftChecks | None,
        Field(None, description="checks whose complaint is told, and rejects nothing"),
    )
    Checks = create_model(
        "Checks", __base__=_Fields, __doc__="What an answer must satisfy.", **_FIELDS, soft=_SOFT
    )


class _One(Options):
    """A check that asks nobody."""

    def __init__(self, named: Named, template: TemplateAt) -> None:
        super().__init__(named, template)
        self.check: Check = adapters.load("checks", named.name)

    def complaints(self, written: Written) -> Iterator[Complaint]:
        """What it says of an answer; of each value of a field that stands in a list."""
        options = self.of(written.values)
        for part in parts(written, self.named.field):
            if said := self.check.complaint(part, options):
                yield complaint_of(self.named, said)
                return


def parts(written: Written, field: tuple[str, ...]) -> Iterator[Written]:
    """The answer itself, or the values of a field of it."""
    if not field:
        yield written
        return
    for value in _inside(written.value, field):
        yield Written(_text(value), value, written.values, written.prompt, written.near, written.own)


def complaint_of(named: Named, said: str) -> Complaint:
    """A complaint; one about a field names it."""
    field = ".".join(named.field)
    about = said.replace("Your answer", f'The field "{field}" of your answer', 1) if field else said
    return Complaint(named.name, about, named.hard, field)


class Checking:
    """The checks of a step, in the order of their names, hard ones first."""

    def __init__(self, checks: Any, step: str, template: TemplateAt) -> None:
        pure = adapters.names("checks")
        self._all = [_One(one, template) for one in named_in(checks, step) if one.name in pure]
        self.templates: Mapping[str, Template] = by_place(self._all)

    def __bool__(self) -> bool:
        return bool(self._all)

    def fit(self, values: Values) -> None:
        """Refuse a row whose templates give no options, by a `Fault`: no answer to it could be checked."""
        for one in self._all:
            one.of(values)

    @staticmethod
    def check_fields(checks: Any, step: str, shape: Shape | None, template: TemplateAt) -> None:
        """Refuse a field that the step's answers have not."""
        for named in named_in(checks, step):
            if named.field and not _has(shape.plain if shape else {}, named.field):
                name = ".".join(named.field)
                known = [f"{step}.{field}" for field in (shape.fields or {} if shape else {})]
                hint = (
                    f"a field is spelled as its column is: {', '.join(known)}"
                    if known
                    else ("only an answer in JSON has fields; leave the field out to check the whole answer")
                )
                where = template(*named.path[:-1]).locate(1, 1)
                raise JobError(f"the answers of '{step}' have no field '{name}'", where=where, hint=hint)

    def complaints(self, written: Written, *, hard: bool = True) -> list[Complaint]:
        """What all of them say; without `hard`, only the soft ones are asked."""
        return [said for one in self._all if hard or not one.named.hard for said in one.complaints(written)]


def written_of(value: Any, values: Values, prompt: str, *more: Any) -> Written:
    """An answer as checks see it; `more`: what else a `Written` has, in its order."""
    return Written(_text(value), value, values, prompt, *more)


def named_in(checks: Any, step: str = "") -> Iterator[Named]:
    """All checks of a step, as they are written; hard ones first."""
    yield from _of(checks, step, ("checks",), True)
    if checks.soft is not None:
        yield from _of(checks.soft, step, ("checks", "soft"), False)


def _of(checks: Any, step: str, path: Path, hard: bool) -> Iterator[Named]:
    names = (*adapters.names("checks"), *adapters.names("asked"))
    for name in names:
        if (options := getattr(checks, name)) is not None:
            yield Named(name, (*path, name), (), hard, options)
    for key, fields in (checks.__pydantic_extra__ or {}).items():
        first, _, rest = key.partition(".")
        field = tuple(rest.split(".")) if first == step else tuple(key.split("."))
        for name in names:
            if (options := getattr(fields, name)) is not None:
                yield Named(name, (*path, key, name), field, hard, options)


def _has(schema: Any, field: tuple[str, ...]) -> bool:
    """Whether values of a schema may have a field; lists on the way are gone through."""
    while isinstance(schema, Mapping) and "items" in schema:
        schema = schema["items"]
    if not field:
        return True
    fields = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(fields, Mapping):  # it may be anything
        return bool(schema) and not (isinstance(schema, Mapping) and schema.get("type") in _PLAIN)
    return field[0] in fields and _has(fields[field[0]], field[1:])


def _inside(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """The values of a field; lists on the way are gone through. A missing field has none."""
    if isinstance(value, list):
        for one in value:
            yield from _inside(one, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _inside(value[path[0]], path[1:])


def _text(value: Any) -> str:
    """All texts in a value, one on a line."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(filter(None, map(_text, value.values())))
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    return "" if value is None else json.dumps(value)
