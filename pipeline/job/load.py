"""A job file on disk -> a checked `Job`, or a `JobError` with file, line and column.

Here the kinds of step and of check are put into the models, so that each of them is one file in its
wing. This module does not check templates (`session.py`) and sends nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence, Set
from difflib import SequenceMatcher
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError, create_model

from pipeline.core import adapters
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest, nearest_file
from pipeline.job import yaml_source
from pipeline.job.allowlist import Allowed
from pipeline.job.code.plugins import Plugins, add, is_plugin, own_checks
from pipeline.job.defaults import resolve
from pipeline.job.endpoints import with_presets
from pipeline.job.spec import Job
from pipeline.job.untrusted import hold
from pipeline.job.validation import problem
from pipeline.job.yaml_source import YamlSource
from pipeline.system.files import adapter_name

_TEXTS = (".txt", ".md", ".html", ".j2", ".jinja", ".jinja2", ".prompt")
"""endings of files that hold a prompt"""
LARGEST_FILE = 4 << 20  # bytes of a file with a prompt; a job file is smaller (`yaml_source.py`)
_FEW = 5
_NEWLINE = re.compile(r"\r\n?")


def _kind_of(data: Any) -> str:
    """Which kind of step a mapping is, by the key that only this kind has."""
    given = set(data) if isinstance(data, dict) else set()
    for name in adapters.names("steps"):
        if given & set(adapters.load("steps", name).KEYS):
            return name
    return "prompt"


class _Loaded(Job):
    """A job that can be given to another process. Plugins run there anew, from the same text."""

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__getstate__()
        private = dict(state["__pydantic_private__"] or {})
        private["_code"] = Plugins()
        return _given, (state | {"__pydantic_private__": private}, [name for name, _ in self.code.files])


def _given(state: dict[Any, Any], plugins: Sequence[str]) -> Job:
    """A job that was loaded in another process."""
    model = job_model()
    job = model.__new__(model)
    job.__setstate__(state)
    for name in plugins:
        job._code = add(job._code, name, *job.files[name], name)
    return job


@cache
def job_model() -> type[Job]:
    """`Job` with the kinds of step that are there today."""
    specs: list[Any] = [
        Annotated[adapters.load("steps", name).Spec, Tag(name)] for name in adapters.names("steps")
    ]
    step: Any = Annotated[reduce(or_, specs), Discriminator(_kind_of)]
    field: Any = (tuple[step, ...], Field(min_length=1, description="in order; later steps see earlier ones"))
    return create_model("Job", __base__=_Loaded, __doc__="A pipeline job.", steps=field)


def schema_text() -> str:
    """The JSON Schema of the job file, as it is kept in the package, in `pipeline/job.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **job_model().model_json_schema()}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def load(
    path: str | os.PathLike[str],
    changes: Sequence[str] = (),
    *,
    untrusted: Allowed | None = None,
    allow_code: bool | None = False,
    besides: str = "",
) -> Job:
    """Read and check a job file. `changes` are `key=value` overrides such as `steps.post.model=cloud`.

    `untrusted` is for a job from somebody else: it may do no more than this allows, whatever the job says.
    `allow_code`: whether the job's plugins may run; with None they are not needed, and left out.
    `besides`: a model that is used though no step asks it.
    Raises `JobError`, whose text names file, line and column.
    """
    file = Path(path).absolute()
    if adapter_name(file)[0] in adapters.names("tables"):
        hint = f"write a job that reads it: pipeline new job.yaml --from {path}"
        raise JobError("this is a table, not a job file", where=_shown(file), hint=hint)
    content = _read(file)
    try:
        text = yaml_source.parse(content, _shown(file))
        if not isinstance(text.data, dict):
            what = "a job file is a mapping: name, records, models, steps, output"
            hint = "`pipeline new job.yaml` writes one to begin with"
            raise JobError(what, where=text.where(()), hint=hint)
    except JobError as error:
        if file.suffix.lower() in _TEXTS:
            error.hint = f"this is no job file; a step uses it as its prompt: prompt_file: {file.name}"
        raise
    named = text.data.get("models")
    there = frozenset(named if isinstance(named, dict) else ())
    for change in changes:
        _apply(text, change)
    _refuse_secrets(text)
    try:
        job = job_model().model_validate(text.data)
    except ValidationError as error:
        raise problem(error, text, job_model()) from None
    job._file = file
    job._text = text
    job._untrusted = untrusted is not None
    job = with_presets(job, text)
    if untrusted is not None:
        hold(job, text, untrusted)
    elif allow_code is not None:
        job._code, job._allows_code = _plugins(job, text, allow_code), allow_code
    job = resolve(job, text)
    _refuse_unasked(job, text, there | {besides})
    return job


def _plugins(job: Job, text: YamlSource, allowed: bool) -> Plugins:
    """The functions of the job's plugins; `JobError` where they may not run, or one is missing."""
    code = Plugins()
    for i, name in enumerate(job.plugins):
        where = text.where(("plugins", i))
        if not is_plugin(name):
            raise JobError(f"'{name}' is no file of Python", where=where, hint="name a file that ends in .py")
        if not allowed:
            hint = "read the file first; then, if you trust it, add --allow-code (in Python: allow_code=True)"
            raise JobError(f"the job would run the code in {name}", where=where, hint=hint)
        code = add(code, name, *read_beside(job, name, where), where)
    for i, step in enumerate(text.data["steps"]):
        for path, name in own_checks(step.get("checks"), ("steps", i, "checks")):
            code.named("check", name, text.where(path, key=True))
    if job.records.plugin:
        code.named("source", job.records.plugin, text.where(("records", "plugin")))
    return code


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
        near = nearest_file(file.name, (f.name for f in folder.iterdir())) if folder.is_dir() else ""
        hint = near or _elsewhere(file)
        raise JobError("there is no such job file", where=_shown(file), hint=hint) from None
    except UnicodeDecodeError as error:
        raise JobError(f"not UTF-8 at byte {error.start}", where=_shown(file)) from None
    except IsADirectoryError:
        hint = _elsewhere(file / "job.yaml")
        raise JobError("this is a folder, not a job file", where=_shown(file), hint=hint) from None
    except OSError as error:
        raise JobError(f"cannot be read: {error.strerror}", where=_shown(file)) from None


def _elsewhere(file: Path) -> str:
    """The hint for a file that is not here: where one of that name is, or which folder was looked in."""
    folder = file.parent
    places = (folder / "jobs", folder.parent, folder.parent / "jobs")
    there = next((place / file.name for place in places if (place / file.name).is_file()), None)
    if there:
        return f"did you mean {_shown(there)}?"
    here = sorted(near.name for near in folder.glob("*.y*ml"))
    here.sort(key=lambda name: SequenceMatcher(None, name.partition(".")[0], file.stem).ratio(), reverse=True)
    more = f", and {len(here) - _FEW:,} more" if len(here) > _FEW else ""
    return f"in {folder} there is {', '.join(here[:_FEW]) or 'no job file'}{more}"


_SECRETS = (("api_key",), ("key",), ("token",))
_SECRET_PARAMS = frozenset({"api_key", "apikey", "x_api_key", "authorization", "token", "secret"})
MOST_ENDPOINTS = 100


def _refuse_secrets(text: YamlSource) -> None:
    models = text.data.get("models")
    for name in models if isinstance(models, dict) else ():
        endpoints = [("endpoints", i) for i in range(MOST_ENDPOINTS)]
        for key in (*_SECRETS, *((*place, *secret) for place in endpoints for secret in _SECRETS)):
            path = ("models", name, *key)
            if path in text.keys or path in text.changes:
                raise _no_key_here(text, path)
    for part in ("models", "steps"):
        for path in _secret_params(text.data.get(part), (part,)):
            raise _no_key_here(text, path)


def _no_key_here(text: YamlSource, path: tuple[str | int, ...]) -> JobError:
    hint = "put it into an environment variable, and name the variable: api_key_env: OPENAI_API_KEY"
    return JobError("a job file must not contain a key", where=text.where(path, key=True), hint=hint)


def _secret_params(parts: Any, at: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Where a parameter of a model or a step is named as keys are, also among headers."""
    items = parts.items() if isinstance(parts, dict) else enumerate(parts if isinstance(parts, list) else ())
    for name, part in items:
        params = part.get("params") if isinstance(part, dict) else None
        for key, value in params.items() if isinstance(params, dict) else ():
            inner = value if isinstance(value, dict) and "header" in str(key).lower() else {}
            for path in ((key,), *((key, header) for header in inner)):
                if str(path[-1]).lower().replace("-", "_") in _SECRET_PARAMS:
                    yield (*at, name, "params", *path)


def _apply(text: YamlSource, change: str) -> None:
    """Set one key of the plain data: `models.writer.base_url=http://…`, a step by its name."""
    dotted, equals, value = change.partition("=")
    where = f"--set {dotted}"
    if not equals or not dotted:
        hint = "for example --set models.writer.model=gpt-5-mini"
        raise JobError("must be key=value", where=where, hint=hint)
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
    is_template = value.lstrip().startswith("{{")  # the shell has removed its quotes
    at[path[-1]] = value if is_template else yaml_source.parse(value, where).data
    text.changes[path] = where


def _refuse_unasked(job: Job, text: YamlSource, there: Set[str]) -> None:
    """Refuse a model that only --set names and no step asks: the steps would go on with another one."""
    asked = {name for step in job.steps for name in job.models_of(step)}
    for path, where in text.changes.items():
        if path[0] == "models" and len(path) > 1 and path[1] not in there | asked:
            hint = (
                f"the steps ask {', '.join(sorted(asked)) or 'none'}: change that one, or name it in a step"
            )
            raise JobError(f"no step asks model '{path[1]}'", where=where, hint=hint)


def _place(at: Any, part: str, where: str) -> str | int:
    """The key or the index that a part of a dotted name means."""
    if isinstance(at, dict):
        return part
    if not isinstance(at, list):
        raise JobError(f"'{part}' cannot be set: its parent is a single value", where=where)
    names = [item.get("name") if isinstance(item, dict) else None for item in at]
    if part in names:
        return names.index(part)
    if re.fullmatch("[0-9]{1,6}", part) and int(part) < len(at):
        return int(part)
    raise JobError(f"there is no '{part}' in this list", where=where, hint=nearest(part, filter(None, names)))
