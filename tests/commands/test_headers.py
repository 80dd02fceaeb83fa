"""Headers of a job's own go out with each request; what is secret in them is named, and stands nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.canary import KEY, found
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


class Heads(BaseHTTPRequestHandler):
    """Says all headers that it was sent, in the answer."""

    protocol_version = "HTTP/1.1"
    heads: list[dict[str, str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.say(chat_body(f"you sent {dict(self.headers)}"))

    def do_GET(self) -> None:
        self.say(json.dumps({"data": [{"id": f"m for {self.headers['api-key']}"}]}).encode())

    def say(self, body: bytes) -> None:
        self.heads.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Heads.heads = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Heads)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_headers_are_sent_by_run_and_doctor_and_their_secrets_are_not_kept(
    project: Project, address: str
) -> None:
    headers = {"X-Team": "writers", "api-key": {"env": "GATEWAY_KEY"}, "user-agent": "ours"}
    project.job(models=served(address, api_key_env=None, options={"headers": headers}))
    done = project.run("run", "job.yaml", GATEWAY_KEY=KEY)
    assert done.returncode == 0, done.stderr
    looked = project.run("doctor", "job.yaml", GATEWAY_KEY=KEY)
    assert "m for ***" in looked.stdout
    assert len(Heads.heads) == 5, "three answers, and what the run and doctor ask of the server itself"
    for head in Heads.heads:
        sent = {name.lower(): words for name, words in head.items()}
        assert (sent["x-team"], sent["api-key"], sent["user-agent"]) == ("writers", KEY, "ours")
        assert len(sent) == len(head), "no header is sent twice"
    assert found(project.folder, done.stdout, done.stderr, looked.stdout, looked.stderr) == []


def test_other_headers_make_no_request_new(project: Project) -> None:
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
        project.job(models=served(server.base_url, options={"headers": {"X-Team": "others"}}))
        again = project.run("run", "job.yaml")
        assert again.returncode == 0 and server.ledger().billed == 3


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Authorization": {"env": "A"}}, "name its variable in api_key_env"),
        ({"PROXY-authorization": {"env": "A"}}, "options.proxy"),
        ({"Host": "h"}, "not the job's to change"),
        ({"Content-Length": "1"}, "not the job's to change"),
        ({"transfer-encoding": "chunked"}, "not the job's to change"),
        ({"X-Api-Key": "very-secret-1"}, "X-Api-Key: {env: NAME_OF_THE_VARIABLE}"),
        ({"X-Auth-Token": "very-secret-1"}, "must not contain one"),
        ({"Cookie": "very-secret-1"}, "must not contain one"),
        ({"X-A": "a\r\nX-B: very-secret-1"}, "one line of ASCII"),
        ({"X-A": "é"}, "one line of ASCII"),
        ({"X-A": ""}, "one line of ASCII"),
        ({"X-A": 7}, "must be a text in quotes"),
        ({"X-A": {"env": "not a name"}}, "must be a text in quotes"),
        ({"X-A": {"env": "A", "or": "very-secret-1"}}, "must be a text in quotes"),
        ({"X A": "b"}, "letters, digits and hyphens"),
        ({"X:A": "b"}, "letters, digits and hyphens"),
        ({"X-A": "b", "x-a": "c"}, "twice"),
        (["X-A"], "must be a mapping"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_with_its_place(
    headers: Any, words: str, project: Project
) -> None:
    project.job(models=served("http://127.0.0.1:9/v1", options={"headers": headers}))
    done = project.run("check", "job.yaml")
    assert done.returncode == 2
    assert words in done.stderr and "job.yaml:" in done.stderr
    assert "very-secret-1" not in done.stderr


@pytest.mark.parametrize("value", ["", "a\nb", "é"])
def test_a_variable_that_cannot_be_sent_is_named(value: str, project: Project) -> None:
    project.job(models=served("http://127.0.0.1:9/v1", options={"headers": {"X-A": {"env": "GATEWAY_KEY"}}}))
    done = project.run("run", "job.yaml", GATEWAY_KEY=value)
    assert done.returncode == 2
    assert "GATEWAY_KEY" in done.stderr


def test_a_secret_header_does_not_travel_unencrypted(project: Project) -> None:
    headers = {"api-key": {"env": "GATEWAY_KEY"}}
    project.job(models=served("http://models.invalid/v1", api_key_env=None, options={"headers": headers}))
    done = project.run("run", "job.yaml", GATEWAY_KEY=KEY)
    assert done.returncode == 2
    assert "without encryption" in done.stderr


@pytest.mark.parametrize(
    "options", [{"headers": {"X-A": {"env": "HOME"}}}, {"headers": {"X-A": "b"}}, {"proxy": "env"}]
)
def test_a_stranger_sets_neither_headers_nor_a_proxy(options: dict[str, Any], project: Project) -> None:
    project.job(models={"writer": {"model": "m", "options": options}})
    done = project.run("check", "job.yaml", "--untrusted")
    assert done.returncode == 2
    assert f"the option '{next(iter(options))}' is not allowed" in done.stderr
