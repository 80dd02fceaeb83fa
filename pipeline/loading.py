"""A job file on disk -> a checked `Job`, or a `JobError` with file, line and column.

Here the kinds of step and of check are put into the models, so that each of them is one file in its
wing. This module does not check templates (`session.py`) and sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError, create_model
from pydantic_core import ErrorDetails

from pipeline import kinds, yaml_text
from pipeline.errors import JobError, nearest
from pipeline.job import Job
from pipeline.resolving import resolve
from pipeline.untrusted import Allowed, hold
from pipeline.yaml_text import YamlText

_SENTENCES = {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "model_type": "must be a mapping of keys",
    "dict_type": "must be a mapping of keys",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


LARGEST_FILE = 4 << 20
"""bytes of a file with a prompt; a job file is smaller (`yaml_text.py`)"""
_NEWLINE = re.compile(r"\r\n?")


def _kind_of(data: Any) -> str:
    """Which kind of step a mapping is, by the key that only this kind has."""
    given = set(data) if isinstance(data, dict) else set()
    for name in kinds.names("steps"):
        if given & set(kinds.load("steps", name).KEYS):
            return name
    return "prompt"


@cache
def job_model() -> type[Job]:
    """`Job` with the kinds of step that are there today."""
    specs: list[Any] = [Annotated[kinds.load("steps", name).Spec, Tag(name)] for name in kinds.names("steps")]
    step: Any = Annotated[reduce(or_, specs), Discriminator(_kind_of)]
    field: Any = (tuple[step, ...], Field(min_length=1, description="in order; later steps see earlier ones"))
    return create_model("Job", __base__=Job, __doc__="A pipeline job.", steps=field)


def load(
    path: str | os.PathLike[str], changes: Sequence[str] = (), *, untrusted: Allowed | None = None
) -> Job:
    """Read and check a job file. `changes` are `key=value` overrides such as `steps.post.model=cloud`.

    `untrusted` is for a job of somebody else: it is held to what this allows, whatever it says itself.
    Raises `JobError`, whose text names file, line and column.
    """
    file = Path(path).absolute()
    text = yaml_text.parse(_read(file), _shown(file))
    if not isinstance(text.data, dict):
        what = "a job file is a mapping: name, records, models, steps, output"
        raise JobError(what, where=text.where(()))
    for change in changes:
        _apply(text, change)
    _refuse_secrets(text)
    try:
        job = job_model().model_validate(text.data)
    except ValidationError as error:
        errors = error.errors()  # a key that is misspelt is the cause of the one that is missing
        first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
        raise _job_error(first, text) from None
    job._file = file
    job._text = text
    job._untrusted = untrusted is not None
    if untrusted is not None:
        hold(job, text, untrusted)
    return resolve(job, text)


def read_beside(job: Job, name: str, where: str) -> tuple[str, str]:
    """(path as shown, content) of a text file named in the job file, relative to it."""
    file = job.file.parent / name
    try:
        if name not in job.files:
            job.files[name] = _shown(file), _read(file)
        return job.files[name]
    except JobError as error:
        what = error.what.replace("job file", "file")
        raise JobError(f"{name}: {what}", where=where, hint=error.hint) from None


def _shown(file: Path) -> str:
    """A path as a person would type it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise JobError(f"the file is larger than {LARGEST_FILE >> 20} MiB", where=_shown(file))
        return _NEWLINE.sub("\n", content.decode("utf-8-sig"))
    except FileNotFoundError:
        folder = file.parent
        near = nearest(file.name, (f.name for f in folder.iterdir())) if folder.is_dir() else ""
        raise JobError("there is no such job file", where=_shown(file), hint=near) from None
    except UnicodeDecodeError as error:
        raise JobError(f"not UTF-8 at byte {error.start}", where=_shown(file)) from None
    except OSError as error:
        raise JobError(f"cannot be read: {error.strerror}", where=_shown(file)) from None


_SECRETS = (("api_key",), ("key",), ("token",), ("params", "api_key"))
MOST_ENDPOINTS = 100


def _refuse_secrets(text: YamlText) -> None:
    models = text.data.get("models")
    for name in models if isinstance(models, dict) else ():
        endpoints = [("endpoints", i) for i in range(MOST_ENDPOINTS)]
        for key in (*_SECRETS, *((*place, *secret) for place in endpoints for secret in _SECRETS)):
            path = ("models", name, *key)
            if path in text.keys or path in text.changes:
                raise JobError(
                    "a key never stands in a job file",
                    where=text.where(path, key=True),
                    hint="put it into an environment variable and name that: api_key_env: OPENAI_API_KEY",
                )


