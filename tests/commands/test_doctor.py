"""The doctor looks at everything, writes nothing, and says what to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from pipeline.core.health import Check
from pipeline.core.secret import Secret
from pipeline.providers.http import probe
from pipeline.runs.doctor import exit_code
from tests.support.doctor import looked
from tests.support.project import KEY, Project


class Endpoint(BaseHTTPRequestHandler):
    """Answers GET /<status>/v1/models; `asked` holds the authorizations it was sent, `heads` all headers."""

    asked: list[str | None]
    heads: list[str]
    skew = 0.0

    def do_GET(self) -> None:
        self.asked.append(self.headers["authorization"])
        self.heads.append(str(self.headers).lower())
        word = self.path.split("/")[1]
        if word == "drip":
            self.drip(b"H")
            return
        body = {"200": orjson.dumps({"data": [{"id": "m"}, {"id": "n"}]}), "odd": b'{"data": 7}'}.get(
            word, b""
        )
        self.send_response_only(200 if word == "odd" else int(word))
        self.send_header("Date", formatdate(time.time() + self.skew, usegmt=True))
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        self.wfile.write(body)
        if word == "402":
            self.drip(b"x" * 100_000)

    def drip(self, piece: bytes) -> None:
        try:
            for _ in range(100):
                self.wfile.write(piece)
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Endpoint.asked, Endpoint.heads, Endpoint.skew = [], [], 0.0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_job_that_stands_well_is_ok_and_nothing_is_written(project: Project) -> None:
    project.job()
    before = sorted(project.folder.rglob("*"))
    done = project.run("doctor", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(("ok", "state")) for line in done.stdout.splitlines())
    assert sorted(project.folder.rglob("*")) == before
    project.run("run", "job.yaml")
    again = project.numbers("doctor", "job.yaml")
    assert {check["state"] for check in again["checks"]} == {"ok"}
    assert {check["name"] for check in again["checks"]} == {
        "program", "job", "records", "folder", "journal", "disk", "lock", "reserve", "open files", "model",
    }  # fmt: skip


def test_a_job_file_that_is_wrong_ends_it_with_2(project: Project) -> None:
    project.job(stepz=[])
    done = project.run("doctor", "job.yaml")
    assert done.returncode == 2
    assert "unknown key 'stepz'" in done.stdout
    assert "did you mean 'steps'?" in done.stdout


def test_records_that_are_wrong_do_not_hide_the_rest(project: Project) -> None:
    file = project.job(records="sku,title\n1,a\n1,b\n")
    checks = looked(file)
    assert checks["records"].state == "bad"
    assert checks["disk"].state == "ok"
    assert exit_code(list(checks.values())) == 2


@pytest.mark.parametrize(
    ("word", "name", "state", "code", "said"),
    [
        ("200", "endpoint", "ok", 0, "answers"),
        ("401", "endpoint", "bad", 4, "the key is refused"),
        ("403", "endpoint", "warn", 0, "may not list models"),
        ("404", "endpoint", "ok", 0, "not every server has"),
        ("429", "endpoint", "warn", 0, "answers with 429"),
        ("503", "endpoint", "warn", 0, "answers with 503"),
        ("307", "endpoint", "bad", 2, "redirect"),
        ("odd", "model", "ok", 0, "lists no models"),
    ],
)
def test_an_endpoint_is_asked_once_and_what_it_says_is_understood(
    word: str, name: str, state: str, code: int, said: str, project: Project, address: str, key: None
) -> None:
    checks = looked(project.job(f"{address}/{word}/v1"))
    assert (checks[name].state, checks[name].code) == (state, code)
    assert said in checks[name].said
    assert Endpoint.asked == [f"Bearer {KEY}"]
    assert checks["key"] == Check("key", "ok", "TEST_KEY is set")
    assert checks["clock"].state == "ok"
    assert KEY not in repr(checks)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


def test_a_key_that_is_not_set_is_named(
    project: Project, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_KEY", raising=False)
    checks = looked(project.job(f"{address}/200/v1"))
    assert (checks["key"].state, checks["key"].code) == ("bad", 2)
    assert "TEST_KEY" in checks["key"].said
    assert Endpoint.asked == []


def test_the_job_of_a_stranger_gets_no_key(project: Project, address: str) -> None:
    project.job(f"{address}/200/v1")
    done = project.run("doctor", "job.yaml", "--untrusted")
    assert done.returncode == 2, done.stdout
    assert Endpoint.asked == []


def test_a_model_that_is_not_there_has_a_near_one_named(address: str) -> None:
    checks = list(probe.looked_at(f"{address}/200/v1", Secret(), "mm"))
    assert [check.state for check in checks] == ["ok", "warn", "ok"]
    assert checks[1].hint.splitlines()[0] == "did you mean 'm'?"
    assert Endpoint.asked == [None]


@pytest.mark.parametrize("key", ["", KEY])
def test_an_endpoint_learns_neither_machine_nor_membership(
    key: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.setenv("OPENAI_ORG_ID", "mine")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: mine\nAuthorization: mine")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert next(probe.looked_at(f"{address}/200/v1", Secret(key), "m")).state == "ok"
    assert Endpoint.asked == [f"Bearer {key}" if key else None]
    (head,) = Endpoint.heads
    assert "openai/python" in head and "mine" not in head
    assert head.count("x-stainless-") == head.count("x-stainless-raw-response") == 1


def test_the_body_of_an_error_is_not_waited_for(address: str) -> None:
    checks = list(probe.looked_at(f"{address}/402/v1", Secret(), "m"))
    assert [check.state for check in checks] == ["warn", "ok"]
    assert "answers with 402: xxx" in checks[0].said


@pytest.mark.parametrize(
    ("skew", "said"), [(600, "600 s behind"), (-7200, "7,200 s ahead of"), (5, "agrees with")]
)
def test_a_clock_that_goes_wrong_is_noticed(skew: float, said: str, address: str) -> None:
    Endpoint.skew = skew
    (clock,) = (one for one in probe.looked_at(f"{address}/404/v1", Secret(), "m") if one.name == "clock")
    assert said in clock.said.replace("599", "600").replace("7,201", "7,200")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/v1", "Connection refused"),
        ("https://127.0.0.1:9/v1", "Connection refused"),
        ("https://no.such.host.invalid", ""),
        ("http://127.0.0.256/v1", "no such address"),
    ],
)
def test_an_endpoint_that_nobody_answers_at_is_bad(url: str, said: str, project: Project) -> None:
    checks = looked(project.job(url, models={"m": {"model": "m", "base_url": url}}))
    assert checks["endpoint"].said.endswith(said) and "cannot be reached: " in checks["endpoint"].said
    assert checks["endpoint"].state == "bad"
    assert "offline" in checks["endpoint"].hint
    assert exit_code(list(checks.values())) == 75


def test_a_server_that_drips_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    list(probe.looked_at(f"{address}/200/v1", Secret(), "m"))  # the SDK is imported now
    monkeypatch.setattr(probe, "PATIENCE", 0.3)
    began = time.monotonic()
    (check,) = probe.looked_at(f"{address}/drip/v1", Secret(), "m")
    assert time.monotonic() - began < 4, "the whole of it takes 5 s"
    assert (check.state, check.said.split(": ")[1]) == ("warn", "no list of models within 0.3 s")


def test_a_server_that_speaks_no_tls_is_said(address: str) -> None:
    (check,) = probe.looked_at(address.replace("http", "https"), Secret(), "m")
    assert (check.state, check.code) == ("bad", 2)
    assert "does not speak https" in check.said
    assert "http://" in check.hint
