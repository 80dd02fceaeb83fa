"""Refusals as other servers word them, and what a run and the doctor say of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import orjson
import pytest

from tests.support.project import KEY, Project
from tests.support.served import served

Said: TypeAlias = tuple[int, object]
"""a status, and a body: bytes, or what is sent as JSON"""
NO_PAGE: Said = (404, b"404 page not found")


@dataclass
class Server:
    """What a server was asked: its address, the paths with GET, the times of the POSTs."""

    url: str = ""
    got: list[str] = field(default_factory=list)
    posted: list[float] = field(default_factory=list)


def fine() -> Said:
    choice = {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
    return 200, {"id": "1", "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


@contextmanager
def answering(answer: Callable[[Server, str, str], Said], models: Said) -> Iterator[Server]:
    """A server whose POSTs are answered by `answer` (its path, its prompt), and whose list is `models`."""
    seen = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.got.append(self.path)
            self.send(models if self.path == "/v1/models" else NO_PAGE)

        def do_POST(self) -> None:
            seen.posted.append(time.monotonic())
            asked: dict[str, Any] = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = asked["messages"][-1]["content"] if "messages" in asked else str(asked["input"])
            self.send(answer(seen, self.path, prompt))

        def send(self, said: Said) -> None:
            status, body = said
            raw = body if isinstance(body, bytes) else orjson.dumps(body)
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def listed(*names: str) -> Said:
    return 200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


def error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None} | more}


WRONG_MODELS: list[tuple[str, Said]] = [
    ("LiteLLM", (400, error("/chat/completions: Invalid model name passed in model=godo.", code="400"))),
    ("OpenRouter", (400, error("godo is not a valid model ID", code=400))),
    ("DeepSeek", (400, error("Model Not Exist", code="invalid_request_error"))),
    ("DashScope", (400, {"code": "InvalidParameter", "message": "Model not exist.", "request_id": "1"})),
    ("Mistral", (400, {"object": "error", "message": "Invalid model: godo", "type": "invalid_model"})),
    ("vLLM", (404, {"object": "error", "message": "The model `godo` does not exist.", "code": 404})),
    ("Ollama", (404, {"error": {"message": 'model "godo" not found, try pulling it first'}})),
]


@pytest.mark.parametrize(("name", "said"), WRONG_MODELS, ids=[name for name, _ in WRONG_MODELS])
def test_a_wrong_model_ends_the_run_with_the_names_that_there_are(
    name: str, said: Said, project: Project
) -> None:
    with answering(lambda *_: said, listed("large", "other", "good")) as server:
        project.job(records=Project.numbered(50), models=served(server.url, model="godo"))
        done = project.run("run", "job.yaml")
    assert done.returncode == 75, done.stderr
    assert "not_found" in done.stderr and "the server lists: good, large, other" in done.stderr
    assert server.got == ["/props", "/v1/models"], "the list is asked for once"
    assert len(server.posted) <= 40


@pytest.mark.parametrize("models", [listed("godo"), NO_PAGE], ids=["listed", "no list"])
def test_a_dialect_that_is_not_there_is_named(models: Said, project: Project) -> None:
    with answering(lambda *_: NO_PAGE, models) as server:
        project.job(models=served(server.url, model="godo", api="responses"))
        done = project.run("run", "job.yaml")
    assert done.returncode == 75, done.stderr
    assert "this server may not speak `responses`: set api: chat" in done.stderr


def test_an_address_without_its_end_is_called_that(project: Project) -> None:
    def only_there(seen: Server, path: str, prompt: str) -> Said:
        return fine() if path.startswith("/v1/") else NO_PAGE

    with answering(only_there, listed("m")) as server:
        project.job(models=served(server.url.removesuffix("/v1")))
        done = project.run("run", "job.yaml")
    assert done.returncode == 75, done.stderr
    assert "it lists no models at this address either: base_url usually ends in /v1" in done.stderr


@pytest.mark.parametrize(
    "said",
    [
        (
            400,
            [error("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT")],
        ),
        (400, error("No connected db.", type="no_db_connection", code="400")),
        (400, {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "1"}),
    ],
)
def test_a_wrong_key_with_another_status_is_called_a_wrong_key(said: Said, project: Project) -> None:
    with answering(lambda *_: said, said) as server:
        project.job(records=Project.numbered(50), models=served(server.url))
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "the server refused the key (400" in done.stderr, done.stderr
        assert "api_key_env" in done.stderr
        looked = project.run("doctor", "job.yaml")
        assert looked.returncode == 4 and "the key is refused (400)" in looked.stdout


TOO_LONG = [
    {"object": "error", "message": "This model's maximum context length is 100 tokens.", "code": 400},
    [error("The input token count (300) exceeds the maximum number of tokens allowed (100).", code=400)],
    {"message": "Prompt contains 300 tokens and 0 draft tokens, too large for model with 100 maximum"},
    error("request (300 tokens) exceeds the available context size (100 tokens), try increasing it"),
    error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 100]"),
    {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 100. Given: 300"},
]


@pytest.mark.parametrize("body", TOO_LONG, ids=range(len(TOO_LONG)))
def test_long_rows_at_the_head_of_a_table_fail_alone(body: object, project: Project) -> None:
    def answer(seen: Server, path: str, prompt: str) -> Said:
        return (400, body) if len(prompt) > 100 else fine()

    rows = "".join(f"{i},{'long ' * 40 if i < 8 else 'short'} {i}\n" for i in range(40))
    with answering(answer, NO_PAGE) as server:
        project.job(records="sku,title\n" + rows, models=served(server.url, limits={"concurrency": 4}))
        done = project.run("run", "job.yaml")
    assert done.returncode == 3, done.stderr
    assert project.result()["_status"].to_list() == ["failed"] * 8 + ["ok"] * 32
    assert len(server.posted) == 40
    assert project.result("failures.csv")["kind"].to_list() == ["context_length"] * 8


@pytest.mark.parametrize(
    "body",
    [
        error("Rate limit reached. Please try again in 1.2s.", code="rate_limit_exceeded"),
        [error("Slow.", code=429, details=[{"@type": "type/RetryInfo", "retryDelay": "1.2s"}])],
        {"detail": "Too many requests, wait 1.2 seconds"},
    ],
)
def test_a_wait_inside_a_body_is_kept(body: object, project: Project) -> None:
    def answer(seen: Server, path: str, prompt: str) -> Said:
        return (429, body) if len(seen.posted) == 1 else fine()

    with answering(answer, NO_PAGE) as server:
        project.job(records=Project.numbered(1), models=served(server.url))
        assert project.run("run", "job.yaml").returncode == 0
    first, second = server.posted
    assert 1.2 <= second - first < 5


def test_the_first_words_of_a_page_stand_in_the_table_of_failures(project: Project) -> None:
    page = b"<html><head><title>Request rejected by the gateway</title></head><body>No.</body></html>"

    def answer(seen: Server, path: str, prompt: str) -> Said:
        return (400, page) if "thing 3" in prompt else fine()

    with answering(answer, NO_PAGE) as server:
        project.job(records=Project.numbered(9), models=served(server.url))
        assert project.run("run", "job.yaml").returncode == 3
    (message,) = project.result("failures.csv")["message"].to_list()
    assert message == "400: Request rejected by the gateway"


@pytest.mark.parametrize("path", ["", "/openai", "/openai/deployments/gpt", "/v1"])
def test_an_old_address_of_azure_is_refused_with_the_new_one(path: str, project: Project) -> None:
    project.job(models=served(f"https://mine.openai.azure.com{path}"))
    for command in ("check", "run", "doctor"):
        done = project.run(command, "job.yaml")
        assert done.returncode == 2, done.stderr
        assert "https://RESOURCE.openai.azure.com/openai/v1" in done.stderr + done.stdout
    project.job(models=served("https://mine.openai.azure.com/openai/v1"))
    assert project.run("check", "job.yaml").returncode == 0


@pytest.mark.parametrize(
    ("preset", "model", "entry"),
    [
        ("ollama", "llama3.2", {"id": "llama3.2:latest"}),
        ("llama-cpp", "any", {"id": "/models/a.gguf", "owned_by": "llamacpp"}),
        ("litellm", "openai/gpt-9", {"id": "openai/*"}),
        ("vllm", "Qwen/Qwen3-8B", {"id": "Qwen/Qwen3-8B"}),
    ],
)
def test_the_doctor_finds_a_presets_model_under_the_name_that_it_lists(
    preset: str, model: str, entry: dict[str, str], project: Project
) -> None:
    with answering(lambda *_: fine(), (200, {"object": "list", "data": [entry]})) as server:
        own = {"preset": preset, "base_url": server.url, "api_key_env": "TEST_KEY", "model": model}
        project.job(models={"writer": own})
        done = project.run("doctor", "job.yaml", "--json", HTTP_PROXY="http://proxy.example:3128")
    found = {check["name"]: check for check in orjson.loads(done.stdout)["checks"]}
    assert found["model"]["state"] == found["endpoint"]["state"] == "ok", found
    assert found["model"]["said"].endswith(f"knows {model}")
    assert found["proxy"]["said"] == "HTTP_PROXY is set and not used"


@pytest.mark.parametrize(("status", "state"), [(400, "warn"), (405, "ok"), (418, "warn"), (500, "warn")])
def test_the_doctor_shows_the_words_of_a_server_that_refuses(
    status: int, state: str, project: Project
) -> None:
    said = error(f"The teapot is out of order, and so is {KEY}.")
    with answering(lambda *_: fine(), (status, said)) as server:
        project.job(models=served(server.url))
        (check,) = (
            one for one in project.numbers("doctor", "job.yaml")["checks"] if one["name"] == "endpoint"
        )
    assert check["state"] == state and str(status) in check["said"]
    assert ("The teapot is out of order" in check["said"]) == (state == "warn")
    assert KEY not in str(check)