def _apply(text: YamlText, change: str) -> None:
    """Set one key of the plain data: `models.writer.base_url=http://…`, a step by its name."""
    where = f"--set {change.split('=', 1)[0]}"
    dotted, equals, value = change.partition("=")
    if not equals or not dotted:
        raise JobError(
            "must be key=value", where=where, hint="for example --set models.writer.model=gpt-5.5-mini"
        )
    at: Any = text.data
    path: tuple[str | int, ...] = ()
    *parents, last = dotted.split(".")
    for part in parents:
        if path == ("models",) and isinstance(at, dict) and part not in at:
            raise JobError(f"there is no model '{part}'", where=where, hint=nearest(part, at))
        path = (*path, _place(at, part, where))
        if isinstance(at, dict) and at.get(part) is None:
            at[part] = {}
        at = at[path[-1]]
    path = (*path, _place(at, last, where))
    is_template = value.lstrip().startswith("{{")  # the shell has taken its quotes away
    at[path[-1]] = value if is_template else yaml_text.parse(value, where).data
    text.changes[path] = where


def _place(at: Any, part: str, where: str) -> str | int:
    """The key or the index that a part of a dotted name means."""
    if isinstance(at, list):
        return _index(at, part, where)
    if not isinstance(at, dict):
        raise JobError(f"'{part}' cannot be set: its parent is a single value", where=where)
    return part


def _index(items: list[Any], part: str, where: str) -> int:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if part in names:
        return names.index(part)
    if re.fullmatch("[0-9]{1,6}", part) and int(part) < len(items):
        return int(part)
    raise JobError(f"there is no '{part}' in this list", where=where, hint=nearest(part, filter(None, names)))


def _job_error(error: ErrorDetails, text: YamlText) -> JobError:
    """One pydantic complaint as a sentence with a place."""
    path = tuple(part for part in error["loc"] if not _is_tag(part, error["loc"]))
    last = path[-1] if path else ""
    if error["type"] == "extra_forbidden":
        known = list(_known_keys(path[:-1], text))
        hint = nearest(str(last), known) or f"known here: {', '.join(known)}"
        return JobError(f"unknown key '{last}'", where=text.where(path, key=True), hint=hint)
    if error["type"] == "missing":
        return JobError(f"the key '{last}' is missing", where=text.where(path[:-1]))
    what = _SENTENCES.get(error["type"], error["msg"].removeprefix("Value error, "))
    what = what.replace("Input should be", "must be")
    if error["type"] == "string_pattern_mismatch" and last == "api_key_env":
        what = "must be the NAME of an environment variable, such as OPENAI_API_KEY (never a key itself)"
    while path and path not in text.spots and not text.changes:
        path = path[:-1]  # the name of a type that was tried
    dotted, where = _dotted(path, text.data), text.where(path)
    said_before = not dotted or where.endswith(f"--set {dotted}")
    return JobError(what if said_before else f"{dotted}: {what}", where=where)


def _dotted(path: tuple[str | int, ...], data: Any) -> str:
    """A path as one writes it: items of a list by their names, where they have some."""
    parts = []
    for part in path:
        data = _part_of(data, part)
        name = data.get("name") if isinstance(part, int) and isinstance(data, dict) else None
        parts.append(name if isinstance(name, str) else str(part))
    return ".".join(parts)


def _part_of(data: Any, part: str | int) -> Any:
    if isinstance(data, list):
        return data[part] if isinstance(part, int) and part < len(data) else None
    return data.get(part) if isinstance(data, dict) else None


def _is_tag(part: str | int, loc: tuple[str | int, ...]) -> bool:
    """Whether a part of a pydantic location is the name of a kind of step, not a key."""
    return loc[0] == "steps" and len(loc) > 2 and part is loc[2]


def _known_keys(path: tuple[str | int, ...], text: YamlText) -> Iterator[str]:
    annotation: Any = job_model()
    if path[:1] == ("steps",) and len(path) >= 2:
        annotation = kinds.load("steps", _kind_of(text.data["steps"][path[1]])).Spec
        path = path[2:]
    for part in path:
        annotation = _field(annotation, part)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            yield info.alias or name


def _field(annotation: Any, part: str | int) -> Any:
    """The type behind one key: a model's field, a mapping's value, without `| None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}
        found = fields.get(str(part))
    else:
        found = get_args(annotation)[-1] if get_origin(annotation) in (dict, tuple) else None
    models = [arg for arg in get_args(found) if isinstance(arg, type) and issubclass(arg, BaseModel)]
    return models[0] if models and get_origin(found) is not dict else found
