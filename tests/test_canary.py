"""A key is sent, and stands nowhere else: not in any file, not in any stream, whatever goes wrong."""

from __future__ import annotations

import base64
import copy
import html
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from pipeline.commands import command
from pipeline.errors import PipelineError
from pipeline.secret import Secret
from tests.fakes import chat_body
from tests.project import Project

KEY = "sk-CANARY-7d0f/9c+e2a=41b8&c3"
MODES = (
    "fine", "half", "echo", "slow", "encoded", "page", "percent", "garbage", "fine", "headers", "escaped",
    "backwards", "hexadecimal", "code", "rate",
)  # fmt: skip


def disguises(key: str) -> set[bytes]:
    """The key as it may stand in a file."""
    plain = key.encode()
    forms = {plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode()}
    forms |= {quote(key).encode(), quote(key, safe="").encode(), html.escape(key).encode()}
    forms.add(json.dumps(key)[1:-1].replace("/", "\\/").encode())
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(offset) + plain)[4:-4])
    return forms


def found(*places: Path | str) -> list[str]:
    """Where the key stands: files of folders, and texts."""
    forms, where = disguises(KEY), []
    for place in places:
        files = [file for file in place.rglob("*") if file.is_file()] if isinstance(place, Path) else []
        texts = [(str(file), file.read_bytes()) for file in files]
        texts += [("a stream", place.encode())] if isinstance(place, str) else []
        where += [f"{name}: {form!r}" for name, text in texts for form in forms if form in text]
    return where


