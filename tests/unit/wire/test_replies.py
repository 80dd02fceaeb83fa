"""Replies as real servers send them: each becomes what its line in the corpus says."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.domain import Fault
from pipeline.wire.words import KNOWN, finish_of
from tests.support.apis import read
from tests.support.replies import REPLIES, Shape


def told(shape: Shape) -> dict[str, Any]:
    """What a reply becomes, in the words of the corpus."""
    try:
        answer = read(shape.api, shape.body)
    except Fault as fault:
        assert shape.words in fault.message
        assert len(fault.message) < 400
        return {"kind": fault.kind, "fate": fault.fate.value, "billed": fault.billed.value}
    used = answer.usage
    return {
        "text": answer.text,
        "finish": answer.finish_reason,
        "reasoning": answer.reasoning,
        "refusal": answer.refusal,
        "model": answer.model,
        "tier": answer.tier,
        "usage": [used.input, used.output, used.cached, used.cache_written, used.reasoning],
    }


@pytest.mark.parametrize("shape", REPLIES, ids=lambda shape: shape.name)
def test_a_reply_becomes_what_the_corpus_says(shape: Shape) -> None:
    assert told(shape) == shape.expected


def test_the_corpus_is_large_and_says_where_each_shape_is_from() -> None:
    assert len(REPLIES) >= 120
    assert len({shape.name for shape in REPLIES}) == len(REPLIES)
    assert all(shape.server for shape in REPLIES)


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("stop", "stop"), ("STOP", "stop"), (" End-Turn ", "stop"), ("FINISH_REASON_STOP", "stop"),
        (None, "stop"), ("", "stop"), ([], "stop"), ({}, "stop"), ({"type": "stop", "matched": 2}, "stop"),
        ("FinishReason.SAFETY", "content_filter"), ("contextLengthReached", "length"), (2, "2"),
        ("REASON_MAX_LEN", "length"), ("ALTERNATIVE_STATUS_TRUNCATED_FINAL", "length"), ("x" * 99, "x" * 99),
        ("content_filter: OTHER", "content_filter"), ({"type": "abort"}, "server_fault"),
        ("TOOL_CALL", "tool_calls"), ("Toxic", "content_filter"), (True, "True"), ("unknown", "unknown"),
    ],
)  # fmt: skip
def test_a_word_for_an_end_is_known_in_any_spelling(said: Any, ours: str) -> None:
    assert finish_of(said) == ours


def test_our_own_words_mean_themselves() -> None:
    assert {word: finish_of(word) for word in KNOWN - {"server_fault"}} == {
        word: word for word in KNOWN - {"server_fault"}
    }


LIKE = {
    "length": """token_limit_reached max_tokens_exceeded output_limit length_capped budget_exhausted
        incomplete_generation outputLimitReached OUTPUT-TRUNCATED""",
    "content_filter": """content_blocked BLOCKED guardrail prohibited policy_violation content_filter_error
        SafetyBlocked""",
    "server_fault": """upstream_error overloaded interrupted disconnected rate_limit_exceeded upstreamTimeout
        GENERATION_FAILED""",
    "stop": "</s> eot EndTurn END_OF_TURN no_error",
}


@pytest.mark.parametrize("ours", LIKE)
def test_a_word_that_nobody_has_listed_is_known_by_its_parts(ours: str) -> None:
    words = LIKE[ours].split()
    assert {word: finish_of(word) for word in words} == dict.fromkeys(words, ours)


@pytest.mark.parametrize("word", ["content_block_stop", "end_of_block", "not_truncated", "no_image"])
def test_a_word_that_only_looks_like_a_fault_is_none(word: str) -> None:
    assert finish_of(word) == word
