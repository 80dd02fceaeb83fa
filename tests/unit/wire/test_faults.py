"""Foreign errors -> faults: which are tried again, which stop the run, and how long to wait."""

from __future__ import annotations

import random
import time
from email.utils import formatdate
from math import isfinite
from string import ascii_letters, digits
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.wire.faults import dropped, error_of, fault_of, scrub, timed_out, unreachable
from pipeline.wire.headers import advertised_wait
from pipeline.wire.times import LONGEST, duration


def body(code: str | None = None, message: str = "why", **more: Any) -> bytes:
    return orjson.dumps({"error": {"message": message, "code": code, **more}})


def fault(status: int, code: str | None = None, **more: Any) -> Fault:
    return fault_of(status, {}, body(code, **more))


TABLE = [
    (401, None, "unauthorized", Fate.STOP, Billed.NO),
    (403, None, "forbidden", Fate.STOP, Billed.NO),
    (402, None, "out_of_quota", Fate.STOP, Billed.NO),
    (404, "model_not_found", "not_found", Fate.STOP, Billed.NO),
    (301, None, "redirected", Fate.STOP, Billed.NO),
    (302, None, "redirected", Fate.STOP, Billed.NO),
    (307, None, "redirected", Fate.STOP, Billed.NO),
    (308, None, "redirected", Fate.STOP, Billed.NO),
    (429, "insufficient_quota", "out_of_quota", Fate.STOP, Billed.NO),
    (429, "credit_balance_exhausted", "out_of_quota", Fate.STOP, Billed.NO),
    (429, "organization_spend_limit_exceeded", "out_of_quota", Fate.STOP, Billed.NO),
    (429, "project_spend_limit_exceeded", "out_of_quota", Fate.STOP, Billed.NO),
    (429, "organization_usage_limit_exceeded", "out_of_quota", Fate.STOP, Billed.NO),
    (429, None, "rate_limited", Fate.RETRY, Billed.NO),
    (429, "rate_limit_exceeded", "rate_limited", Fate.RETRY, Billed.NO),
    (429, "slow_down", "rate_limited", Fate.RETRY, Billed.NO),
    (429, "INSUFFICIENT_QUOTA", "rate_limited", Fate.RETRY, Billed.NO),
    (429, "insufficient_quota_today", "rate_limited", Fate.RETRY, Billed.NO),
    *[(status, None, "conflict", Fate.RETRY, Billed.NO) for status in (408, 425)],
    (409, None, "conflict", Fate.RETRY, Billed.MAYBE),
    *[
        (status, None, "server_error", Fate.RETRY, Billed.MAYBE)
        for status in (500, 502, 503, 504, 520, 529, 599)
    ],
    (503, "insufficient_quota", "server_error", Fate.RETRY, Billed.MAYBE),
    (400, None, "bad_request", Fate.FAIL, Billed.NO),
    (400, "context_length_exceeded", "context_length", Fate.FAIL, Billed.NO),
    (400, "string_above_max_length", "context_length", Fate.FAIL, Billed.NO),
    (400, "content_filter", "filtered", Fate.FAIL, Billed.NO),
    (400, "content_policy_violation", "filtered", Fate.FAIL, Billed.NO),
    (400, "unsupported_parameter", "bad_request", Fate.FAIL, Billed.NO),
    (405, None, "bad_request", Fate.FAIL, Billed.NO),
    (413, None, "bad_request", Fate.FAIL, Billed.NO),
    (422, None, "bad_request", Fate.FAIL, Billed.NO),
]


@pytest.mark.parametrize(("status", "code", "kind", "fate", "billed"), TABLE)
def test_a_status_and_a_code_make_a_fault(
    status: int, code: str | None, kind: str, fate: Fate, billed: Billed
) -> None:
    made = fault(status, code)
    assert (made.kind, made.fate, made.billed, made.status) == (kind, fate, billed, status)


@pytest.mark.parametrize(
    "text", ["INSUFFICIENT QUOTA", "insufficient_quota", "You exceeded your current quota"]
)
def test_a_text_about_quota_without_the_code_is_a_rate_limit(text: str) -> None:
    assert fault(429, None, message=text).kind == "rate_limited"
    assert fault_of(429, {}, text.encode()).kind == "rate_limited"


def test_a_quota_code_may_stand_in_the_type() -> None:
    assert fault(429, None, type="insufficient_quota").kind == "out_of_quota"
    assert fault(429, "credit_balance_exhausted", type="insufficient_quota").kind == "out_of_quota"
    assert fault(429, "rate_limit_exceeded", type="insufficient_quota").kind == "rate_limited"


def test_a_code_that_is_a_number_is_none() -> None:
    made = fault_of(400, {}, orjson.dumps({"error": {"code": 400, "type": "exceed_context_size_error"}}))
    assert made.kind == "context_length"


