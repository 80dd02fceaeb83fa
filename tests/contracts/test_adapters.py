"""One contract test walks every wing, so that a new adapter is tested the day it appears."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest
from pydantic import BaseModel

from pipeline.core import adapters
from pipeline.core.errors import JobError

EVERY = [(wing, name) for wing in adapters.WINGS for name in adapters.names(wing)]
NEEDED = {
    "tables": {"scan": ["path"], "place": ["path", "row"], "create": ["path", "target", "schema"]},
    "providers": {"label": ["model"], "objection": ["request", "model"], "connect": ["model"]},
    "apis": {"body": ["model", "asked", "params"], "read": ["raw"]},
    "steps": {"build": ["spec", "models", "template"]},
    "checks": {"complaint": ["answer", "options"]},
}


@pytest.mark.parametrize(("wing", "name"), EVERY)
def test_an_adapter_keeps_its_wings_contract(wing: str, name: str) -> None:
    module = adapters.load(wing, name)
    for function, parameters in NEEDED[wing].items():
        signature = inspect.signature(getattr(module, function))
        assert list(signature.parameters) == parameters, f"{name}.{function}"
    summary = adapters.summary(wing, name)
    assert summary.endswith((".", ").")) and len(summary) < 140


@pytest.mark.parametrize("name", adapters.names("providers"))
def test_a_provider_says_what_it_speaks_and_how_wide(name: str) -> None:
    provider = adapters.load("providers", name)
    assert set(provider.APIS) <= set(adapters.names("apis")) and provider.APIS
    wide = provider.CONCURRENCY
    assert wide == "auto" or (isinstance(wide, int) and wide >= 1)
    refuses_unknown_keys(provider)


@pytest.mark.parametrize("name", adapters.names("steps"))
def test_a_kind_of_step_has_keys_of_its_own(name: str) -> None:
    module = adapters.load("steps", name)
    assert set(module.KEYS) <= set(module.Spec.model_fields)
    others = [set(adapters.load("steps", other).KEYS) for other in adapters.names("steps") if other != name]
    assert all(set(module.KEYS).isdisjoint(keys) for keys in others)


@pytest.mark.parametrize("name", adapters.names("checks"))
def test_a_check_has_options(name: str) -> None:
    assert issubclass(adapters.load("checks", name).Options, BaseModel)


def refuses_unknown_keys(module: ModuleType) -> None:
    """Settings with a slip of the pen must not be ignored."""
    assert module.Options.model_config.get("extra") == "forbid"


def test_an_unknown_name_is_an_error_with_the_nearest_right_one() -> None:
    with pytest.raises(JobError, match="unknown provider 'opennai'") as caught:
        adapters.load("providers", "opennai")
    assert caught.value.hint == "did you mean 'openai'?"
