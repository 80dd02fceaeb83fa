"""What headers say of limits, and errors that come with a success: whatever is sent, nothing breaks."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Billed, Fate, Fault, ServerLimits
from pipeline.wire.apis import chat
from pipeline.wire.faults import error_reply, fault_of
from pipeline.wire.headers import advertised_limits, advertised_wait

LIMIT, LEFT, RESET = (f"x-ratelimit-{word}-requests" for word in ("limit", "remaining", "reset"))
TOKENS = "x-ratelimit-limit-tokens"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, None),
        ({"x-request-id": "1"}, None),
        ({LIMIT: "500"}, ServerLimits(rpm=500)),
        ({LIMIT: " 500 "}, ServerLimits(rpm=500)),
        ({TOKENS: "30000"}, ServerLimits(tpm=30_000)),
        ({LIMIT: "500", TOKENS: "30000", LEFT: "499", RESET: "120ms"}, ServerLimits(rpm=500, tpm=30_000)),
        ({LIMIT: "500", LEFT: "0", RESET: "1m0s"}, ServerLimits(rpm=500)),
        ({LIMIT: "200", LEFT: "199", RESET: "7m12s", TOKENS: "9"}, ServerLimits(tpm=9, rpd=200)),
        ({LIMIT: "14400", LEFT: "14399", RESET: "6s"}, ServerLimits(rpd=14_400)),
        ({LIMIT: "14400", LEFT: "14390", RESET: "1m0s"}, ServerLimits(rpd=14_400)),
        ({LIMIT: "60", LEFT: "59", RESET: "1s"}, ServerLimits(rpm=60)),
        ({LIMIT: "60", LEFT: "60", RESET: "0s"}, ServerLimits(rpm=60)),
        ({LIMIT: "60", LEFT: "70", RESET: "1s"}, ServerLimits(rpm=60)),
        ({LIMIT: "0"}, None),
        ({LIMIT: "-5", TOKENS: "many"}, None),
        ({LIMIT: "٣"}, None),
        ({LIMIT: "9" * 5000, TOKENS: "9" * 400}, None),
        ({LIMIT: "60", LEFT: "9" * 5000, RESET: "1s"}, ServerLimits(rpm=60)),
    ],
)
def test_headers_tell_limits(headers: dict[str, str], told: ServerLimits | None) -> None:
    found = advertised_limits(headers)
    assert (found and replace(found, left=None)) == told


def test_headers_tell_what_may_be_sent_at_once() -> None:
    found = advertised_limits({LIMIT: "1200", LEFT: "19"})
    assert found == ServerLimits(rpm=1200, left=19)


TEXTS = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"\A[0-9]{1,40}(ms|s|m|h)?([0-9]{1,20}s)?\Z"),
    st.sampled_from(["0", "-1", "nan", "inf", "1e308", "1e-308", "6m0s", "20ms", "9" * 5000, "²", "1_0"]),
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys((LIMIT, LEFT, RESET, TOKENS, "retry-after", "retry-after-ms"), TEXTS),
    )
)
def test_whatever_headers_say_breaks_nothing(headers: dict[str, str]) -> None:
    told = advertised_limits(headers)
    for limit in (told.rpm, told.tpm, told.rpd) if told else ():
        assert limit is None or 0 < limit < 10**15
    wait = advertised_wait(headers)
    assert wait is None or 0 < wait <= 86_400
    assert fault_of(429, headers, b"").advertised == told


def test_a_refusal_tells_limits_too() -> None:
    fault = fault_of(429, {LIMIT: "60", LEFT: "0", RESET: "1s"}, b"")
    assert (fault.advertised, fault.wait) == (ServerLimits(rpm=60), 1.0)


@pytest.mark.parametrize(
    ("error", "kind", "fate", "billed"),
    [
        ({"code": 429, "message": "slow"}, "rate_limited", Fate.RETRY, Billed.NO),
        ({"code": "429", "message": "slow"}, "rate_limited", Fate.RETRY, Billed.NO),
        ({"code": 0, "status": 503}, "server_error", Fate.RETRY, Billed.MAYBE),
        ({"code": "rate_limit_exceeded"}, "rate_limited", Fate.RETRY, Billed.NO),
        ({"type": "too_many_requests"}, "rate_limited", Fate.RETRY, Billed.NO),
        ({"code": "insufficient_quota"}, "out_of_quota", Fate.STOP, Billed.NO),
        ({"code": "credit_balance_exhausted"}, "out_of_quota", Fate.STOP, Billed.NO),
        ({"code": "organization_spend_limit_exceeded"}, "out_of_quota", Fate.STOP, Billed.NO),
        ({"code": "project_spend_limit_exceeded"}, "out_of_quota", Fate.STOP, Billed.NO),
        ({"code": "organization_usage_limit_exceeded"}, "out_of_quota", Fate.STOP, Billed.NO),
        ({"code": 402}, "out_of_quota", Fate.STOP, Billed.NO),
        ({"code": 401, "message": "key"}, "unauthorized", Fate.STOP, Billed.NO),
        ({"code": 400, "type": "context_length_exceeded"}, "context_length", Fate.FAIL, Billed.NO),
        ({"code": 502, "message": "upstream"}, "server_error", Fate.RETRY, Billed.MAYBE),
        ({"code": 500, "status": 429}, "server_error", Fate.RETRY, Billed.MAYBE),
    ],
)
def test_an_error_in_a_success_is_classed_by_its_code(
    error: dict[str, object], kind: str, fate: Fate, billed: Billed
) -> None:
    body = orjson.dumps({"error": error})
    fault = error_reply(body)
    assert fault is not None
    assert (fault.kind, fault.fate, fault.billed) == (kind, fate, billed)
    with pytest.raises(Fault) as raised:
        chat.read(body)
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    "error",
    [
        {"code": "server_error"},
        {"code": 200},
        {"code": True},
        {"code": 99999},
        {"code": "4299"},
        {"code": None, "message": "oops"},
        "just words",
        ["a", "list"],
        17,
    ],
)
def test_an_error_without_a_known_code_is_an_unreadable_reply_that_may_be_billed(error: object) -> None:
    body = orjson.dumps({"error": error})
    assert error_reply(body) is None
    with pytest.raises(Fault) as raised:
        chat.read(body)
    assert (raised.value.kind, raised.value.fate, raised.value.billed) == (
        "unreadable",
        Fate.RETRY,
        Billed.MAYBE,
    )


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"3", b'"error"', b"\xff", b"[" * 5000, b'{"error":null}']
)
def test_what_is_no_error_body_is_none(body: bytes) -> None:
    assert error_reply(body) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("code", "status", "type", "message"), JSON)))
def test_any_error_body_makes_a_fault_or_none(error: dict[str, object]) -> None:
    try:
        body = orjson.dumps({"error": error})
    except TypeError:  # lone surrogates
        return
    fault = error_reply(body)
    assert fault is None or fault.kind
    if error:
        with pytest.raises(Fault):
            chat.read(body)


def test_a_key_that_is_echoed_in_an_error_is_not_kept() -> None:
    fault = error_reply(
        orjson.dumps({"error": {"code": 401, "message": "Incorrect API key: sk-canary123456"}})
    )
    assert fault is not None
    assert fault.body == b""
    assert "canary" not in str(fault)
