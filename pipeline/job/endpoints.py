"""Where a model is asked: at the server that its preset names, and at its endpoints, each with its settings.

What the job file says itself wins over a preset. A preset's key goes to the preset's own hosts alone; to any
other address it goes only if the job names its variable. This module sends nothing and reads no key.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest
from pipeline.job.fields import is_here
from pipeline.job.models import Endpoint, Model, Price
from pipeline.job.spec import Job
from pipeline.job.yaml_source import YamlSource

if TYPE_CHECKING:
    from pipeline.wire.presets import Preset


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is asked. `name` is the model's if there is one place, else it names the place, too."""

    name: str
    weight: float
    model: Model
    own: frozenset[str] = frozenset()  # names of the limits that the endpoint sets itself


def places_of(name: str, model: Model) -> list[Place]:
    """The places of a model; one where the job names no endpoints."""
    if not model.endpoints:
        return [Place(name, 1.0, model)]
    hosts = [urlsplit(endpoint.base_url or model.base_url).netloc for endpoint in model.endpoints]
    hosts_twice = {host for host, count in Counter(hosts).items() if count > 1 or not host}
    places = []
    for i, (endpoint, host) in enumerate(zip(model.endpoints, hosts, strict=True), 1):
        said = f"{i}" if host in hosts_twice else host
        own = frozenset(endpoint.limits.model_fields_set)
        places.append(Place(f"{name}@{said}", float(endpoint.weight), _at(model, endpoint), own))
    return places


def _at(model: Model, endpoint: Endpoint) -> Model:
    given = {key: getattr(endpoint.limits, key) for key in endpoint.limits.model_fields_set}
    update = {
        "base_url": endpoint.base_url or model.base_url,
        "api_key_env": endpoint.api_key_env or model.api_key_env,
        "limits": model.limits.model_copy(update=given),
        "endpoints": (),
    }
    return model.model_copy(update=update)


def with_presets(job: Job, text: YamlSource) -> Job:
    """The job with each model's preset filled in."""
    if not any(model.preset for model in job.models.values()):
        return job
    models = {name: _filled_in(name, model, text) for name, model in job.models.items()}
    return job.model_copy(update={"models": models})


def _filled_in(name: str, model: Model, text: YamlSource) -> Model:
    if not model.preset:
        return model
    from pipeline.wire.presets import presets  # a job without one does not pay for it

    where = text.where(("models", name, "preset"))
    if model.provider != "openai":
        raise JobError(f"a preset is for provider: openai, and this model has {model.provider}", where=where)
    preset = presets().get(model.preset)
    if preset is None:
        hint = nearest(model.preset, presets()) or f"known: {', '.join(presets())}"
        raise JobError(f"unknown preset '{model.preset}'", where=where, hint=hint)
    base_url = model.base_url or preset.address
    if not base_url:
        what, hint = f"preset {model.preset} needs a base_url", f"base_url: {preset.form}"
        raise JobError(what, where=text.where(("models", name, "base_url")), hint=hint)
    changes: dict[str, Any] = {"base_url": base_url, "json_mode": model.json_mode or preset.json_mode}
    here = is_here(urlsplit(base_url).hostname or "")
    if preset.concurrency and model.limits.concurrency is None and not (preset.tells_slots and here):
        changes["limits"] = model.limits.model_copy(update={"concurrency": preset.concurrency})
    others = (one.base_url for one in model.endpoints if one.base_url)
    here = here and all(is_here(urlsplit(other).hostname or "") for other in others)
    if preset.free and model.price is None and here:
        changes["price"] = Price(input=0, output=0)
    if preset.key and "api_key_env" not in model.model_fields_set:
        _check_hosts(name, model, preset, base_url, text)
        changes |= _with_key(model, preset)
    return model.model_copy(update=changes)


def _check_hosts(name: str, model: Model, preset: Preset, base_url: str, text: YamlSource) -> None:
    """Refuse a job where the preset's key would go to somebody else."""
    places = [(("models", name, "base_url"), base_url)] + [
        (("models", name, "endpoints", i, "base_url"), endpoint.base_url)
        for i, endpoint in enumerate(model.endpoints)
        if endpoint.base_url and (preset.key_header or not endpoint.api_key_env)
    ]
    for path, address in places:
        if not preset.may_have_key(address):
            host = urlsplit(address).hostname
            what = f"the key of preset {model.preset} is not sent to {host}, which is another host"
            hint = f"if it is right to send it there: api_key_env: {preset.key}"
            raise JobError(what, where=text.where(path), hint=hint)


def _with_key(model: Model, preset: Preset) -> dict[str, Any]:
    """The key as the server takes it: in `Authorization`, or in a header of its own."""
    if not preset.key_header:
        return {"api_key_env": preset.key}
    given = model.options.get("headers") or {}
    if not isinstance(given, dict) or preset.key_header in {str(one).lower() for one in given}:
        return {}
    return {"options": {**model.options, "headers": {preset.key_header: {"env": preset.key}, **given}}}
