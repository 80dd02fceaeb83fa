"""One contract test walks every wing, so that a new adapter is tested the day it appears."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.core import adapters, contracts
from pipeline.core.errors import JobError
from tests.support import ROOT

EVERY = [(wing, name) for wing in adapters.WINGS for name in adapters.names(wing)]
CONTRACTS = {
    "tables": contracts.TableFormat,
    "documents": contracts.DocumentFormat,
    "providers": contracts.Provider,
    "apis": contracts.Api,
    "steps": contracts.StepKind,
    "checks": contracts.Check,
    "asked": contracts.AskedCheck,
}


def test_every_wing_has_a_contract() -> None:
    assert CONTRACTS.keys() == adapters.WINGS.keys()


@pytest.mark.parametrize(("wing", "name"), EVERY)
def test_an_adapter_keeps_its_wings_contract(wing: Any, name: str) -> None:
    module, contract = adapters.load(wing, name), CONTRACTS[wing]
    for attribute in contract.__annotations__:
        assert hasattr(module, attribute), f"{name} has no {attribute}"
    for function, promised in inspect.getmembers(contract, inspect.isfunction):
        if not function.startswith("_"):
            _, *parameters = inspect.signature(promised).parameters
            found = list(inspect.signature(getattr(module, function)).parameters)
            assert found == parameters, f"{name}.{function}"
    summary = adapters.summary(wing, name)
    assert summary.endswith((".", ").")) and len(summary) < 140


def test_nobody_asks_an_adapter_whether_it_has_something() -> None:
    """What an adapter has stands in its contract, so no code looks whether it is there."""
    guesses = ("getattr(provider", "hasattr(provider", "getattr(adapter", "hasattr(adapter", "hasattr(module")
    for file in (ROOT / "pipeline").rglob("*.py"):
        assert not any(guess in file.read_text("utf-8") for guess in guesses), file


@pytest.mark.parametrize("name", adapters.names("providers"))
def test_a_provider_says_what_it_speaks_and_how_wide(name: str) -> None:
    provider = adapters.load("providers", name)
    able = provider.CAPABILITIES
    assert set(able.apis) <= set(adapters.names("apis")) and able.apis
    assert able.concurrency == "auto" or able.concurrency >= 1
    assert provider.Options.model_config.get("extra") == "forbid", "a slip of the pen must not be ignored"


@pytest.mark.parametrize("name", adapters.names("steps"))
def test_a_kind_of_step_has_keys_of_its_own(name: str) -> None:
    module = adapters.load("steps", name)
    assert set(module.KEYS) <= set(module.Spec.model_fields)
    others = [set(adapters.load("steps", other).KEYS) for other in adapters.names("steps") if other != name]
    assert all(set(module.KEYS).isdisjoint(keys) for keys in others)


@pytest.mark.parametrize(("wing", "name"), [(w, n) for w in ("checks", "asked") for n in adapters.names(w)])
def test_a_check_has_options(wing: str, name: str) -> None:
    assert issubclass(adapters.load(wing, name).Options, BaseModel)


def test_an_unknown_name_is_an_error_with_the_nearest_right_one() -> None:
    with pytest.raises(JobError, match="unknown provider 'opennai'") as caught:
        adapters.load("providers", "opennai")
    assert caught.value.hint == "did you mean 'openai'?"
