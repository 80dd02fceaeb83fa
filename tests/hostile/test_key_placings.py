"""However a server places a key in what it sends, the key stands in no file and no stream."""

from __future__ import annotations

import base64
import json
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from pipeline.core.domain import Fault
from pipeline.testing import Rule, Script
from pipeline.wire.apis.chat import read
from tests.support.canary import disguises
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

KEYS = {
    "KEY_A": "sk-proj-Ab3dEf6hIj_9lMnOpQrStUvWx-Yz12345",
    "KEY_B": "gsk_Zy9Xw8Vu7Ts6Rq5Po4Nm3Lk2Ji1",
    "HEADER_KEY": "hdr-0f1e2d3c4b5a69788796",
}
ROWS = 90
USAGE = {"prompt_tokens": 3, "completion_tokens": 2}


def parts(text: str, dice: random.Random) -> list[str]:
    cuts = sorted(dice.sample(range(1, len(text)), 3))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def chat(message: dict[str, object], **more: object) -> dict[str, object]:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": more.pop("finish_reason", "stop")}
    return {"id": "c", "model": "m", "choices": [choice], "usage": USAGE, **more}


def shapes(key: str, dice: random.Random) -> dict[str, tuple[int, object]]:
    """Bodies with the key in one of their places, each with its status."""
    pieces = [{"type": "text", "text": piece} for piece in parts(f"key {key}!", dice)]
    refused = [{"type": "refusal", "refusal": piece} for piece in parts(f"no {key}!", dice)]
    cut = "x" * (300 - dice.randrange(8, len(key))) + key
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in parts(f"key {key}!", dice)
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE})
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    nested = {"error": {"message": "Provider error", "metadata": {"raw": json.dumps({"error": key})}}}
    return {
        "content": (200, chat({"content": f"key {key}!"})),
        "parts": (200, chat({"content": pieces})),
        "stream": (200, stream),
        "refusal": (200, chat({"content": None, "refusal": f"no {key}"})),
        "refusal parts": (200, chat({"content": refused})),
        "reasoning": (200, chat({"content": "fine", "reasoning_content": key})),
        "thinking": (200, chat({"content": f"<think>{key}</think>fine"})),
        "model": (200, chat({"content": "fine"}, model=key)),
        "tier": (200, chat({"content": "fine"}, service_tier=key)),
        "finish": (200, chat({"content": "fine"}, finish_reason=key)),
        "error in success": (200, {"error": {"message": f"bad {key}", "code": key}}),
        "message": (400, {"error": {"message": f"bad {key}", "type": key, "code": key}}),
        "cut": (400, {"error": {"message": cut}}),
        "list": (422, {"detail": [{"msg": piece} for piece in parts(key, dice)]}),
        "list around": (400, [{"error": {"code": 400, "message": key}}]),
        "nested": (400, nested),
        "page": (400, f"<html>{key}</html>"),
    }


def written(body: object, key: str, way: str, dice: random.Random) -> bytes:
    """The body in an encoding that hides the key from whoever looks for its bytes."""
    text = body if isinstance(body, str) else json.dumps(body)
    if way == "escaped":
        hidden = "".join(f"\\u{ord(c):04x}" if dice.random() < 0.3 else c for c in key)
        return text.replace(key, hidden).encode()
    other = {
        "base64": base64.b64encode(f"a {key}".encode()).decode(),
        "percent": quote(key, safe="").replace("-", "%2D"),
    }
    other |= {"hexadecimal": key.encode().hex(), "backwards": key[::-1]}
    codec = way if way.startswith("utf") else "utf-8"
    return text.replace(key, other.get(way, key)).encode(codec)


WAYS = (
    "plain", "plain", "plain", "escaped", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "base64",
    "percent", "hexadecimal", "backwards",
)  # fmt: skip


