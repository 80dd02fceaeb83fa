"""Lists of models as servers write them, and whether a name is in them."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from pipeline.core.health import Check
from pipeline.providers.http.models import advice, is_listed, names_in
from pipeline.providers.http.probe import _Heard, _of_model, _of_status

LISTS = {
    "OpenAI": {"object": "list", "data": [{"id": "gpt-5-mini", "object": "model", "owned_by": "openai"}]},
    "Gemini": {"object": "list", "data": [{"id": "models/gemini-2.5-flash", "owned_by": "google"}]},
    "Gemini's own": {"models": [{"name": "models/gemini-2.5-flash", "version": "001"}]},
    "Ollama": {"object": "list", "data": [{"id": "llama3.2:latest", "owned_by": "library"}]},
    "Ollama's own": {"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest"}]},
    "llama.cpp": {
        "models": [{"name": "/models/a.gguf", "model": "/models/a.gguf"}],
        "object": "list",
        "data": [{"id": "/models/a.gguf", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx": 4}}],
    },
    "LiteLLM": {"data": [{"id": "good", "owned_by": "openai"}, {"id": "openai/*", "owned_by": "openai"}]},
    "OpenRouter": {"data": [{"id": "openai/gpt-5", "name": "OpenAI: GPT-5"}]},
    "Together": [{"id": "meta/llama", "type": "chat"}],
    "names alone": {"models": ["alpha", "beta"]},
    "odd entries": {"data": [None, 7, {}, {"id": None}, {"id": ["x"]}, {"id": "alpha"}]},
}
THERE = [
    ("OpenAI", "gpt-5-mini"), ("Gemini", "gemini-2.5-flash"), ("Gemini", "models/gemini-2.5-flash"),
    ("Gemini's own", "gemini-2.5-flash"), ("Ollama", "llama3.2"), ("Ollama", "llama3.2:latest"),
    ("Ollama's own", "llama3.2"), ("llama.cpp", "any"), ("LiteLLM", "good"), ("LiteLLM", "openai/gpt-9"),
    ("OpenRouter", "openai/gpt-5:nitro"), ("Together", "meta/llama"), ("names alone", "beta"),
    ("odd entries", "alpha"),
]  # fmt: skip
NOT_THERE = [
    ("OpenAI", "gpt-5"), ("Gemini", "gemini"), ("Ollama", "llama3.2:70b"), ("LiteLLM", "openai"),
    ("OpenRouter", "gpt-5"), ("Together", "llama"), ("names alone", "bet"), ("odd entries", "x"),
]  # fmt: skip
NO_LISTS = (b"", b"[", b"{}", b"7", b"null", b'{"data": 7}', b'{"data": {"id": "a"}}', b"[" * 9000, b"\xff{}")


def state(server: str, model: str) -> str:
    return _of_model("host", _Heard(200, "", json.dumps(LISTS[server]).encode(), 0), model).state


@pytest.mark.parametrize(("server", "model"), THERE)
def test_a_name_that_the_server_takes_is_in_its_list(server: str, model: str) -> None:
    assert is_listed(model, names_in(json.dumps(LISTS[server]).encode()))
    assert state(server, model) == "ok"


@pytest.mark.parametrize(("server", "model"), NOT_THERE)
def test_any_other_name_is_not(server: str, model: str) -> None:
    body = json.dumps(LISTS[server]).encode()
    assert not is_listed(model, names_in(body))
    assert state(server, model) == "warn"
    assert "the server lists: " in advice(URL("http://h/v1/chat/completions"), "chat", model, body, True)


@pytest.mark.parametrize("body", NO_LISTS, ids=lambda body: repr(body[:9]))
def test_what_is_no_list_has_no_names(body: bytes) -> None:
    assert names_in(body) == []


def test_azure_lists_models_and_is_asked_for_deployments() -> None:
    host, body = "me.openai.azure.com", json.dumps(LISTS["OpenAI"]).encode()
    check = _of_model(host, _Heard(200, "", body, 0), "my-deployment")
    assert check.state == "ok" and "is one named my-deployment?" in check.said
    url = URL(f"https://{host}/openai/v1/chat/completions")
    said = advice(url, "chat", "my-deployment", body, True)
    assert "deployment" in said and "gpt-5-mini" not in said


STATUSES: list[tuple[int, object, str, str]] = [
    (200, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, "bad", "key is refused"),
    (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "bad", "key is refused"),
    (200, {"error": {"message": "boom", "code": 500}}, "warn", "boom"),
    (200, "<!DOCTYPE html><title>Open WebUI</title>", "warn", "a page for people"),
    (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                      "status": "INVALID_ARGUMENT"}}], "bad", "key is refused"),
    (403, {"error": {"message": "no access to this route"}}, "warn", "may not list models"),
    (429, {"error": {"message": "no money", "code": "insufficient_quota"}}, "warn", "out of quota"),
    (429, {"error": {"message": "slow down"}}, "warn", "come back later"),
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
     "warn", "Loading model"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "state", "words"), STATUSES)
def test_the_doctor_reads_an_error_as_a_run_does(status: int, body: object, state: str, words: str) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    check: Check = _of_status("host", "/v1", _Heard(status, "", raw, 0))
    assert check.state == state and words in f"{check.said} {check.hint}"


@pytest.mark.parametrize(
    ("names", "state"), [(["smollm2"], "ok"), (["a", "b"], "warn"), (["any", "b"], "ok")]
)
def test_any_stands_for_the_one_model_of_a_server(names: list[str], state: str) -> None:
    heard = _Heard(200, "", json.dumps({"data": [{"id": name} for name in names]}).encode(), 0.0)
    assert _of_model("here", heard, "any").state == state
