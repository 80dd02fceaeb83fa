"""What a job says of its server's batches, and what the doctor finds out about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.job.load import load
from pipeline.job.models import Model
from pipeline.providers import openai
from pipeline.runs.doctor import looked_at
from pipeline.testing import Script
from pipeline.wire.batching import vendors
from tests.support.batch_office import office
from tests.support.project import KEY, Project
from tests.support.server import serve

GROQ = "https://api.groq.com/openai/v1"


def model(base_url: str, batch: Any = None) -> Model:
    return Model(model="m", base_url=base_url, options={} if batch is None else {"batch": batch})


def test_the_host_says_whose_batches_they_are_unless_the_job_does() -> None:
    assert openai.vendor(model(GROQ)) == vendors()["groq"]
    assert openai.vendor(model("http://127.0.0.1:1/v1")) == vendors()["compatible"]
    for name, vendor in vendors().items():
        assert openai.vendor(model(GROQ, name)) == vendor


def test_a_table_of_the_job_changes_what_it_names_and_nothing_else() -> None:
    knobs = {"most_requests": 5, "most_bytes": 6, "most_tokens": 7, "window": "7d", "metadata": False,
             "line": "body", "factor": 0.25, "flex": True}  # fmt: skip
    for name, value in knobs.items():
        vendor = openai.vendor(model(GROQ, {name: value}))
        differ = {key for key in knobs if getattr(vendor, key) != getattr(vendors()["groq"], key)}
        assert differ == {name} and getattr(vendor, name) == value
        assert vendor.name == "groq"
    assert set(knobs) == openai.Batching.model_fields.keys()


WRONG: Mapping[str, tuple[Any, str]] = {
    "another name": ("gorq", "none of the servers whose batches are known: openai"),
    "another knob": ({"most_request": 5}, "most_request"),
    "none at all": ({"most_requests": 0}, "greater than or equal to 1"),
    "a number as text": ({"most_bytes": "many"}, "most_bytes"),
    "a negative price": ({"factor": -1}, "greater than or equal to 0"),
    "another line": ({"line": "short"}, "line"),
    "a list": (["openai"], "batch"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_is_refused_at_its_place(kind: str, project: Project) -> None:
    batch, words = WRONG[kind]
    writer = {"model": "m", "base_url": GROQ, "api_key_env": "TEST_KEY", "options": {"batch": batch}}
    project.job(models={"writer": writer})
    done = project.run("check", "job.yaml")
    assert done.returncode == 2, done.stdout
    assert "job.yaml:" in done.stderr and words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and "pydantic" not in done.stderr


def found(project: Project, base_url: str, lane: str, **more: Any) -> dict[str, tuple[str, str]]:
    writer = {"model": "m", "base_url": base_url, "api_key_env": "TEST_KEY", "lane": lane, **more}
    file = project.job(models={"writer": writer})
    return {check.name: (check.state, check.said) for check in looked_at(lambda: load(file), "0.1")}


@pytest.mark.parametrize("lane", ["sync", "flex", "batch", "cheapest"])
def test_the_doctor_asks_for_the_list_of_batches_where_they_are_wanted(
    lane: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with serve(Script(api_key=KEY)) as server:
        checks = found(project, server.base_url, lane)
        assert server.ledger().requests == 0
    assert ("batches" in checks) == (lane in ("batch", "cheapest"))
    if "batches" in checks:
        assert checks["batches"] == ("ok", "127.0.0.1: takes batches")


@pytest.mark.parametrize("fault", ["404", "500", "401", "drop", "html"])
def test_the_doctor_says_that_a_server_takes_none_and_does_not_wait(
    fault: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with office(faults={"list": [fault]}) as fake:
        state, said = found(project, fake.url, "batch")["batches"]
        assert (state, fake.calls) == ("warn", ["list"])
        assert "has no list of batches" in said and KEY not in said
        state, said = found(project, fake.url, "batch", options={"batch": "gemini"})["batches"]
    assert (state, fake.calls) == ("warn", ["list"]), "a server that is known to take none is not asked"
    assert said == "127.0.0.1: takes no batches in OpenAI's form"
