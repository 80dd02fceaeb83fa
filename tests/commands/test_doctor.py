"""The doctor looks at everything, writes nothing, and says what to do."""

from __future__ import annotations

import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline import load
from pipeline.core.health import Check
from pipeline.core.secret import Secret
from pipeline.journal.spill import Spill
from pipeline.providers.http import probe
from pipeline.runs.doctor import exit_code, looked_at
from pipeline.system import resources
from pipeline.system.lock import locked
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


def looked(file: Path) -> dict[str, Check]:
    """The checks by name; of several the worst."""
    checks = looked_at(lambda: load(file), "0.1")
    order = ("ok", "warn", "bad")
    return {check.name: check for check in sorted(checks, key=lambda check: order.index(check.state))}


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
    assert [check.state for check in checks] == ["ok", "ok"]
    assert "(402 for its list" in checks[0].said


@pytest.mark.parametrize(
    ("skew", "said"), [(600, "600 s behind"), (-7200, "7,200 s ahead of"), (5, "goes with")]
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
    assert time.monotonic() - began < 2
    assert (check.state, check.said.split(": ")[1]) == ("warn", "no list of models within 0.3 s")


def test_a_server_that_speaks_no_tls_is_said(address: str) -> None:
    (check,) = probe.looked_at(address.replace("http", "https"), Secret(), "m")
    assert (check.state, check.code) == ("bad", 2)
    assert "speaks no https" in check.said
    assert "http://" in check.hint


@pytest.fixture
def ran(project: Project) -> Project:
    """A project whose job has run."""
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    return project


def change(project: Project, sql: str) -> None:
    path = project.folder / "output/shop/journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute(sql)


def test_what_is_wrong_with_a_journal_is_said(ran: Project) -> None:
    file, path = ran.folder / "job.yaml", ran.folder / "output/shop/journal.sqlite"
    change(ran, "UPDATE attempts SET input = NULL WHERE seq = 1")
    assert any(
        "1 answers are not counted yet" in check.said for check in looked_at(lambda: load(file), "0.1")
    )
    change(ran, "UPDATE attempts SET body = x'00' WHERE seq = 2")
    assert looked(file)["journal"].state == "warn"
    change(ran, "PRAGMA user_version = 99")
    assert looked(file)["journal"].code == 74
    path.write_bytes(b"no database at all" * 1000)
    assert looked(file)["journal"].code == 74


def test_what_waits_in_a_reserve_is_said(ran: Project) -> None:
    path = ran.folder / "output/shop/journal.sqlite"
    spilled = Path(Spill(path).spill([(b"digest",)]))
    (spilled.parent / "old.damaged").write_text("half")
    said = [
        check.said
        for check in looked_at(lambda: load(ran.folder / "job.yaml"), "0.1")
        if check.name == "reserve"
    ]
    assert said[0].startswith("1 answers wait in")
    assert "old.damaged" in said[1]
    path.with_name("ballast").unlink()
    assert looked(ran.folder / "job.yaml")["reserve"].said == "there is no ballast"


def test_a_live_run_and_open_rights_are_said(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    folder.chmod(0o755)
    (folder / "journal.sqlite").chmod(0o644)
    with locked(folder):
        checks = looked(ran.folder / "job.yaml")
    assert checks["lock"].state == "warn"
    assert "chmod -R go-rwx" in checks["folder"].hint
    assert "journal.sqlite" in checks["folder"].said


def test_a_disk_that_is_too_small_is_bad(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 9_000_000})()
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert looked(ran.folder / "job.yaml")["disk"].state == "warn"
    usage.free = 1_000_000
    checks = looked(ran.folder / "job.yaml")
    assert (checks["disk"].state, checks["disk"].code) == ("bad", 74)
    assert exit_code(list(checks.values())) == 74


def test_a_folder_that_cannot_be_written_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    (check,) = resources.of_folder(tmp_path / "new" / "job")
    assert (check.state, check.code) == ("bad", 74)
    assert str(tmp_path) in check.said


def test_a_network_file_system_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    (tmp_path / "a b").mkdir()
    share = str(tmp_path / "a b").replace(" ", "\\040")
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/a rw\n"
        f"2 1 0:1 / {share} rw,relatime shared:1 - nfs4 host:/x rw\n"
        f"3 1 0:2 / {share}2 rw - tmpfs tmpfs rw\n"
    )
    monkeypatch.setattr(resources, "MOUNTS", mounts)
    assert resources.filesystem(tmp_path / "a b") == "nfs4"
    assert resources.filesystem(tmp_path) == "ext4"
    assert [check.state for check in resources.of_folder(tmp_path / "a b" / "job")] == ["ok", "warn"]
    mounts.unlink()
    assert resources.filesystem(tmp_path) == ""


def test_too_few_open_files_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    assert resources.of_open_files(1024).state == "warn"
    assert resources.of_open_files(100).state == "ok"


def test_of_several_troubles_the_first_to_mend_is_the_exit_code() -> None:
    def one(code: int) -> Any:
        return Check("x", "bad", "", code=code)

    assert exit_code([one(4), one(74), one(2)]) == 2
    assert exit_code([one(75), one(4), one(74)]) == 74
    assert exit_code([one(75), one(4)]) == 4
    assert exit_code([one(4)]) == 4
    assert exit_code([Check("x", "warn", "")]) == 0
