"""What stopped a run is called by its name: a key that was never sent, a proxy that is down."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any

import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


def closed_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
        return port


IN_A_HEADER = {"headers": {"X-Api-Key": {"env": "TEST_KEY"}}}


@pytest.mark.parametrize(
    ("changes", "sent"),
    [({}, True), ({"api_key_env": None}, False), ({"api_key_env": None, "options": IN_A_HEADER}, True)],
    ids=["a wrong key", "no key", "a key in a header"],
)  # fmt: skip
def test_a_refusal_says_whether_a_key_was_sent(changes: dict[str, Any], sent: bool, project: Project) -> None:
    with serve(Script(api_key="sk-the-right-one-1234")) as server:
        project.job(models=served(server.base_url, **changes))
        done = project.run("run", "job.yaml", OPENAI_API_KEY="sk-not-for-this-host")
        looked = project.run("doctor", "job.yaml", OPENAI_API_KEY="sk-not-for-this-host")
    assert done.returncode == looked.returncode == 4, done.stderr + looked.stdout
    assert ("the server refused the key (401" in done.stderr) == sent, done.stderr
    assert ("no key was sent to 127.0.0.1:" in done.stderr) == (not sent), done.stderr
    assert ("the key is refused (401)" in looked.stdout) == sent, looked.stdout
    assert ("wants a key, and none is sent (401)" in looked.stdout) == (not sent), looked.stdout
    assert "api_key_env" in done.stderr and "api_key_env" in looked.stdout


@pytest.mark.parametrize("through", [True, False])
def test_what_is_down_is_named_in_the_advice(through: bool, project: Project) -> None:
    options = {"proxy": f"http://127.0.0.1:{closed_port()}"} if through else {}
    base_url = f"http://127.0.0.1:{closed_port()}/v1"
    project.job(models=served(base_url, options=options, limits={"outage": 1, "concurrency": 1}))
    done, looked = project.run("run", "job.yaml"), project.run("doctor", "job.yaml")
    assert done.returncode == looked.returncode == 75, done.stderr + looked.stdout
    for said in (done.stderr, looked.stdout):
        assert ("check options.proxy, and whether the proxy is running" in said) == through, said
        assert ("base_url" in said) == (not through), said
