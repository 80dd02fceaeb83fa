"""What pydantic finds wrong in data that a user wrote -> sentences with the place and the likely right word.

This module does not know what the data is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from pipeline.core.errors import JobError, together
from pipeline.core.suggest import nearest
from pipeline.job.fields import PATTERN_EXAMPLES, PATTERNS
from pipeline.job.slips import comma_slip, key_slip, mapping_slip, set_slip, word_slip
from pipeline.job.yaml_source import Path, YamlSource

_SENTENCES = {
    "string_type": ("must be a text", "put it in quotes to make it a text"),
    "int_type": ("must be a whole number", "write the digits alone, without quotes: 20"),
    "int_parsing": ("must be a whole number", ""),
    "float_type": ("must be a number", "write the digits alone, without quotes or a sign of a currency: 0.5"),
    "float_parsing": ("must be a number", ""),
    "bool_type": ("must be true or false", "write true or false, without quotes"),
    "bool_parsing": ("must be true or false", ""),
    "tuple_type": ("must be a list", "write a list in brackets, [a, b], or with one dash a line"),
    "too_short": ("must not be empty", "write at least one item"),
    "string_too_short": ("must not be empty", "write a text, or leave the key out"),
}
"""pydantic's name of an error -> what is wrong, what to do"""
_NUMBERS = ("int_type", "int_parsing", "float_type", "float_parsing")
_MAPPING = ("dict_type", "model_type")
_MOVED = ("model",)  # keys that are near to another one, but are more often in the wrong place
_EXAMPLE = {
    "name": "add it: name: a_name_of_your_own",
    "records": "add the table: records: {from: products.csv}",
    "models": "add a model: models: {writer: {model: gpt-5-mini}}",
    "steps": 'add a step: steps: [{name: post, prompt: "Write about {{ title }}."}]',
}
"""what to write for a key that is missing"""
_PERCENT = "a share is a part of 1: 0.15 is 15%"
_UNKNOWN = "extra_forbidden"
MOST_READ = 200  # the most complaints that are read: a hostile file can cause a hundred thousand
FEW = 8  # the most allowed words that are listed in the sentence itself
_SHOULD = re.compile(r"^(?:Value error, |(?:Input|String|Tuple|List|Dictionary) should )")
_QUOTED = re.compile(r"'([^']*)'")
_NOTHING = "'', "
_KEY = "[key]"  # what pydantic puts into the location where the key itself is wrong

Kinds: TypeAlias = list[tuple[str, Any]]
"""the types that a value may have, each with the tag that chooses it, '' for none"""


def sentence(detail: ErrorDetails) -> str:
    """What is wrong with a value, in our words."""
    said = _SENTENCES.get(detail["type"], (detail["msg"], ""))[0]
    return _SHOULD.sub("must ", said) if _SHOULD.match(said) and "Value error" not in said else said


def problem(error: ValidationError, text: YamlSource, model: Any, at: Path = ()) -> JobError:
    """All that is wrong, as one error: unknown keys first, because they are the cause of others.

    The data is at the path `at` in `text`; `model` is the type that it was checked against.
    """
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != _UNKNOWN)
    found = [_Found(detail, text, model, at) for detail in details[:MOST_READ]]
    unknown = [one for one in found if one.unknown]
    kept, told = list[_Found](), set[Path]()
    for one in found:
        if one.path in told or (one.missing and any(bad.stands_for(one) for bad in unknown)):
            continue  # where a value may have several types, the first complaint is enough
        kept.append(one)
        told.update(one.path[:length] for length in range(len(one.path) + 1))
    return together([one.error() for one in kept])


