"""A step alone, and what it comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.core.domain import Fate, Fault
from pipeline.engine.stages import Stage, stages_of
from pipeline.job.load import load
from tests.support.fakes import Provider


def stage(
    folder: Path, parts: dict[str, Any] | None = None, models: dict[str, Any] | None = None, **step: Any
) -> Stage:
    """A step as a job file has it; `parts` are those of its model."""
    job = {
        "name": "a",
        "records": {"from": "r.csv"},
        "models": models or {"m": {"provider": "scripted", "model": "x", **(parts or {})}},
        "steps": [{"name": "s", **step}],
    }
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(job, sort_keys=False))
    return stages_of(load(file))[0]


async def taken(of: Stage, provider: Provider, **values: Any) -> Any:
    """The value that it comes to."""
    return (await of.runner.take(values, "1", provider)).value


async def failed(of: Stage, provider: Provider, **values: Any) -> Fault:
    """The fault that it comes to."""
    with pytest.raises(Fault) as fault:
        await taken(of, provider, **values)
    assert fault.value.fate is Fate.FAIL
    return fault.value