class Hostile(BaseHTTPRequestHandler):
    """Does what the prompt's last word, or else the path's first, asks for; `keys` holds what it was sent."""

    protocol_version = "HTTP/1.1"
    keys: set[str]
    over: threading.Event

    def do_POST(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        sent = self.headers["authorization"].removeprefix("Bearer ")
        self.keys.add(sent)
        mode = self.path.split("/")[1]
        if mode == "v1":
            mode = body["messages"][-1]["content"].split()[-1]
        getattr(self, f"say_{mode}")(sent)

    def answer(self, status: int, text: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def error(self, status: int, message: str, code: str = "odd") -> None:
        self.answer(status, orjson.dumps({"error": {"message": message, "code": code}}))

    def say_fine(self, key: str) -> None:
        self.answer(200, chat_body("fine"), **{"x-request-id": key})

    def say_echo(self, key: str) -> None:
        self.answer(200, chat_body(f"Your key is {key}."))

    def say_long(self, key: str) -> None:
        self.answer(200, chat_body(f"{key} {'x' * 100_000} {key[::-1]}"))

    def say_headers(self, key: str) -> None:
        self.error(400, f"Bad request with the headers {dict(self.headers)!r} and the key {key}")

    def say_escaped(self, key: str) -> None:
        text = "".join(f"\\u{ord(c):04x}" for c in key)
        self.answer(400, b'{"error": {"message": "key %s"}}' % text.encode())

    def say_backwards(self, key: str) -> None:
        self.error(400, key[::-1])

    def say_hexadecimal(self, key: str) -> None:
        self.error(422, f"{key.encode().hex()} {key.encode().hex().upper()}")

    def say_encoded(self, key: str) -> None:
        parts = [base64.b64encode(before + key.encode()).decode() for before in (b"", b"a", b"Bearer ")]
        self.answer(200, chat_body(" ".join(parts)))

    def say_percent(self, key: str) -> None:
        self.answer(200, chat_body(quote(key, safe="") + html.escape(key)))

    def say_page(self, key: str) -> None:
        self.answer(500, f"<html><body>{html.escape(key)} {key}</body></html>".encode())

    def say_code(self, key: str) -> None:
        self.error(400, "no", code=key)

    def say_rate(self, key: str) -> None:
        self.error(429, f"Request too large for {key}")

    def say_garbage(self, key: str) -> None:
        self.answer(200, b"\x00\xff" + key.encode() + b"{")

    def say_half(self, key: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(f'{{"choices": "{key}'.encode())
        self.close_connection = True

    def say_hang(self, key: str) -> None:
        self.over.wait(30)

    def say_slow(self, key: str) -> None:
        time.sleep(2)
        with suppress(ConnectionError):
            self.say_echo(key)

    def say_unauthorized(self, key: str) -> None:
        self.error(401, f"Incorrect API key provided: {key}")

    def say_forbidden(self, key: str) -> None:
        self.error(403, f"The key {key[::-1]} may not do that", code=key)

    def say_moved(self, key: str) -> None:
        self.answer(307, key.encode(), Location=f"http://127.0.0.1:9/{key}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Hostile.keys, Hostile.over = set(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Hostile.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def env(home: Path, **more: str) -> dict[str, str]:
    places = {"TMPDIR": str(home), "HOME": str(home)}
    return {"TEST_KEY": KEY, "OPENAI_LOG": "debug", "PYTHONASYNCIODEBUG": "1", **places, **more}


def job(project: Project, address: str, modes: tuple[str, ...] = MODES, **limits: float) -> None:
    model = {"provider": "openai", "model": "m", "base_url": address, "api_key_env": "TEST_KEY"}
    model["limits"] = {"retries": 0, "maybe_billed_retries": 0, "timeout": 1.0, "concurrency": 1, **limits}
    records = "sku,mode\n" + "".join(f"{i},{mode}\n" for i, mode in enumerate(modes))
    project.job(
        records=records,
        models={"writer": model},
        steps=[{"name": "post", "prompt": "{{ sku }}: be {{ mode }}", "repairs": 0}],
        output={"to": ["output/shop/posts.csv", "output/shop/posts.jsonl"], "include": ["status", "reason"]},
        max_failed=1,
    )


def test_a_key_that_servers_send_back_in_all_disguises_stands_nowhere(
    project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/v1")
    done = project.run("run", "job.yaml", "--json", **env(home))
    assert done.returncode == 3, done.stderr
    assert Hostile.keys == {KEY}
    rows = {row["mode"]: row for row in project.result().to_dicts()}
    assert rows["fine"]["post"] == "fine"
    assert rows["echo"]["post"] == "Your key is ***."
    assert len(rows) == len(set(MODES))
    again = project.run("status", "job.yaml", "--json", **env(home))
    shown = project.run("show", "job.yaml", "--rows", "99", **env(home))
    looked = project.run("doctor", "job.yaml", "--json", **env(home))
    streams = [text for one in (done, again, shown, looked) for text in (one.stdout, one.stderr)]
    assert found(project.folder, home, *streams) == []


@pytest.mark.parametrize("mode", ["unauthorized", "forbidden", "moved"])
def test_a_key_that_is_refused_is_named_and_not_shown(
    mode: str, project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/{mode}/v1")
    done = project.run("run", "job.yaml", **env(home))
    assert done.returncode == (4 if mode != "moved" else 75), done.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, done.stdout, done.stderr) == []


CRASHING = """
import sys, traceback
from pipeline.apis import chat

def shown(kind, error, trace):
    told = traceback.TracebackException(kind, error, trace, capture_locals=True)
    print("".join(told.format()), file=sys.stderr)

def broken(body):
    raise RuntimeError("a bug")

sys.excepthook = shown
chat.read = broken
from pipeline.cli import main
main()
"""


def test_a_crash_that_shows_every_local_variable_shows_no_key(
    project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/v1", ("echo",))
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", CRASHING, "run", "job.yaml"],
        cwd=project.folder, env=project.environment(**env(home)), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "RuntimeError: a bug" in done.stderr
    assert "key = ***" in done.stderr or "request = " in done.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, done.stdout, done.stderr) == []


def test_answers_that_no_disk_takes_are_saved_without_the_key(
    project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/v1", ("long",) * 6, concurrency=6, timeout=20)
    done = subprocess.run(
        project.command("run", "job.yaml"), cwd=project.folder, env=project.environment(**env(home)),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000)),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 74, done.stderr
    saved = [*project.folder.rglob("spill/*.jsonl"), *home.rglob("*.jsonl")]
    assert saved or "pipeline-spilled" in done.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, done.stdout, done.stderr) == []


def in_flight(folder: Path) -> int:
    """How many requests of the live run are under way."""
    with suppress(PipelineError):
        return int(command(folder, "status")["requests"]["in_flight"])
    return 0


def test_a_killed_run_and_its_status_keep_no_key(project: Project, address: str, home: Path) -> None:
    job(project, f"{address}/v1", ("fine", "headers", "hang", "hang"), timeout=30, concurrency=4)
    run = project.start("run", "job.yaml", **env(home))
    deadline = time.monotonic() + 20
    while not in_flight(project.folder / "output/shop") and time.monotonic() < deadline:
        time.sleep(0.05)
    status = project.run("ctl", "job.yaml", "status", "--json", **env(home))
    os.kill(run.pid, signal.SIGKILL)
    out, err = run.communicate()
    assert run.returncode == -signal.SIGKILL
    assert status.returncode == 0, status.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, out, err, status.stdout, status.stderr) == []


def test_the_search_finds_a_key_where_there_is_one(tmp_path: Path) -> None:
    for i, form in enumerate(disguises(KEY)):
        (tmp_path / str(i)).write_bytes(b"..." + form + b"...")
    assert len({line.split(":")[0] for line in found(tmp_path)}) == len(disguises(KEY))
    assert found(f"Bearer {KEY}")


def test_a_secret_does_not_print_and_is_not_written_down() -> None:
    secret = Secret(KEY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{[secret]}",
        f"{secret!r}",
    ]
    assert all("***" in text and "CANARY" not in text for text in shown)
    assert json.dumps({"key": secret}, default=str) == '{"key": "***"}'
    for written in (json.dumps, orjson.dumps, pickle.dumps, Secret.__getstate__):
        with pytest.raises(TypeError):
            written(secret)  # type: ignore[operator]
    with pytest.raises(TypeError):
        vars(secret)
    assert copy.deepcopy([secret]) == [secret] == [Secret(KEY)] != [Secret("other")]
    assert secret.reveal() == KEY
    assert not Secret() and Secret("x")


def test_a_secret_that_was_cut_off_is_taken_out() -> None:
    secret = Secret(KEY)
    for end in range(12, len(KEY) + 1):
        assert secret.without(f"key {KEY[:end]}".encode()) == b"key ***"
    assert secret.without(b"key sk-CANARY-7d0f is another") == b"key sk-CANARY-7d0f is another"


def test_a_short_secret_may_stand_in_an_answer_by_chance() -> None:
    assert Secret("short").without(b"a short answer") == b"a short answer"
