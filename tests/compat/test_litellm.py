"""LiteLLM's proxy in front of a scripted server: what it answers, and how it words what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.testing import Script
from tests.support.project import KEY, Project
from tests.support.real_servers import litellm
from tests.support.server import serve

ROWS = 40

pytestmark = pytest.mark.xdist_group("litellm")
"""one server for all of them"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The proxy with a key, and two models: a good one, and one that fails often."""
    folder = tmp_path_factory.mktemp("litellm")
    fails = {
        "faults": [
            {"share": 0.2, "fault": "server_error", "status": 503},
            {"share": 0.1, "fault": "rate_limit"},
        ]
    }
    with serve(Script()) as good, serve(Script.model_validate(fails)) as shaky:
        named = {"good": good.base_url, "shaky": shaky.base_url}
        models = [
            {"model_name": name, "litellm_params": {"model": "openai/m", "api_base": url, "api_key": "x"}}
            for name, url in named.items()
        ]
        with litellm(folder, models, master_key=KEY) as url:
            yield url


def model(url: str, name: str, **more: object) -> dict[str, object]:
    return {"writer": {"model": name, "base_url": url, "api_key_env": "TEST_KEY", **more}}


@pytest.mark.parametrize("api", ["chat", "responses", "completions"])
def test_every_row_is_answered(project: Project, proxy: str, api: str) -> None:
    project.job(proxy, records=Project.numbered(ROWS), models=model(proxy, "good", api=api))
    assert project.numbers("run", "job.yaml")["ok"] == ROWS


def test_a_shaky_server_behind_it_loses_no_row(project: Project, proxy: str) -> None:
    project.job(proxy, records=Project.numbered(ROWS), models=model(proxy, "shaky"))
    assert project.numbers("run", "job.yaml")["ok"] == ROWS


def test_a_wrong_model_is_named_with_what_there_is(project: Project, proxy: str) -> None:
    project.job(proxy, models=model(proxy, "godo"))
    done = project.run("run", "job.yaml")
    assert done.returncode not in (0, 3)
    assert "godo" in done.stderr
    assert "good" in done.stderr.replace("godo", "")


def test_a_wrong_key_is_called_a_wrong_key(project: Project, proxy: str) -> None:
    project.job(proxy, models=model(proxy, "good"))
    done = project.run("run", "job.yaml", TEST_KEY="sk-another-key-0987")
    assert done.returncode not in (0, 3)
    assert "the server refused the key" in done.stderr


def test_doctor_says_whether_the_model_is_there(project: Project, proxy: str) -> None:
    project.job(proxy, models=model(proxy, "good"))
    assert project.run("doctor", "job.yaml").returncode == 0
    project.job(proxy, models=model(proxy, "godo"))
    assert "did you mean 'good'?" in project.run("doctor", "job.yaml").stdout


def test_doctor_says_that_the_key_is_refused(project: Project, proxy: str) -> None:
    project.job(proxy, models=model(proxy, "good"))
    done = project.run("doctor", "job.yaml", TEST_KEY="sk-another-key-0987")
    assert done.returncode == 4 and "the key is refused" in done.stdout
