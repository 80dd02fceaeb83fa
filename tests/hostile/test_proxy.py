"""A proxy is used where the job names it, and its faults are its own: nothing was sent to the server."""

from __future__ import annotations

import base64
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.canary import disguises
from tests.support.https import Authority, https, needs_openssl
from tests.support.project import Project
from tests.support.proxy import proxy
from tests.support.served import served
from tests.support.server import serve

PASSWORD = "pw-CANARY-1f2e3d4c"
SERVER = "https://models.invalid/v1"
"""a name that only a proxy could look up"""


def job(project: Project, base_url: str, through: Any, **limits: Any) -> None:
    limits = {"retries": 0, "maybe_billed_retries": 0, "concurrency": 1, "outage": 2, "timeout": 5, **limits}
    project.job(models=served(base_url, limits=limits, options={"proxy": through} if through else {}))


def attempts(project: Project) -> set[tuple[str, str, int]]:
    """(outcome, billed, cost) of what the journal has."""
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        return set(journal.execute("SELECT outcome, billed, cost FROM attempts"))


def test_plain_http_goes_through_a_proxy_in_absolute_form(project: Project) -> None:
    with serve() as server, proxy() as between:
        job(project, server.base_url, {"env": "MY_PROXY"})
        address = f"http://me:{PASSWORD}@{between.host}"
        done = project.run("run", "job.yaml", MY_PROXY=address)
        assert done.returncode == 0, done.stderr
        looked = project.run("doctor", "job.yaml", MY_PROXY=address)
        assert f"requests go through {between.host}" in looked.stdout
        assert server.ledger().billed == 3
    assert between.heads[0].startswith(f"POST {server.base_url}/chat/completions HTTP/1.1")
    assert any(head.startswith(f"GET {server.base_url}/models") for head in between.heads)
    sent = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert all(f"Basic {sent}" in head for head in between.heads)
    said = (done.stdout + done.stderr + looked.stdout + looked.stderr).encode()
    files = [file.read_bytes() for file in (project.folder / "output").rglob("*") if file.is_file()]
    assert not [form for form in disguises(PASSWORD) for text in (said, *files) if form in text]


@needs_openssl
def test_https_goes_through_a_tunnel_that_is_used_again(project: Project, tmp_path: Path) -> None:
    authority = Authority.found(tmp_path)
    with https(authority.issue("good", "IP:127.0.0.1")) as server, proxy() as between:
        job(project, server.url, f"http://{between.host}")
        done = project.spawn("run", "job.yaml", SSL_CERT_FILE=str(authority.certificate))
        assert done.returncode == 0, done.stderr
        assert server.requests == 3
        project.spawn("doctor", "job.yaml", SSL_CERT_FILE=str(authority.certificate))
    place = server.url.removeprefix("https://").removesuffix("/v1")
    assert [head.splitlines()[0] for head in between.heads] == [f"CONNECT {place} HTTP/1.1"] * 2
    told = {line.partition(":")[0].lower() for head in between.heads for line in head.splitlines()[1:]}
    assert told <= {"host", "accept", "accept-encoding", "user-agent"}, "all else is for the server alone"


@pytest.mark.parametrize(
    ("manner", "code", "words"),
    [
        ("407", 75, "proxy_refused: the proxy {} makes no connection to models.invalid:443 (407)"),
        ("403", 75, "proxy_refused: the proxy {} makes no connection to models.invalid:443 (403)"),
        ("502", 75, "the proxy {} makes no connection to models.invalid:443 (502)"),
        ("garbage", 75, "cannot connect to the proxy {}"),
        ("reset", 75, "cannot connect to the proxy {}"),
        ("silent", 75, "cannot connect to the proxy {}"),
    ],
)
def test_a_proxy_that_makes_no_tunnel_is_named_and_nothing_is_billed(
    manner: str, code: int, words: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.providers.http.client.CONNECT_SECONDS", 0.1)
    with proxy(manner) as between:
        job(project, SERVER, f"http://{between.host}")
        done = project.run("run", "job.yaml")
    assert done.returncode == code, done.stderr
    assert words.format(between.host) in done.stderr
    assert {attempt[1:] for attempt in attempts(project)} == {("no", 0)}


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "proxy.invalid:{}"])
def test_a_proxy_that_is_not_there_is_named(host: str, project: Project) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    address = host.format(port)
    job(project, SERVER, f"http://{address}")
    done = project.run("run", "job.yaml")
    assert done.returncode == 75, done.stderr
    assert f"cannot connect to the proxy {address}" in done.stderr
    assert {attempt[1:] for attempt in attempts(project)} == {("no", 0)}


def test_a_407_in_absolute_form_stops_the_run(project: Project) -> None:
    with proxy("407") as between:
        job(project, "http://127.0.0.1:9/v1", f"http://{between.host}")
        done = project.run("run", "job.yaml")
    assert done.returncode == 75
    assert len(between.heads) <= 3  # one for each row that was under way
    assert "proxy_refused" in done.stderr and "options.proxy" in done.stderr


@pytest.mark.parametrize(
    ("through", "variables", "used"),
    [
        (None, {"HTTP_PROXY": "{}"}, False),
        ("env", {"HTTP_PROXY": "{}"}, True),
        ("env", {"http_proxy": "{}"}, True),
        ("env", {"ALL_PROXY": "{}"}, True),
        ("env", {"HTTPS_PROXY": "{}"}, False),
        ("env", {"HTTP_PROXY": "{}", "NO_PROXY": "127.0.0.1"}, False),
        ("env", {"HTTP_PROXY": "{}", "NO_PROXY": "example.org"}, True),
        ("env", {}, False),
    ],
)
def test_a_proxy_of_the_environment_is_used_only_where_the_job_says_so(
    through: str | None, variables: dict[str, str], used: bool, project: Project
) -> None:
    with serve() as server, proxy() as between:
        job(project, server.base_url, through)
        env = {name: value.format(f"http://{between.host}") for name, value in variables.items()}
        done = project.run("run", "job.yaml", **env)
        looked = project.run("doctor", "job.yaml", **env)
    assert done.returncode == 0, done.stderr
    assert bool(between.heads) is used
    assert ("is set and not used" in looked.stdout) is (through is None)


@pytest.mark.parametrize(
    "bad", ["socks5://h:1", "proxy:3128", "http://me:secret@h:1", 7, "", {"env": "a b"}, True]
)
def test_what_is_no_proxy_is_refused_without_being_quoted(bad: Any, project: Project) -> None:
    job(project, SERVER, None)
    project.job(models=served(SERVER, options={"proxy": bad}))
    done = project.run("check", "job.yaml")
    assert done.returncode == 2
    assert "must be env, or an address without a password" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("value", ["", "socks5://h:1", "http://h:1\r\nX: y", "nonsense"])
def test_a_variable_that_holds_no_proxy_is_named(value: str, project: Project) -> None:
    job(project, SERVER, {"env": "MY_PROXY"})
    done = project.run("run", "job.yaml", MY_PROXY=value)
    assert done.returncode == 2
    assert "MY_PROXY" in done.stderr
