"""Whatever a server sends is an answer or a fault, in every dialect."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Fault
from tests.support.apis import APIS, read

KEYS = ["choices", "message", "content", "text", "refusal", "finish_reason", "usage", "prompt_tokens",
"error",
        "output", "status", "model", "incomplete_details", "reason", "input_tokens", "code", "service_tier",
        "prompt_tokens_details", "completion_tokens_details", "cached_tokens", "reasoning_tokens",
        "total_tokens"]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


def check(raw: bytes) -> None:
    for api in APIS:
        try:
            answer = read(api, raw)
        except Fault as fault:
            assert fault.kind == "unreadable"
        else:
            words = (answer.text, answer.refusal, answer.finish_reason, answer.model, answer.tier)
            assert all(isinstance(word, str) for word in words)
            usage = answer.usage
            assert min(usage.cached, usage.cache_written, usage.reasoning) >= 0
            assert usage.cached + usage.cache_written <= usage.input
            assert usage.reasoning <= usage.output


@given(JSON)
def test_any_json_is_an_answer_or_a_fault(value: Any) -> None:
    check(json.dumps(value).encode())


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_an_answer_or_a_fault(raw: bytes) -> None:
    check(raw)
    check(b'{"choices":[{"message":{"content":"' + raw + b'"}}]}')


@pytest.mark.parametrize("depth", [200, 500, 900, 1000, 1024, 5000])
def test_any_depth_is_an_answer_or_a_fault_even_deep_in_the_stack(depth: int) -> None:
    def deeper(frames: int) -> None:
        if frames:
            return deeper(frames - 1)
        for key in (b'{"error":{"message":', b'{"choices":[{"message":{"content":', b'{"x":'):
            check(key + b"[" * depth + b"]" * depth + b"}" * key.count(b"{") + b"")
            check(key + b"[" * depth + b"]" * depth + (b"}}" if b"error" in key else b"}}]}"))
        return None

    deeper(sys.getrecursionlimit() // 3)
