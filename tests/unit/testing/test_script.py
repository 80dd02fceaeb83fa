"""The parts of the fake model by themselves: script, quota, answers, ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio
import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.providers.scripted import Options
from pipeline.testing import Account, Latency, Ledger, Line, Quota, Rule, Script
from pipeline.testing.chance import Asked, decide
from pipeline.testing.instances import Impossible, instance
from pipeline.testing.quota import Gate
from pipeline.testing.service import Service
from tests.support.clock import on_test_time
from tests.support.scripted_client import BODIES, chat


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "hang"},
        {"fault": "drip", "every": 1, "bytes": 5},
        {"fault": "hang", "every": 1, "retry_after": 5},
        {"fault": "body", "every": 1},
        {"fault": "server_error", "every": 1, "status": 404},
        {"fault": "explode", "every": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


def test_the_options_of_the_provider_are_the_script_and_a_ledger() -> None:
    options = Options.model_validate({"latency": {"mean": 0.1, "jitter": 0.05}, "ledger": "ledger.jsonl"})
    assert options.latency == Latency(mean=0.1, jitter=0.05)
    with pytest.raises(ValidationError):
        Options.model_validate({"latncy": 1})


def struck_by(rule: Rule, asked: list[Asked]) -> list[int]:
    script = Script(faults=(rule,))
    return [one.n for one in asked if decide(script, one, {}) is not None]


def test_selectors_choose_by_number_time_body_and_share_and_all_must_hold() -> None:
    asked = [Asked(n, bytes([n]) * 32, 1, n / 10, f"body {n}".encode()) for n in range(1, 101)]
    assert struck_by(Rule(fault="hang", first=3), asked) == [1, 2, 3]
    assert struck_by(Rule(fault="hang", after=98), asked) == [99, 100]
    assert struck_by(Rule(fault="hang", every=40), asked) == [40, 80]
    assert struck_by(Rule(fault="hang", during=(1.0, 1.3)), asked) == [10, 11, 12]
    assert struck_by(Rule(fault="hang", match="body 7", after=75), asked) == [76, 77, 78, 79]
    share = struck_by(Rule(fault="hang", share=0.3), asked)
    assert 15 < len(share) < 45
    assert share == struck_by(Rule(fault="hang", share=0.3), asked)


async def test_times_caps_a_rule_for_each_digest() -> None:
    ledger = Ledger()
    service = Service(Script(faults=(Rule(fault="server_error", every=1, times=2),)), ledger)
    statuses = [(await service.respond("chat", chat(text))).status for text in "aabababb"]
    assert statuses == [500, 500, 500, 200, 500, 200, 200, 200]
    account = ledger.account()
    assert (account.billed, account.refused, account.repeats, account.overpaid) == (4, 4, 2, 2)


async def test_a_wrong_key_and_an_unknown_model_are_refused() -> None:
    service = Service(Script(api_key="right", models=("writer-large", "writer-small")), Ledger())
    assert (await service.respond("chat", chat("x"), "wrong")).status == 401
    unknown = await service.respond("chat", chat("x").replace(b'"m"', b'"writer-larg"'), "right")
    assert unknown.status == 404
    assert b"writer-large" in unknown.body


def test_a_quota_refuses_with_headers_and_lets_pass_after_the_told_wait() -> None:
    gate = Gate(Quota(rpm=60, burst=2))
    verdicts = [gate.admit(1, now) for now in (0.0, 0.0, 0.0, 1.0)]
    assert [verdict.passes for verdict in verdicts] == [True, True, False, True]
    assert verdicts[2].headers["retry-after"] == "1"
    assert verdicts[2].headers["x-ratelimit-remaining-requests"] == "0"
    assert verdicts[2].headers["x-ratelimit-reset-requests"] == "2s"
    assert "retry-after" not in Gate(Quota(tpm=1, retry_after=False)).admit(2, 0.0).headers


def test_tokens_flow_back_evenly_or_leave_a_sliding_window_after_a_minute() -> None:
    bucket = Gate(Quota(tpm=600))
    assert [bucket.admit(n, at).passes for n, at in ((600, 0.0), (10, 0.0), (10, 1.0))] == [True, False, True]
    window = Gate(Quota(tpm=600, sliding=True))
    verdicts = [window.admit(n, at) for n, at in ((600, 0.0), (10, 1.0), (10, 59.9), (10, 60.0))]
    assert [verdict.passes for verdict in verdicts] == [True, False, False, True]
    assert (verdicts[1].limit, verdicts[1].headers["retry-after"]) == ("tokens", "59")


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 400)), max_size=80),
    st.booleans(),
)
def test_a_quota_is_never_exceeded(steps: list[tuple[float, int]], sliding: bool) -> None:
    gate = Gate(Quota(rpm=20, tpm=1000, sliding=sliding))
    now, passed = 0.0, []
    for step, tokens in steps:
        now += step
        if gate.admit(tokens, now).passes:
            passed.append((now, tokens))
    slack = 1 if sliding else 2  # a bucket holds a minute's tokens besides those that flow in
    for start, _ in passed:
        window = [tokens for at, tokens in passed if start <= at < start + 60]
        assert sum(window) <= 1000 * slack
        assert len(window) <= 20 + (0 if sliding else 1)


def test_capacity_bounds_the_requests_worked_on_and_the_others_wait_in_line() -> None:
    ledger = Ledger()

    async def main() -> float:
        service = Service(Script(latency=0.02, capacity=5), ledger)
        began = anyio.current_time()
        await asyncio.gather(*(service.respond("chat", chat(str(i))) for i in range(20)))
        return anyio.current_time() - began

    assert on_test_time(main) == pytest.approx(0.08, abs=0.001)
    order = [line.n for line in ledger.account().lines]
    assert [sorted(order[at : at + 5]) for at in range(0, 20, 5)] == [
        [*range(n, n + 5)] for n in (1, 6, 11, 16)
    ]


async def test_an_answer_is_cut_at_the_most_tokens_the_request_allows() -> None:
    service = Service(Script(tokens=100), Ledger())
    body = orjson.loads((await service.respond("chat", chat("x", max_completion_tokens=10))).body)
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 10
    assert len(body["choices"][0]["message"]["content"]) == 40


async def test_answers_can_be_fixed_for_all_or_by_a_part_of_the_question() -> None:
    service = Service(Script(answer={"tea": "Green.", "": "Else."}), Ledger())
    texts = [orjson.loads((await service.respond("chat", chat(text))).body) for text in ("my tea", "car")]
    assert [text["choices"][0]["message"]["content"] for text in texts] == ["Green.", "Else."]


SCHEMAS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 12},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
            "score": {"type": "number", "exclusiveMinimum": 0.5, "maximum": 1},
            "year": {"type": "integer", "minimum": 1990, "multipleOf": 4},
            "kind": {"enum": ["a", "b"]},
            "sure": {"type": "boolean"},
            "note": {"type": ["string", "null"]},
        },
        "required": ["title", "tags", "score", "year", "kind", "sure", "note"],
        "additionalProperties": False,
    },
    {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                "required": ["next"],
            }
        },
    },
    {"type": "string", "format": "date-time"},
    {"type": "string", "minLength": 200},
    {"oneOf": [{"type": "integer", "maximum": -3}, {"type": "string"}]},
    {"type": "array", "items": {"type": "number", "multipleOf": 0.1}, "minItems": 2, "uniqueItems": True},
    {"minimum": 3},
    {},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: orjson.dumps(schema).decode()[:40])
def test_an_instance_is_valid_under_its_schema(schema: dict[str, Any]) -> None:
    value = instance(schema, "Answer 1a2b3c4d to: a question of some length")
    jsonschema_rs.validate(schema, value)


@given(st.integers(-50, 50), st.integers(0, 9), st.sampled_from([None, 1, 2, 3, 0.5]), st.booleans())
def test_numbers_obey_their_bounds(low: int, span: int, step: float | None, whole: bool) -> None:
    schema: dict[str, Any] = {
        "type": "integer" if whole else "number",
        "minimum": low,
        "maximum": low + span + 3,
    }
    if step is not None:
        schema["multipleOf"] = step
    jsonschema_rs.validate(schema, instance(schema, ""))


@pytest.mark.parametrize(
    "schema",
    [{"type": "string", "pattern": "^[0-9]{4}$"}, {"minProperties": 2, "type": "object"}, {"enum": []}, False,
     {"$ref": "http://127.0.0.1:9/x"}, {"$ref": "#/$defs/none"}, {"$ref": "#"},
     {"type": "integer", "minimum": 5, "maximum": 4}, {"type": "strange"}],
    ids=str,
)  # fmt: skip
def test_a_schema_that_cannot_be_met_is_refused_with_a_way_out(schema: dict[str, Any] | bool) -> None:
    with pytest.raises(Impossible, match="give its answer as a text, with 'answer'"):
        instance(schema, "Answer")


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_request_for_json_gets_json_of_its_schema(api: str) -> None:
    schema = SCHEMAS[0]
    wanted = {
        "chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}},
        "responses": {"text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}},
    }[api]
    body = orjson.dumps(orjson.loads(BODIES[api]) | wanted)
    answer = orjson.loads((await Service(Script(), Ledger()).respond(api, body)).body)
    text = (
        answer["choices"][0]["message"]["content"]
        if api == "chat"
        else answer["output"][0]["content"][0]["text"]
    )
    jsonschema_rs.validate(schema, orjson.loads(text))


def test_an_account_counts_the_peak_and_the_busiest_window() -> None:
    spans = [(0.0, 2.0), (1.0, 3.0), (2.0, 4.0), (61.0, 61.0)]
    lines = [Line(end, start, i, str(i), True, 200, 1, 1, "") for i, (start, end) in enumerate(spans)]
    account = Account(lines)
    assert (account.peak, account.busiest(60), account.busiest(1.5)) == (2, 3, 2)


def test_a_ledger_goes_on_in_its_file_and_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for n in (1, 2):
        with Ledger(path) as ledger:
            ledger.write(Line(1.0, 1.0, n, "ab", True, 200, 3, 4, ""))
    with path.open("ab") as file:
        file.write(b'{"at": 1.0, "arr')
    account = Ledger.read(path)
    assert (account.billed, account.repeats, account.input, account.output) == (2, 1, 6, 8)