class _Found:
    """One complaint, with the path of keys and indices in the file that it is about."""

    def __init__(self, detail: ErrorDetails, text: YamlSource, model: Any, at: Path) -> None:
        self._detail, self._text, self._model = detail, text, model
        self.unknown = detail["type"] == _UNKNOWN
        self.missing = detail["type"] == "missing"
        self._is_key = detail["loc"][-1:] == (_KEY,)
        loc = detail["loc"][:-1] if self._is_key else detail["loc"]
        parents, last = (loc[:-1], loc[-1:]) if self.unknown or self.missing else (loc, ())
        path, self._kinds = _followed(parents, model, _at(text.data, at))
        self.path: Path = (*at, *path, *last)

    @property
    def _last(self) -> str:
        return str(self.path[-1]) if self.path else ""

    def stands_for(self, missing: _Found) -> bool:
        """Whether this unknown key may be a slip for the one that is missing."""
        like = missing._last == "json" or nearest(self._last, [missing._last])
        return self.path[:-1] == missing.path[:-1] and bool(like)

    def error(self) -> JobError:
        if self.unknown:
            known = list(_keys(self._kinds))
            near = nearest(self._last, known)
            if not near or self._last in _MOVED:
                near = key_slip(self._last, self.path[:-1], list(_places(self._model, self._last))) or near
            hint = near or (f"known here: {', '.join(known)}" if known else "")
            return JobError(f"unknown key '{self._last}'", where=self._where(key=True), hint=hint)
        if self.missing:
            where = self._text.where(self.path[:-1])
            hint = _EXAMPLE.get(self._last, f"add it: {self._last}: …")
            return JobError(f"the key '{self._last}' is missing", where=where, hint=hint)
        what, hint = self._said()
        dotted, where = _dotted(self.path, self._text.data), self._where(key=self._is_key)
        said_before = not dotted or where.endswith(f"--set {dotted}")
        if said_before and dotted and self._detail["type"] in _MAPPING:
            hint = set_slip(dotted, self.path, self._detail["input"]) or hint
        return JobError(what if said_before else f"{dotted}: {what}", where=where, hint=hint)

    def _where(self, *, key: bool) -> str:
        return self._text.where(self.path, key=key)

    def _said(self) -> tuple[str, str]:
        detail, context = self._detail, self._detail.get("ctx", {})
        if detail["type"] == "string_pattern_mismatch" and context.get("pattern") in PATTERNS:
            return PATTERNS[context["pattern"]], PATTERN_EXAMPLES[context["pattern"]]
        if detail["type"] == "literal_error":
            words = [word for word in _QUOTED.findall(context["expected"]) if word]
            near = nearest(str(detail["input"]), words)
            if len(words) > FEW:
                return "is not one of the words that are allowed here", near or f"known: {', '.join(words)}"
            return f"must be {context['expected'].removeprefix(_NOTHING)}", near or word_slip(self.path)
        if detail["type"] in _MAPPING:
            return "must be a mapping of keys", mapping_slip(self.path, detail["input"])
        if detail["type"] in _SENTENCES:
            what, hint = _SENTENCES[detail["type"]]
            number = detail["type"] in _NUMBERS and isinstance(detail["input"], str)
            return what, (comma_slip(detail["input"]) if number else "") or hint
        said = _SHOULD.sub(lambda found: "must " if "should" in found[0] else "", detail["msg"])
        what, _, hint = said.partition("; ")
        return what, hint or (_PERCENT if 1 in (context.get("le"), context.get("lt")) else "")


def _followed(loc: tuple[int | str, ...], model: Any, data: Any) -> tuple[Path, Kinds]:
    """The part of pydantic's location that is a path in the data, and the types that are possible there.

    The other parts of a location are tags, and names of types that were tried.
    """
    path: Path = ()
    kinds: Kinds = [("", model)]
    for part in loc:
        tagged = [(tag, kind) for tag, kind in kinds if tag and tag == part]
        if tagged:
            kinds = [("", kind) for _, kind in tagged]
        elif _has(data, part):
            path, data = (*path, part), data[part]
            kinds = [found for _, kind in kinds for found in _behind(kind, part)]
        elif isinstance(part, int):  # an only item, written without its list
            kinds = [found for _, kind in kinds for found in _behind(kind, part)]
    return path, kinds


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part] if _has(data, part) else None
    return data


def _has(data: Any, part: int | str) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _behind(kind: Any, part: int | str) -> Iterator[tuple[str, Any]]:
    """The types that are possible for the value at a key or index of a value of this type."""
    arguments = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            if part == (info.alias or name):
                yield from _alternatives(info.annotation)
    elif get_origin(kind) is dict:
        yield from _alternatives(arguments[1])
    elif get_origin(kind) is tuple:
        yield from _alternatives(arguments[0])


def _alternatives(annotation: Any, tag: str = "") -> Iterator[tuple[str, Any]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        tags = [str(extra.tag) for extra in arguments[1:] if isinstance(extra, Tag)]
        yield from _alternatives(arguments[0], *tags)
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _alternatives(argument)
    else:
        yield tag, annotation


def _keys(kinds: Kinds) -> Iterator[str]:
    for _, kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, info in kind.model_fields.items():
                yield info.alias or name


def _places(model: Any, key: str, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Where else in a job this key may stand, as one writes it."""
    for name, info in model.model_fields.items():
        written = (*at, info.alias or name)
        for _, kind in _alternatives(info.annotation):
            arguments = [part for part in get_args(kind) if part is not ...]
            inner = (*written, "NAME") if get_origin(kind) is dict else written
            for _, part in _alternatives(arguments[-1]) if arguments else [("", kind)]:
                if isinstance(part, type) and issubclass(part, BaseModel):
                    if key in _keys([("", part)]):
                        yield ".".join(inner)
                    yield from _places(part, key, inner)


def _dotted(path: Path, data: Any) -> str:
    """A path as one writes it: items of a list by their names, where they have some."""
    parts = []
    for part in path:
        data = data[part] if _has(data, part) else None
        name = data.get("name") if isinstance(part, int) and isinstance(data, dict) else None
        parts.append(name if isinstance(name, str) else str(part))
    return ".".join(parts)
