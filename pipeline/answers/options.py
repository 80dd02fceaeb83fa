"""The options of a check, which a row may have to render first.

This module knows no single check, and does not know what one says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from pipeline.core.domain import Fault, Values, frozen
from pipeline.job.fields import is_template
from pipeline.job.validation import sentence
from pipeline.templates.template import Template

_MOST_KEPT = 1_000
"""options that are kept rendered, for each check"""
Path = tuple[str | int, ...]


class TemplateAt(Protocol):
    """The template at a path below the step, such as ("checks", "length", "min")."""

    def __call__(self, *path: str | int) -> Template:
        """The template, with its place for messages."""


@frozen
class Named:
    """Where a check stands in the job file, and what it looks at."""

    name: str
    path: Path
    """of its options, below the step: ("checks", "post.text", "length")"""
    field: tuple[str, ...]
    """the field of the answer, () for the whole"""
    hard: bool
    options: BaseModel


class Options:
    """The options of a check, which a row may have to render first."""

    def __init__(self, named: Named, template: TemplateAt) -> None:
        self.named = named
        self._written = named.options.model_dump(by_alias=True, exclude_unset=True, warnings=False)
        self.templates = {at: template(*named.path, *at) for at, _ in _templates(self._written)}
        self._kept: dict[tuple[str, ...], BaseModel] = {}
        self._last: tuple[Values | None, BaseModel] = None, named.options

    def of(self, values: Values) -> BaseModel:
        """The options for a row; a `Fault` where what a template gives is none."""
        if not self.templates:
            return self.named.options
        if values is self._last[0]:  # a row is looked at before it is asked for, and again with its answer
            return self._last[1]
        rendered = tuple(template.render(values) for template in self.templates.values())
        options = self._kept.get(rendered)
        if options is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            options = self._kept[rendered] = self._fitted(rendered)
        self._last = values, options
        return options

    def _fitted(self, rendered: Sequence[str]) -> BaseModel:
        whole = {"": self._written}
        given = ("" if text.isspace() else text for text in rendered)
        texts = dict(zip(self.templates, given, strict=True))
        filled = _filled(whole, {("", *at): text for at, text in texts.items()})[""]
        try:
            return type(self.named.options).model_validate(filled)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            said = sentence(first).removeprefix("Value error, ")
            where = ".".join(map(str, (*self.named.path, *first["loc"])))
            shown = str(first["input"])[:60]
            raise Fault("template", f"{where}: a template gave {shown!r}: {said}") from None


def by_place(options: Iterable[Options]) -> dict[str, Template]:
    """The templates in all these options, by their keys in the job file."""
    return {
        ".".join(map(str, (*one.named.path, *at))): found
        for one in options
        for at, found in one.templates.items()
    }


def _templates(value: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    if is_template(value):
        yield at, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _templates(inner, (*at, name))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _templates(inner, (*at, i))


def _filled(value: Any, texts: Mapping[Path, str], at: Path = ()) -> Any:
    if at in texts:
        return texts[at]
    if isinstance(value, Mapping):
        return {name: _filled(inner, texts, (*at, name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, texts, (*at, i)) for i, inner in enumerate(value)]
    return value
