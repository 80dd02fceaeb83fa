"""The doctor at an endpoint: what a rehearsal shows is what a real one would have."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pipeline.core.health import Check
from pipeline.core.secret import Secret
from pipeline.providers.http import probe
from pipeline.testing import Script
from pipeline.testing.launch import Server
from tests.support.project import KEY, Project
from tests.support.server import serve


def looked(base_url: str, model: str = "m", key: str = KEY) -> dict[str, Check]:
    return {check.name: check for check in probe.looked_at(base_url, Secret(key), model)}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(Script(api_key=KEY)) as server:
        yield server


def test_a_server_that_serves_every_name_is_not_said_to_lack_one(server: Server) -> None:
    assert {check.state for check in looked(server.base_url, "gpt-5-mini").values()} == {"ok"}


def test_a_wrong_key_is_refused_to_the_doctor_as_to_a_run(server: Server, project: Project) -> None:
    check = looked(server.base_url, key="sk-wrong")["endpoint"]
    assert (check.state, check.code) == ("bad", 4)
    project.job(server.base_url)
    assert project.run("doctor", "job.yaml").returncode == 0
    assert project.run("doctor", "job.yaml", TEST_KEY="sk-wrong").returncode == 4
    assert server.ledger().requests == 0


def test_an_address_without_its_end_is_a_warning_with_advice(server: Server) -> None:
    check = looked(server.base_url.removesuffix("/v1"))["endpoint"]
    assert (check.state, check.hint) == ("warn", "check base_url, which usually ends in /v1")
    assert "/models (404)" in check.said


def test_a_model_that_is_not_listed_comes_with_advice() -> None:
    with serve(Script(models=tuple(f"model-{letter}" for letter in "abcdefghijk"))) as server:
        far, near = (looked(server.base_url, name)["model"] for name in ("gpt-5-mini", "model-bb"))
    assert (far.state, near.state) == ("warn", "warn")
    assert far.hint.startswith("it lists: model-a, model-b, ")
    assert "and 6 more\na server may serve more than it lists" in far.hint
    assert near.hint.startswith("did you mean 'model-")


def test_nobody_at_the_address_ends_the_command_with_75(project: Project) -> None:
    project.job("http://127.0.0.1:9/v1")
    done = project.run("doctor", "job.yaml")
    assert done.returncode == 75
    assert "bad: endpoint: this machine is offline, the server is down, or base_url is wrong" in done.stdout


def test_a_run_at_a_server_that_speaks_plain_http_stops_at_once(server: Server, project: Project) -> None:
    project.job(server.base_url.replace("http", "https"))
    began = time.monotonic()
    done = project.run("run", "job.yaml")
    assert done.returncode == 75
    assert time.monotonic() - began < 15, "a host that was never reached gets 30 s"
    assert "does not speak https, but plain http, it seems" in done.stderr
    assert "write http:// in base_url" in done.stderr
    assert "_ssl.c" not in done.stderr


def test_the_doctor_names_all_that_is_wrong_with_a_job(project: Project) -> None:
    project.job(stepz=[], max_faild=1)
    done = project.run("doctor", "job.yaml")
    assert done.returncode == 2
    assert "unknown key 'stepz'" in done.stdout
    assert "unknown key 'max_faild'" in done.stdout
