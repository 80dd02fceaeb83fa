"""What the fake model says it used, in every dialect, against the ledger that bills it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from pipeline.core import adapters
from pipeline.core.domain import Answer, Usage
from pipeline.money.prices import price_of
from pipeline.testing import Account, Ledger, Line, Quota, Rule, Script, serve
from pipeline.testing.quota import DAY, Gate
from pipeline.testing.service import Service
from tests.support.scripted_client import BODIES, chat, post

SCRIPT = Script(tokens=50, cached=0.5, cache_written=0.25, reasoning=20, tier="flex")
COUNTED = ("chat", "completions", "responses")


async def told(script: Script, api: str, body: bytes) -> tuple[Answer, Line]:
    """What a reply says, read as the pipeline reads it, and its line in the ledger."""
    ledger = Ledger()
    wire = await Service(script, ledger).respond(api, body)
    return adapters.load("apis", api).read(wire.body), ledger.account().lines[0]


@pytest.mark.parametrize("api", COUNTED)
async def test_an_answer_says_what_the_ledger_bills(api: str) -> None:
    answer, line = await told(SCRIPT, api, BODIES[api])
    assert answer.usage == line.usage
    assert answer.tier == line.tier == "flex"
    assert line.usage == Usage(
        line.input, 70, int(line.input * 0.5), int(line.input * 0.25), reasoning=20
    )  # fmt: skip
    assert line.cached > line.cache_written > 0
    assert line.model == orjson.loads(BODIES[api])["model"]


async def test_behind_http_the_ledger_says_the_same(tmp_path: Path) -> None:
    with serve(SCRIPT) as server:
        raw = await post(server.base_url, BODIES["chat"])
        (line,) = server.ledger().lines
    assert adapters.load("apis", "chat").read(raw.body).usage == line.usage == Usage(
        line.input, 70, line.input // 2, line.input // 4, 20
    )  # fmt: skip


@pytest.mark.parametrize("api", COUNTED)
async def test_usage_that_is_not_told_is_billed_all_the_same(api: str) -> None:
    answer, line = await told(SCRIPT.model_copy(update={"usage": False}), api, BODIES[api])
    assert answer.usage == Usage()
    assert line.output == 70


async def test_without_options_nothing_is_cached_and_no_tier_is_told() -> None:
    answer, line = await told(Script(), "chat", BODIES["chat"])
    assert (answer.tier, line.tier) == ("", "")
    assert answer.usage == line.usage == Usage(line.input, line.output)


@pytest.mark.parametrize(("asked", "tier"), [("flex", "flex"), ("auto", ""), (None, ""), (5, "")])
async def test_a_request_is_served_by_the_tier_it_asks_for(asked: Any, tier: str) -> None:
    answer, line = await told(Script(), "chat", chat("x", service_tier=asked))
    assert answer.tier == line.tier == tier
    answer, _ = await told(Script(tier="default"), "chat", chat("x", service_tier=asked))
    assert answer.tier == "default"


@pytest.mark.parametrize(
    ("limit", "reasoning", "output", "finish_reason"),
    [(100, 20, 70, "stop"), (70, 20, 70, "stop"), (60, 20, 60, "length"), (5, 5, 5, "length")],
)
async def test_reasoning_counts_towards_the_most_tokens_of_an_answer(
    limit: int, reasoning: int, output: int, finish_reason: str
) -> None:
    answer, line = await told(SCRIPT, "chat", chat("x", max_completion_tokens=limit))
    assert (line.reasoning, line.output, answer.finish_reason) == (reasoning, output, finish_reason)
    assert len(answer.text.encode()) <= 4 * (output - reasoning)


async def test_what_is_refused_costs_nothing_and_what_is_spoilt_costs_all() -> None:
    ledger = Ledger()
    rules = (Rule(fault="server_error", first=1), Rule(fault="empty_body", first=2))
    service = Service(SCRIPT.model_copy(update={"faults": rules}), ledger)
    for _ in range(3):
        await service.respond("chat", chat("x"))
    refused, spoilt, good = ledger.account().lines
    assert (refused.usage, refused.tier, refused.model) == (Usage(), "", "m")
    assert spoilt.usage == good.usage != Usage()


async def test_the_ledger_knows_what_everything_costs() -> None:
    ledger = Ledger()
    service = Service(SCRIPT, ledger)
    for text in ("one", "two", "two"):
        await service.respond("chat", chat(text))
    price = price_of("m", "", {"input": 1, "output": 10, "cached": 0.5, "tiers": {"flex": 0.5}})
    assert price is not None
    account = ledger.account()
    lines = account.lines
    by_hand = sum((line.input - line.cached) * 500 + line.cached * 250 + 70 * 5000 for line in lines)
    assert account.cost(lambda line: price.cost(line.usage, line.tier)) == by_hand
    with pytest.raises(ValueError, match="3 of 3"):
        account.cost(lambda line: None)


def test_only_what_was_billed_has_a_cost() -> None:
    lines = [Line(1.0, 1.0, n, "ab", n == 1, 200, 3, 4, "") for n in (1, 2)]
    assert Account(lines).cost(lambda line: line.input * 7) == 21


def test_a_ledger_of_an_earlier_version_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"at":1.0,"arrived":1.0,"n":1,"digest":"ab","billed":true,"status":200,"input":3,'
                    '"output":4,"fault":""}\n')  # fmt: skip
    assert Ledger.read(path).lines[0].usage == Usage(3, 4)


@pytest.mark.parametrize(
    "options",
    [{"cached": 1.5}, {"cached": -0.1}, {"cached": 0.6, "cache_written": 0.6}, {"reasoning": -1},
     {"quota": {}}, {"quota": {"rpd": 0}}, {"quota": {"rpd": 5, "burst": 2}}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Script.model_validate(options)


def test_a_days_requests_flow_back_evenly_or_leave_a_sliding_window_after_a_day() -> None:
    bucket = Gate(Quota(rpd=24))
    assert [bucket.admit(9, 0.0).passes for _ in range(25)] == [True] * 24 + [False]
    refused = bucket.admit(9, 1800.0)
    assert (refused.limit, refused.per, refused.headers) == ("requests", "day", {"retry-after": "1800"})
    assert bucket.admit(9, 3600.0).passes
    window = Gate(Quota(rpd=2, sliding=True))
    passed = [window.admit(9, at).passes for at in (0.0, 100.0, DAY - 1, DAY, DAY + 99, DAY + 100)]
    assert passed == [True, True, False, True, False, True]


def test_the_limit_with_the_longest_wait_refuses() -> None:
    gate = Gate(Quota(rpm=60, rpd=2))
    assert [gate.admit(1, at).passes for at in (0.0, 1.0)] == [True, True]
    refused = gate.admit(1, 1.0)
    assert (refused.limit, refused.per) == ("requests", "day")
    assert refused.headers["x-ratelimit-limit-requests"] == "60"


@pytest.mark.parametrize("tokens", [1, 1000])
def test_a_quota_can_keep_its_headers_to_itself(tokens: int) -> None:
    silent = Gate(Quota(rpm=60, tpm=100, headers=False, retry_after=False))
    assert silent.admit(tokens, 0.0).headers == {}
    assert set(Gate(Quota(tpm=100, headers=False)).admit(1000, 0.0).headers) == {"retry-after"}


async def test_a_refusal_says_which_quota_it_was() -> None:
    service = Service(Script(quota=Quota(rpd=1)), Ledger())
    await service.respond("chat", chat("x"))
    refused = await service.respond("chat", chat("y"))
    assert (refused.status, "requests per day" in refused.body.decode()) == (429, True)