class Placing(BaseHTTPRequestHandler):
    """Answers row n with a placing that the seed and n decide, also with keys that others sent it."""

    protocol_version = "HTTP/1.1"
    seed = 0
    asked = 0

    def do_POST(self) -> None:
        Placing.asked += 1
        body = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        dice = random.Random(f"{self.seed} {body['messages'][-1]['content']}")
        sent = self.headers["authorization"].removeprefix("Bearer ")
        key = dice.choice([sent, sent, *KEYS.values()]) if "x-api-key" in self.headers else sent
        placings = shapes(key, dice)
        good = body["messages"][-1]["content"] < "00010"  # else the run would stop at its first rows
        status, said = placings["parts"] if good else dice.choice(list(placings.values()))
        content_type = dice.choice(["application/json", f"text/x-{key}", f"application/json; charset={key}"])
        way = "plain" if good else dice.choice(WAYS)
        self.answer(status, written(said, key, way, dice), content_type, key)

    def do_GET(self) -> None:
        models = {"data": [{"id": f"{key[:9]}\\u{ord(key[9]):04x}{key[10:]}"} for key in KEYS.values()]}
        self.answer(200, json.dumps(models).replace("\\\\u", "\\u").encode(), "application/json", "")

    def answer(self, status: int, body: bytes, content_type: str, key: str) -> None:
        self.send_response(status)
        for name, words in {"Content-Type": content_type, "X-Request-Id": key, "Retry-After": key}.items():
            self.send_header(name, words)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Placing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def found(folder: Path, *streams: str) -> list[str]:
    """Where one of the keys stands."""
    texts = {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    texts |= {f"stream {i}": stream.encode() for i, stream in enumerate(streams)}
    where = []
    for key in KEYS.values():
        wide = {key.encode(codec) for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")}
        for name, text in texts.items():
            where += [f"{name}: {form!r}" for form in disguises(key) | wide if form in text]
    return where


@pytest.mark.parametrize("seed", range(4))
def test_any_placing_of_any_key_in_any_reply_stands_nowhere(
    seed: int, project: Project, address: str
) -> None:
    Placing.seed = seed
    fast = {"retries": 0, "maybe_billed_retries": 0, "concurrency": 8, "outage": 5}
    places = [{"base_url": address, "api_key_env": "KEY_A"}, {"base_url": address, "api_key_env": "KEY_B"}]
    model = {"model": "m", "endpoints": places, "limits": fast}
    model["options"] = {"headers": {"X-Api-Key": {"env": "HEADER_KEY"}, "X-Team": "writers"}}
    project.job(
        records=Project.numbered(ROWS),
        models={"writer": model},
        steps=[{"name": "post", "prompt": "{{ sku }}", "repairs": 0}],
        output={
            "to": ["output/shop/posts.csv", "output/shop/posts.jsonl"],
            "include": ["status", "reason", "model"],
        },
        max_failed=1,
    )
    done = project.run("run", "job.yaml", "--json", **KEYS)
    assert done.returncode in (3, 75), done.stderr
    asked, Placing.asked = Placing.asked, 0
    assert asked > 5
    commands = (("show", "job.yaml", "--rows", "99"), ("status", "job.yaml"), ("export", "job.yaml"))
    streams = [project.run(*command) for command in commands]  # without the keys
    looked = project.run("doctor", "job.yaml", **KEYS)
    assert "***" in looked.stdout
    said = [text for one in (done, looked, *streams) for text in (one.stdout, one.stderr)]
    assert found(project.folder / "output", *said) == []


def test_an_answer_without_the_key_is_kept_and_read_again_as_it_was(project: Project, address: str) -> None:
    model = {"model": "m", "base_url": address, "api_key_env": "KEY_A", "price": {"input": 1, "output": 2}}
    project.job(
        records=Project.numbered(3),
        models={"writer": model},
        steps=[{"name": "post", "prompt": "{{ sku }}"}, {"name": "more", "prompt": "000000 {{ post }}"}],
    )
    done = project.run("run", "job.yaml", "--json", **KEYS)
    assert done.returncode == 0, done.stderr
    first = (project.folder / "output/shop/posts.csv").read_bytes()
    assert b"key ***!" in first
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        kept = journal.execute("SELECT api, cost, input, output FROM attempts").fetchall()
    assert set(kept) == {("kept", 7_000, 3, 2)}
    asked = Placing.asked
    again = project.run("run", "job.yaml", **KEYS)
    assert again.returncode == 0 and Placing.asked == asked, again.stderr
    assert project.run("export", "job.yaml").returncode == 0  # without the keys
    assert (project.folder / "output/shop/posts.csv").read_bytes() == first
    assert project.run("journal", "verify", "job.yaml").returncode == 0


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_a_reply_that_is_not_utf_8_is_not_read(codec: str) -> None:
    body = json.dumps(chat({"content": "fine"}))
    with pytest.raises(Fault, match="the reply is not JSON"):
        read(body.encode(codec))
    assert read(body.encode("utf-8-sig")).text == "fine"


KEY = KEYS["KEY_A"]
ERRORS = {
    "code and message": json.dumps({"error": {"code": KEY[:17], "message": KEY[17:]}}),
    "message and code": json.dumps({"error": {"code": KEY[17:], "message": KEY[:17]}}),
    "details": json.dumps({"error": {"message": KEY[:17], "details": [{"message": KEY[17:]}]}}),
    "comment": f"<p>x{KEY[:17]}<!-- c -->{KEY[17:]}y",
    "tags": f"<b>{KEY[:17]}</b><i>{KEY[17:]}</i>",
    **{repr(c): json.dumps({"error": {"message": f"bad {KEY[:20]}{c}{KEY[20:]}!"}})
       for c in ("\n", "\u200b", "\ud800", "</s>")},
}  # fmt: skip


@pytest.mark.parametrize("placing", ERRORS)
def test_no_piece_of_a_key_in_an_error_is_shown(project: Project, placing: str) -> None:
    rule = Rule(fault="body", every=1, status=400, body=ERRORS[placing])
    with serve(Script(faults=(rule,))) as server:
        models = served(server.base_url, api_key_env="KEY_A")
        project.job(models=models, records=Project.numbered(3), max_failed=1)
        run = project.run("run", "job.yaml", **KEYS)
    shown = project.run("show", "job.yaml", "--failed")
    tables = [file.read_text("utf-8") for file in (project.folder / "output").rglob("*.csv")]
    said = " ".join([run.stdout, run.stderr, shown.stdout, shown.stderr, *tables])
    assert "400" in said and "***" in said
    assert not [KEY[i : i + 8] for i in range(len(KEY) - 7) if KEY[i : i + 8] in said], said


def json_escaped(text: str, place: int) -> str:
    return f"{text[:place]}\\u{ord(text[place]):04x}{text[place + 1 :]}"


ANSWERS = {
    "halves": json.dumps({"x": KEY[:20], "y": KEY[20:]}),
    "halves in the other order": json.dumps({"y": KEY[20:], "x": KEY[:20]}),
    **{f"{name}, escaped at {place}": f'{{"x": "{json_escaped(form, place)}", "y": ""}}'
       for place in (0, 9, 20)
       for name, form in (("plain", KEY), ("reversed", KEY[::-1]), ("hex", KEY.encode().hex()),
                          ("base64", base64.b64encode(KEY.encode()).decode()))},
}  # fmt: skip


@pytest.mark.parametrize("placing", ANSWERS)
def test_a_key_in_the_json_of_an_answer_comes_into_no_file_and_no_prompt(
    project: Project, placing: str
) -> None:
    body = json.dumps(chat({"content": ANSWERS[placing]}))
    with serve(
        Script(faults=(Rule(fault="body", every=1, match="first", billed=True, body=body),))
    ) as server:
        project.job(
            models=served(server.base_url, api_key_env="KEY_A"),
            records=Project.numbered(2),
            steps=[
                {
                    "name": "a",
                    "prompt": "first {{ sku }}",
                    "answer": {"json": {"x": "string", "y": "string"}},
                },
                {"name": "b", "prompt": "then {{ sku }} {{ a.x }}{{ a.y }}"},
            ],
            output={
                "to": ["output/shop/posts.csv", "output/shop/posts.jsonl"],
                "files": {"to": "output/files", "name": ["sku"], "text": "{{ a.x }}{{ a.y }}"},
            },
        )
        run = project.run("run", "job.yaml", **KEYS)
        assert run.returncode == 0, run.stderr
        asked = server.ledger().billed
        files = sorted((project.folder / "output").rglob("*.*sv")) + sorted(
            project.folder.glob("output/files/*")
        )
        first = [file.read_bytes() for file in files]
        assert len(files) == 3 and all(b"***" in text for text in first)
        assert project.run("export", "job.yaml").returncode == 0  # without the key
        assert [file.read_bytes() for file in files] == first
        assert project.run("run", "job.yaml", **KEYS).returncode == 0
        assert server.ledger().billed == asked
    assert found(project.folder / "output", run.stdout, run.stderr) == []
