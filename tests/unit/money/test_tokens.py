"""Tokens, counted offline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Media, Request
from pipeline.money.tokens import (
    PER_TURN,
    Size,
    count,
    encoding,
    size,
)
from pipeline.wire.conversation import Conversation, RequestBuilder


@pytest.mark.parametrize(
    ("model", "known"),
    [("gpt-4o-mini", "o200k_base"), ("gpt-4.1", "o200k_base"), ("gpt-4", "cl100k_base"),
     ("gpt-4-turbo", "cl100k_base"), ("gpt-3.5-turbo", "cl100k_base"), ("gpt-5-mini", "o200k_base"),
     ("openai/gpt-4o", "o200k_base"), ("GPT-4O", "o200k_base"), ("o3-mini", "o200k_base"),
     ("llama-3", None), ("smollm2", None), ("", None)],
)  # fmt: skip
def test_a_model_is_known_by_its_name(model: str, known: str | None) -> None:
    assert encoding(model) == known


@pytest.mark.parametrize(
    ("text", "model", "tokens"),
    [("hello world", "gpt-4o", 2), ("hello world", "gpt-4", 2), ("", "gpt-4o", 0), ("", "other", 0),
     ("abcd", "other", 1), ("abcde", "other", 2), ("茶", "other", 1), ("\ud800", "other", 1)],
)  # fmt: skip
def test_texts_are_counted(text: str, model: str, tokens: int) -> None:
    assert count(text, model) == tokens


@given(st.text())
def test_any_text_has_a_count_for_any_model(text: str) -> None:
    assert 0 <= count(text, "gpt-4o") <= 4 * len(text)
    assert 0 <= count(text, "other") <= 4 * len(text)


ASKED = Conversation((("user", "abcd" * 10),), system="abcd" * 5, translation=("abcd" * 10, "en", "pt"))


@pytest.mark.parametrize(
    ("api", "tokens"),
    [("chat", 15 + 2 * PER_TURN), ("responses", 15 + 2 * PER_TURN), ("completions", 16 + PER_TURN),
     ("translation", 10 + PER_TURN)],
)  # fmt: skip
def test_every_dialect_is_counted(api: str, tokens: int) -> None:
    made = RequestBuilder(api, "other", {}, "").build(ASKED, "")
    assert size(made).input == tokens


def body(**more: Any) -> Request:
    return Request("chat", "other", orjson.dumps({"messages": [{"content": "abcd"}], **more}))


@pytest.mark.parametrize(
    ("params", "limit"),
    [({}, None), ({"max_tokens": 5}, 5), ({"max_completion_tokens": 7}, 7), ({"max_output_tokens": 8}, 8),
     ({"n_predict": 9}, 9), ({"n_predict": -1}, None), ({"max_tokens": "5"}, None),
     ({"max_tokens": None}, None),
     ({"max_tokens": 0}, None), ({"max_tokens": -2, "n_predict": 3}, 3)],
)  # fmt: skip
def test_the_limit_of_an_answer_is_what_the_request_says(params: dict[str, Any], limit: int | None) -> None:
    assert size(body(**params)) == Size(1 + PER_TURN, limit)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_schema_of_an_answer_is_counted(api: str) -> None:
    shaped = replace(ASKED, schema={"type": "string", "description": "y" * 400}, name="x")
    plain, with_schema = (RequestBuilder(api, "other", {}, "").build(asked, "") for asked in (ASKED, shaped))
    assert 100 < size(with_schema).input - size(plain).input < 150


def test_a_size_that_need_not_be_exact_is_that_of_a_model_that_nobody_knows() -> None:
    asked = Request("chat", "gpt-4o", orjson.dumps({"messages": [{"content": "hello hello hello"}]}))
    assert size(asked) == Size(3 + PER_TURN, None, exact=True)
    assert size(asked, exact=False) == Size(5 + PER_TURN, None)


def test_the_parts_of_a_message_are_counted() -> None:
    parts = [{"type": "text", "text": "abcd"}, {"type": "image_url"}, {"type": "text", "text": "efgh"}]
    assert size(body(messages=[{"content": parts}, {"role": "assistant"}])).input == 2 + 2 * PER_TURN
    assert size(Request("responses", "other", b'{"input": "abcd"}')).input == 1 + PER_TURN


# what providers say that a picture comes to: tiles of 512 with 170 each and 85 beside, made smaller,
# tiles of 768 with 258 each, patches of 32 or 28 with up to 2.46 each, one for 750 pixels
PICTURES = [
    ("gpt-4o", (1024, 1024), 765), ("gpt-4o", (2048, 4096), 1105), ("gpt-4o", (64, 64), 255),
    ("gpt-4.1-nano", (1024, 1024), 2519), ("gpt-4.1-nano", (1800, 2400), 3571),
    ("gemini-x", (300, 300), 258),
    ("gemini-x", (400, 400), 1032), ("gemini-x", (960, 540), 1548), ("claude-x", (1092, 1092), 1590),
    ("qwen2-vl", (3584, 3584), 16384), ("gpt-4o-mini", (1024, 1024), 25501),
    ("openai/gpt-4o-mini", (64, 64), 8500),
]  # fmt: skip


@pytest.mark.parametrize(("model", "pixels", "tokens"), PICTURES)
def test_a_picture_is_never_thought_cheaper_than_providers_say(
    model: str, pixels: tuple[int, int], tokens: int
) -> None:
    plain = RequestBuilder("chat", model, {}, "").build(ASKED, "")
    with_one = replace(plain, media=(Media("image/png", 5_000_000, pixels=pixels),))
    assert tokens <= size(with_one).input - size(plain).input == size(with_one).media < 50_000


def test_what_is_not_known_of_a_picture_counts_as_the_largest_and_sound_by_its_seconds() -> None:
    plain = RequestBuilder("chat", "other", {}, "").build(ASKED, "")
    for one, tokens in {
        Media("image/*", url="https://x.example/a"): 20_000,
        Media("image/jpeg", 9): 20_000,
        Media("image/png", 9, pixels=(1 << 31, 1 << 31)): 20_000,
        Media("audio/wav", 9, seconds=60.0): 60 * 50 + PER_TURN,
    }.items():
        assert size(replace(plain, media=(one, one))).media == 2 * tokens
