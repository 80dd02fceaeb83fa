"""The list of models that is looked up after a 404: asked for as any request, and read as hostile bytes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import quote

import pytest

from tests.support.canary import disguises
from tests.support.project import KEY, Project
from tests.support.proxy import Proxy, proxy
from tests.support.served import served

SECRETS = {"HEADER_KEY": "hk-CANARY-77b2a1f09c", "OTHER_KEY": "ok-CANARY-5d31e8aa42"}
PASSWORD = "pw-CANARY-90cc12ab77"
ALL = (KEY, PASSWORD, *SECRETS.values())
WAYS = {
    "plain": lambda key: json.dumps(key),
    "escaped": lambda key: '"' + "".join(f"\\u{ord(letter):04x}" for letter in key) + '"',
    "escaped twice": lambda key: json.dumps("".join(f"\\u{ord(letter):04x}" for letter in key)),
    "percent": lambda key: json.dumps(quote(key.replace("-", "%2d"))),
    "backwards": lambda key: json.dumps(key[::-1]),
    "hexadecimal": lambda key: json.dumps(key.encode().hex()),
    "at the cut": lambda key: json.dumps("x" * (80 - len(key) // 2) + key),
}


class Listing(BaseHTTPRequestHandler):
    """Knows no model, and lists the secrets of the job as if they were some."""

    heads: ClassVar[list[dict[str, str]]] = []
    way = "plain"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(404, json.dumps({"error": {"message": "no such model", "code": "model_not_found"}}))

    def do_GET(self) -> None:
        self.heads.append({name.lower(): words for name, words in self.headers.items()})
        entries = ", ".join(f'{{"id": {WAYS[self.way](key)}}}' for key in ALL)
        self.answer(200, f'{{"data": [{{"id": "good"}}, {entries}]}}')

    def answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Listing.heads = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def job(project: Project, address: str) -> None:
    headers = {"X-Api-Key": {"env": "HEADER_KEY"}, "X-Team": "writers"}
    options = {"proxy": {"env": "MY_PROXY"}, "headers": headers}
    spare = served(address, api_key_env="OTHER_KEY")["writer"]
    models = served(address, options=options, fallback={"model": "spare"}) | {"spare": spare}
    project.job(models=models, steps=[{"name": "post", "model": "writer", "prompt": "{{ sku }}"}])


def through(between: Proxy) -> dict[str, str]:
    return {"MY_PROXY": f"http://me:{PASSWORD}@{between.host}", **SECRETS}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_the_list_is_asked_for_as_a_request_is_and_shows_no_secret(
    command: str, way: str, project: Project, address: str
) -> None:
    Listing.way = way
    with proxy() as between:
        job(project, address)
        done = project.run(command, "job.yaml", **through(between))
    assert "good" in done.stdout + done.stderr, done.stderr
    assert any(head.startswith(f"GET {address}/models HTTP/1.1") for head in between.heads)
    first = next(head for head in Listing.heads if head["authorization"] == f"Bearer {KEY}")
    assert (first["x-api-key"], first["x-team"]) == (SECRETS["HEADER_KEY"], "writers")
    assert "proxy-authorization" not in first or "CANARY" not in first["proxy-authorization"]
    files = [file.read_bytes() for file in (project.folder / "output").rglob("*") if file.is_file()]
    texts = [done.stdout.encode(), done.stderr.encode(), *files]
    assert not [key for key in ALL for form in disguises(key) for text in texts if form in text]
