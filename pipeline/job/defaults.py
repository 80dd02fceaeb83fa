"""A job as it was written -> the same job with all defaults filled in.

This module does not read files and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.core import adapters
from pipeline.core.errors import JobError, PipelineError
from pipeline.core.suggest import nearest
from pipeline.job.models import Limits, Model
from pipeline.job.spec import Job, Step
from pipeline.job.validation import problem
from pipeline.job.yaml_source import YamlSource
from pipeline.system.files import adapter_name

_READ_ALONE = {"ods": "write .xlsx, which LibreOffice opens"}
"""formats of tables that are read, but not written, each with what to do"""


def _paths(data: Any, name: str) -> Iterator[tuple[str | int, ...]]:
    """Where a name stands in a part of the job file."""
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, part in parts:
        if part == name:
            yield (key,)
        yield from ((key, *rest) for rest in _paths(part, name))


def resolve(job: Job, text: YamlSource) -> Job:
    """Fill in what may be left out: each step's model, each model's dialect and concurrency."""
    models = {name: _resolved_model(name, model, text) for name, model in job.models.items()}
    for model in models.values():
        model._beside = job.file.parent
    for name in models:
        _check_fallbacks(name, models, text)
    steps: list[Step] = []
    for i, step in enumerate(job.steps):
        chosen = step.model or (next(iter(models)) if len(models) == 1 else "")
        if chosen not in models and step.asks:
            what = f"there is no model '{chosen}'" if chosen else "say which model this step uses"
            one = " or ".join(f"model: {name}" for name in models)
            hint = nearest(chosen, models) or (f"models: {', '.join(models)}" if chosen else f"add {one}")
            raise JobError(what, where=text.where(("steps", i, "model")), hint=hint)
        for other_model in (*step.others, *step.judges):
            if other_model not in models:
                hint = nearest(other_model, models) or f"models: {', '.join(models)}"
                at = next(_paths(text.data["steps"][i], other_model), ())
                raise JobError(
                    f"there is no model '{other_model}'", where=text.where(("steps", i, *at)), hint=hint
                )
        if step.name in [other.name for other in job.steps[:i]]:
            raise JobError(f"two steps are named '{step.name}'", where=text.where(("steps", i, "name")))
        steps.append(step.model_copy(update={"model": chosen if step.asks else ""}))
    resolved = job.model_copy(update={"models": models, "steps": tuple(steps)})
    for i, target in enumerate(resolved.targets):
        _check_ending(target, text.where(("output", "to", i)))
    return resolved


def _check_ending(target: Path, where: str) -> None:
    name = adapter_name(target)[0]
    known = [one for one in adapters.names("tables") if one not in _READ_ALONE]
    if name not in known:
        endings = [f".{one}" for one in known]
        what = f"a result cannot be written to a file that ends in '.{name}'"
        hint = _READ_ALONE.get(name) or nearest(f".{name}", endings)
        hint = hint or f"a file's ending says its format: {', '.join(endings)}"
        raise JobError(what if name else "the file has no ending", where=where, hint=hint)


def _resolved_model(name: str, model: Model, text: YamlSource) -> Model:
    where = text.where(("models", name))
    try:
        provider = adapters.load("providers", model.provider)
        provider.Options.model_validate(model.options)
    except PipelineError as error:
        from pipeline.wire.presets import presets  # only a job with a wrong provider pays for it

        hint = f"write preset: {model.provider}" if model.provider in presets() else error.hint
        raise JobError(error.what, where=text.where(("models", name, "provider")), hint=hint) from None
    except ValidationError as error:
        raise problem(error, text, provider.Options, ("models", name, "options")) from None
    able = provider.CAPABILITIES
    api = model.api or able.apis[0]
    if api not in able.apis:
        what = f"the provider {model.provider} does not speak '{api}'"
        where = text.where(("models", name, "api"))
        raise JobError(what, where=where, hint=f"it speaks {', '.join(able.apis)}")
    if not model.model and able.default_model is None:
        raise JobError("the key 'model' is missing", where=where, hint="add it: model: …")
    if model.endpoints and not able.endpoints:
        what = f"the provider {model.provider} has no endpoints to choose from"
        raise JobError(what, where=text.where(("models", name, "endpoints"), key=True))
    for i, endpoint in enumerate(model.endpoints):
        for key in {"retries", "maybe_billed_retries"} & endpoint.limits.model_fields_set:
            spot = text.where(("models", name, "endpoints", i, "limits", key), key=True)
            raise JobError(f"'{key}' belongs to the model's own limits", where=spot)
    filled = {**dict(model.limits), "concurrency": model.limits.concurrency or able.concurrency}
    limits = Limits.model_construct(model.limits.model_fields_set, **filled)  # it stays known who set what
    chosen = able.model_prefix + (model.model or able.default_model or "")
    return model.model_copy(update={"api": api, "model": chosen, "limits": limits})


def _check_fallbacks(name: str, models: Mapping[str, Model], text: YamlSource) -> None:
    seen = [name]
    while (fallback := models[seen[-1]].fallback) is not None:
        where = text.where(("models", seen[-1], "fallback", "model"))
        if fallback.model not in models:
            hint = nearest(fallback.model, models) or f"models: {', '.join(models)}"
            raise JobError(f"there is no model '{fallback.model}'", where=where, hint=hint)
        if fallback.model in seen:
            chain = " -> ".join([*seen, fallback.model])
            raise JobError(f"the fallbacks go in a circle: {chain}", where=where)
        seen.append(fallback.model)
