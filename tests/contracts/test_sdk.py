"""A request is sent below OpenAI's SDK, and is what the SDK itself would have sent."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest

from pipeline.core.secret import Secret
from pipeline.providers.http.client import OFFICIAL_HOST, PATHS, head
from pipeline.wire.faults import fault_of

KEY = "sk-" + "k" * 20
OFFICIAL = f"https://{OFFICIAL_HOST}/v1"
ASKS: dict[str, Any] = {
    "chat": lambda sdk: sdk.chat.completions.create(model="m", messages=[]),
    "responses": lambda sdk: sdk.responses.create(model="m", input="a"),
    "completions": lambda sdk: sdk.completions.create(model="m", prompt="a"),
    "decisions": lambda sdk: sdk.decisions.create(model="m", input="a", questions=[]),
    "moderations": lambda sdk: sdk.moderations.create(model="m", input="a"),
}
THE_TRANSPORTS_OWN = {"host", "connection", "content-length", "accept-encoding"}
KINDS = {
    openai.BadRequestError: "bad_request",
    openai.AuthenticationError: "unauthorized",
    openai.PermissionDeniedError: "forbidden",
    openai.NotFoundError: "not_found",
    openai.ConflictError: "conflict",
    openai.UnprocessableEntityError: "bad_request",
    openai.RateLimitError: "rate_limited",
    openai.InternalServerError: "server_error",
}


async def sent_by_the_sdk(api: str, base_url: str) -> httpx2.Request:
    """What the SDK sends for a question in a dialect."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={})

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    async with openai.AsyncOpenAI(api_key=KEY, base_url=base_url, http_client=http) as sdk:
        await ASKS[api](sdk)
    return seen[0]


@pytest.mark.parametrize("api", PATHS)
async def test_a_request_has_the_address_and_the_head_that_the_sdk_gives_it(
    api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    request = await sent_by_the_sdk(api, OFFICIAL)
    assert str(request.url) == OFFICIAL + PATHS[api]
    about_this_machine = {name for name in request.headers if name.startswith("x-stainless-")}
    theirs = {
        name: words
        for name, words in request.headers.items()
        if name not in THE_TRANSPORTS_OWN | about_this_machine
    }
    ours = {name.lower(): words for name, words in head(OFFICIAL, Secret(KEY)).items()}
    assert ours.pop("accept-encoding") == "identity"
    assert ours == theirs


def test_a_status_means_what_it_means_to_the_sdk() -> None:
    sdk = openai.AsyncOpenAI(api_key=KEY)
    for status in (400, 401, 403, 404, 409, 422, 429, 500, 501, 502, 503, 504, 529):
        response = httpx2.Response(status, request=httpx2.Request("POST", OFFICIAL))
        error = sdk._make_status_error("", body=None, response=response)
        assert fault_of(status, {}, b"").kind == KINDS[type(error)], status
