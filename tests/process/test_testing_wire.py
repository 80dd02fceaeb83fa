"""Every fault of the fake model as a plain client sees it, and as the providers report it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import orjson
import pytest

from pipeline.core.domain import Call, Fault, Request
from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from pipeline.providers.scripted import caller
from pipeline.testing import Ledger, Line, Rule, Script, Server, serve
from pipeline.testing.script import FaultName
from pipeline.testing.service import Service
from tests.support import ROOT
from tests.support.scripted_client import Raw, chat, post

LONE = '{"choices":[{"message":{"content":"\\ud83d"}}]}'
RULES: dict[str, dict[str, Any]] = {
    "rate limit": {"fault": "rate_limit"},
    "rate limit with seconds": {"fault": "rate_limit", "retry_after": 2},
    "rate limit with milliseconds": {"fault": "rate_limit", "retry_after_ms": 350},
    "rate limit with a date": {"fault": "rate_limit", "retry_after_date": 30},
    "rate limit with nonsense": {"fault": "rate_limit", "headers": {"retry-after": "soon"}},
    "insufficient quota": {"fault": "insufficient_quota"},
    "quota in words": {"fault": "rate_limit", "code": "", "message": "INSUFFICIENT QUOTA"},
    "server error": {"fault": "server_error"},
    "overloaded": {"fault": "server_error", "status": 529},
    "bad request": {"fault": "bad_request"},
    "context length": {"fault": "bad_request", "code": "context_length_exceeded"},
    "content filter": {"fault": "bad_request", "code": "content_filter"},
    "too large": {"fault": "bad_request", "status": 413},
    "unauthorized": {"fault": "unauthorized"},
    "forbidden": {"fault": "forbidden"},
    "not found": {"fault": "not_found"},
    "hang": {"fault": "hang"},
    "disconnect": {"fault": "disconnect"},
    "truncated": {"fault": "truncate_body"},
    "garbage": {"fault": "garbage"},
    "html": {"fault": "html"},
    "empty body": {"fault": "empty_body"},
    "refusal": {"fault": "refusal"},
    "length": {"fault": "length"},
    "filtered": {"fault": "filtered"},
    "empty": {"fault": "empty"},
    "no choices": {"fault": "no_choices"},
    "error with 200": {"fault": "error_body", "code": "overloaded"},
    "redirect": {"fault": "redirect", "headers": {"location": "http://127.0.0.1:1/"}},
    "big": {"fault": "huge", "bytes": 3_000_000},
    "huge": {"fault": "huge"},
    "drip": {"fault": "drip", "seconds": 0.2},
    "slow drip": {"fault": "drip", "seconds": 30},
    "wrong model": {"fault": "wrong_model"},
    "lone surrogate": {"fault": "body", "body": LONE},
    "same id": {"fault": "same_id"},
    "no content": {"fault": "no_content"},
    "mislabelled": {"fault": "mislabelled"},
    "bom": {"fault": "bom"},
    "trailing": {"fault": "trailing"},
}
SCRIPT = Script(faults=tuple(Rule(match=f"<{name}>", **rule) for name, rule in RULES.items()))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve(SCRIPT) as running:
        yield running


async def meet(server: Server, name: str) -> tuple[Raw, Line]:
    """What a request that meets a fault brought, and its line in the ledger."""
    before = server.ledger().requests
    raw = await post(server.base_url, chat(f"<{name}>"), timeout=0.5 if "hang" in name else 10)
    (line,) = server.ledger().lines[before:]
    return raw, line


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("rate limit", 429, "rate_limit_exceeded"),
        ("insufficient quota", 429, "insufficient_quota"),
        ("quota in words", 429, None),
        ("server error", 500, None),
        ("overloaded", 529, None),
        ("bad request", 400, "invalid_value"),
        ("context length", 400, "context_length_exceeded"),
        ("too large", 413, "invalid_value"),
        ("unauthorized", 401, "invalid_api_key"),
        ("forbidden", 403, "forbidden"),
        ("not found", 404, "model_not_found"),
    ],
)
async def test_a_refusal_has_its_status_and_code_and_is_not_billed(
    server: Server, name: str, status: int, code: str | None
) -> None:
    raw, line = await meet(server, name)
    assert (raw.status, raw.json["error"]["code"]) == (status, code)
    assert (line.billed, line.status, line.output, line.fault) == (False, status, 0, RULES[name]["fault"])


async def test_a_rate_limit_tells_the_wait_in_seconds_milliseconds_or_as_a_date(server: Server) -> None:
    seconds, _ = await meet(server, "rate limit with seconds")
    assert seconds.headers["retry-after"] == "2"
    milliseconds, _ = await meet(server, "rate limit with milliseconds")
    assert milliseconds.headers["retry-after-ms"] == "350"
    assert "retry-after" not in milliseconds.headers
    date, _ = await meet(server, "rate limit with a date")
    assert date.headers["retry-after"].endswith(" GMT")
    nonsense, _ = await meet(server, "rate limit with nonsense")
    assert nonsense.headers["retry-after"] == "soon"


@pytest.mark.parametrize(
    ("name", "error", "billed"),
    [
        ("hang", "Timeout", False),
        ("disconnect", "ServerDisconnected", False),
        ("truncated", "ClientPayload", True),
    ],
)
async def test_a_connection_that_breaks_gives_no_answer(
    server: Server, name: str, error: str, billed: bool
) -> None:
    raw, line = await meet(server, name)
    assert (raw.status, line.billed) == (0, billed)
    assert error in raw.body.decode()


async def test_bodies_that_are_no_answers_come_with_200(server: Server) -> None:
    garbage, _ = await meet(server, "garbage")
    assert garbage.status == 200
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(garbage.body)
    html, _ = await meet(server, "html")
    assert (html.status, html.headers["content-type"]) == (200, "text/html; charset=utf-8")
    empty, _ = await meet(server, "empty body")
    assert (empty.status, empty.body) == (200, b"")


async def test_an_error_may_come_with_200_and_any_body_can_be_scripted(server: Server) -> None:
    error, line = await meet(server, "error with 200")
    assert (error.status, error.json["error"]["code"], line.billed) == (200, "overloaded", False)
    raw, line = await meet(server, "lone surrogate")
    assert (raw.status, raw.body.decode(), line.billed) == (200, LONE, True)


async def test_well_formed_answers_that_are_no_good_are_billed(server: Server) -> None:
    choices = {}
    for name in ("refusal", "length", "filtered", "empty"):
        raw, line = await meet(server, name)
        assert (raw.status, line.billed, line.output > 0) == (200, True, True)
        (choices[name],) = raw.json["choices"]
    assert choices["refusal"]["message"]["content"] is None
    assert choices["refusal"]["message"]["refusal"].startswith("I'm sorry")
    assert choices["length"]["finish_reason"] == "length"
    assert choices["filtered"]["finish_reason"] == "content_filter"
    assert choices["empty"]["message"]["content"] == ""
    assert (await meet(server, "no choices"))[0].json["choices"] == []
    assert (await meet(server, "wrong model"))[0].json["model"] == "another-than-m"


async def test_a_redirect_a_big_body_and_a_drip_are_seen_on_the_wire(server: Server) -> None:
    redirect, line = await meet(server, "redirect")
    assert (redirect.status, redirect.headers["location"]) == (307, "http://127.0.0.1:1/")
    assert line.billed is False
    big, _ = await meet(server, "big")
    assert (len(big.body), "content-length" in big.headers) == (3_000_000, False)
    assert big.json["choices"]
    began = time.perf_counter()
    drip, _ = await meet(server, "drip")
    assert drip.json["choices"]
    assert time.perf_counter() - began > 0.2


ENDLESS = {"hang", "slow drip"}


@asynccontextmanager
async def near(server: Server, timeout: float) -> AsyncIterator[Call]:
    yield caller(Service(SCRIPT, Ledger()), timeout=timeout)


@asynccontextmanager
async def far(server: Server, timeout: float) -> AsyncIterator[Call]:
    key = Secret("key")
    async with connect_to(server.base_url, key, concurrency=2, timeout=timeout) as call:
        yield call


async def outcome(call: Call, name: str) -> tuple[Any, ...]:
    try:
        reply = await call(Request("chat", "m", chat(f"<{name}>")))
    except Fault as fault:
        wait = None if fault.wait is None else round(fault.wait / 5, 0 if "date" in name else 3)
        return fault.kind, fault.fate, fault.billed, fault.status, wait, fault.body
    return ("reply", reply.api, reply.body)


@pytest.mark.parametrize("name", RULES)
async def test_the_provider_in_process_reports_what_the_http_provider_reports(
    server: Server, name: str
) -> None:
    timeout = 0.5 if name in ENDLESS else 20.0
    async with near(server, timeout) as one, far(server, timeout) as other:
        assert await outcome(one, name) == await outcome(other, name)


def test_the_manual_names_every_fault_there_is() -> None:
    page = (ROOT / "docs" / "scripted.md").read_text("utf-8")
    missing = [name for name in get_args(FaultName) if f"`{name}`" not in page]
    assert missing == []
