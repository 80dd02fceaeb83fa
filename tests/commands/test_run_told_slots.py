"""A server on this machine that says how many requests it works on at once: a run begins with that many."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.waiting import wait_for

SLOTS = 7
DEEP = b"[" * 100_000


class Server(ThreadingHTTPServer):
    """Answers slowly, gives `props` at /props, and remembers how many requests came together at first."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, props: bytes | None, prefix: str, width: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.props, self.width, self.asked = props, width, list[tuple[str, str]]()
        self.now = self.first = 0
        self.prefix, self.answered, self.lock = prefix, False, threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        server = self.server
        server.asked.append((self.path, self.headers["Authorization"]))
        if server.props is None:
            time.sleep(3)
        self.reply(200 if self.path == server.prefix + "/props" else 404, server.props or b"")

    def do_POST(self) -> None:
        server = self.server
        self.rfile.read(int(self.headers["Content-Length"]))
        with server.lock:
            server.now += 1
            if not server.answered:
                server.first = max(server.first, server.now)
        with suppress(AssertionError):  # fewer may come than there should
            wait_for(lambda: server.answered or server.now >= server.width, 10)
        time.sleep(0.3)  # more may come than there should
        with server.lock:
            server.now -= 1
            server.answered = True
        self.reply(200, chat_body("fine"))


@contextmanager
def offering(props: bytes | None, prefix: str = "", width: int = SLOTS) -> Iterator[Server]:
    server = Server(props, prefix, width)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def total(slots: Any) -> bytes:
    return json.dumps({"default_generation_settings": {}, "total_slots": slots, "model_path": "m"}).encode()


@pytest.mark.parametrize(
    ("props", "limits", "width"),
    [
        (total(SLOTS), {}, SLOTS),
        (total(1), {}, 1),
        (total(SLOTS), {"concurrency": 2}, 2),
        *((nonsense, {}, 4) for nonsense in (
            total(0), total(-3), total(10**9), total(True), total("7"), total(None), total(7.0), total([7]),
            b"", b"[7]", b"7", b"null", b"<html>", b"\xff\xfe", DEEP, None,
        )),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else None,
)  # fmt: skip
def test_a_run_begins_as_wide_as_the_server_says(
    props: bytes | None, limits: dict[str, Any], width: int, project: Project
) -> None:
    with offering(props, width=width) as server:
        models = served(f"http://127.0.0.1:{server.server_port}/v1", limits=limits)
        project.job(models=models, records=Project.numbered(2 * SLOTS))
        done = project.run("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert server.first == width
    assert [path for path, _ in server.asked] == ([] if limits else ["/props"])


def test_a_prefix_of_the_address_is_kept(project: Project) -> None:
    with offering(total(SLOTS), "/llm") as server:
        models = served(f"http://127.0.0.1:{server.server_port}/llm/v1/")
        project.job(models=models, records=Project.numbered(2 * SLOTS))
        assert project.run("run", "job.yaml").returncode == 0
    assert (server.first, [path for path, _ in server.asked]) == (SLOTS, ["/llm/props"])


@pytest.mark.parametrize("preset", ["llama-cpp", None])
def test_the_number_of_a_preset_gives_way_to_what_is_told(preset: str | None, project: Project) -> None:
    with offering(total(SLOTS)) as server:
        models = served(f"http://127.0.0.1:{server.server_port}/v1", preset=preset)
        project.job(models=models, records=Project.numbered(2 * SLOTS))
        assert project.run("run", "job.yaml").returncode == 0
    assert server.first == SLOTS


def test_a_run_with_nothing_to_send_asks_nothing(project: Project) -> None:
    with offering(total(SLOTS), width=1) as server:
        project.job(models=served(f"http://127.0.0.1:{server.server_port}/v1"))
        assert [project.run("run", "job.yaml").returncode for _ in range(3)] == [0, 0, 0]
    assert len(server.asked) == 1