@given(st.integers(100, 999), st.binary(max_size=50))
def test_any_status_and_any_body_make_a_fault(status: int, raw: bytes) -> None:
    made = fault_of(status, {}, raw)
    assert made.kind
    assert len(made.message) < 500


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"error": "boom"}', ("", "boom")),
        (b'{"message": "boom", "code": "c"}', ("c", "boom")),
        (b'{"error": {"detail": "boom"}}', ("", "boom")),
        (b'{"error": {"message": ["a", {"b": 1}]}}', ("", '["a",{"b":1}]')),
        (b'{"error": {"message": ' + b"[" * 1000 + b"]" * 1000 + b"}}", ("", "")),
        (b'{"error": null}', ("", "")),
        (b'{"error": [1]}', ("", "")),
        (b'{"error": {"code": [1], "type": {}}}', ("", "")),
        (b"[1]", ("", "")),
        (b"<html>", ("", "")),
        (b"", ("", "")),
        (b'{"error": {"message": "a\\nb\\tc   d"}}', ("", "a b c d")),
    ],
)
def test_error_bodies_of_all_shapes_are_read(raw: bytes, found: tuple[str, str]) -> None:
    assert error_of(raw) == found


KEYS = [
    "sk-proj-abcDEF123456",
    "sk_live_abcdef123",
    "sk-ant-api03-xyzxyz",
    "rk-12345678",
    "Bearer sk-abcdefgh1",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_that_a_server_sends_back_is_in_no_message(key: str, status: int) -> None:
    made = fault(status, None, message=f"Incorrect API key provided: {key}. See '{key}',")
    assert key.split()[-1] not in str(made)
    if status in (401, 403):
        assert made.body == b""


SHOWN_IN_PART = ("{}", "{:.8}...", "{:.4}****", "…{:.6}", "{:.6}***wxyz", "Bearer={}", "'{}'", "key:{:.7}*")
"""how servers write a key, or a part of one, into a refusal"""


@pytest.mark.parametrize("form", SHOWN_IN_PART)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_quoted_without_the_key_of_somebody_else(form: str, status: int) -> None:
    rng = random.Random(form)
    for _ in range(200):
        key = "".join(rng.choices(ascii_letters + digits, k=rng.choice((24, 32, 51))))
        words = f"UpstreamException - Incorrect key provided: {form.format(key)}, ask whoever runs it"
        said = fault(status, message=words).message
        assert "UpstreamException - Incorrect key provided" in said and "ask whoever runs it" in said, said
        assert not any(part in said for part in (key[:4], key[9:15], key[-4:])), (key, said)


def test_a_message_is_one_short_line() -> None:
    assert len(scrub("x" * 10_000)) == 300
    assert scrub("one\n\n two") == "one two"


def test_a_wait_is_told_only_where_there_is_a_next_try() -> None:
    assert fault_of(429, {"retry-after": "3"}, b"").wait == 3
    assert fault_of(503, {"retry-after": "3"}, b"").wait == 3
    assert fault_of(401, {"retry-after": "3"}, b"").wait is None


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "350"}, 0.35),
        ({"retry-after-ms": "350", "retry-after": "2"}, 0.35),
        ({"retry-after-ms": "nan", "retry-after": "2"}, 2),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e308"}, None),
        ({"retry-after": "86400"}, 86400),
        ({"retry-after": "86401"}, None),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30),
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, None),
        ({"retry-after": formatdate(NOW + 3 * 3600, usegmt=True)}, 10800),
        ({"retry-after": formatdate(NOW + 30 * 3600, usegmt=True)}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "1h2m"}, 3720),
        (
            {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "9s",
             "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "50"}, 1,
        ),
        ({"retry-after": "2", "x-ratelimit-reset-requests": "6m0s"}, 2),
        ({}, None),
    ],
)  # fmt: skip
def test_the_first_valid_header_tells_the_wait(headers: dict[str, str], wait: float | None) -> None:
    assert advertised_wait(headers, NOW) == (None if wait is None else pytest.approx(wait))


@pytest.mark.parametrize(
    "text", ["", "5", "1x", "s", "1s2", "-1s", "1 s", "nan", "infs", "1e3s", "9" * 39 + "h"]
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert duration(text) is None


NAMES = ["retry-after-ms", "retry-after", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
         "x-ratelimit-remaining-requests"]  # fmt: skip
WORDS = (
    st.text(max_size=30)
    | st.floats().map(str)
    | st.integers().map(str)
    | st.text("0123456789.hmsuµn-+e ", max_size=20)
    | st.from_regex(
        r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{2,5} \d\d:\d\d:\d\d (GMT|[-+]\d{4})", fullmatch=True
    )
)


@given(st.dictionaries(st.sampled_from(NAMES), WORDS))
def test_a_wait_is_never_negative_nor_endless(headers: dict[str, str]) -> None:
    wait = advertised_wait(headers)
    assert wait is None or (isfinite(wait) and 0 < wait <= LONGEST)


def test_a_date_counts_from_now() -> None:
    wait = advertised_wait({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert wait is not None
    assert 58 <= wait <= 60


def test_lost_connections_say_what_they_may_have_cost() -> None:
    assert (unreachable("x").fate, unreachable("x").billed) == (Fate.RETRY, Billed.NO)
    assert (dropped(Billed.MAYBE, "x").fate, dropped(Billed.MAYBE, "x").billed) == (Fate.RETRY, Billed.MAYBE)
    assert (timed_out(3).fate, timed_out(3).billed) == (Fate.RETRY, Billed.MAYBE)
