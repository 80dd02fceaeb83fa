"""Dialects: what is asked, and what a hostile reply may do: a fault, nothing worse."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipeline.core.domain import Billed, Fate, Fault, Usage
from pipeline.core.errors import JobError
from pipeline.wire.conversation import Conversation
from tests.support.apis import APIS, ASKED, PARAMS, body, read


def test_a_chat_body() -> None:
    form = {"name": "post", "strict": True, "schema": ASKED.schema}
    assert body("chat", **PARAMS) == {
        "model": "gpt",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
        "response_format": {"type": "json_schema", "json_schema": form},
        **PARAMS,
    }


def test_a_responses_body() -> None:
    built = body("responses", **PARAMS)
    assert built["instructions"] == "be brief"
    assert built["input"] == [
        {"role": "user", "content": "one"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "two"}]},
        {"role": "user", "content": "three"},
    ]
    assert built["text"]["format"]["schema"] == ASKED.schema
    assert built["store"] is False
    assert built["max_tokens"] == 9


def test_a_completions_body() -> None:
    assert body("completions", **PARAMS) == {
        "model": "gpt",
        "prompt": "be brief\n\none\n\ntwo\n\nthree",
        **PARAMS,
    }


def test_a_translation_body() -> None:
    assert body("translation", beam=2) == {
        "model": "gpt", "text": "one", "source": "en", "target": "pt", "beam": 2,
    }  # fmt: skip


def test_an_engine_that_only_translates_takes_no_prompt() -> None:
    with pytest.raises(JobError, match="only translates"):
        body("translation", Conversation((("user", "x"),)))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", ["messages", "input", "prompt", "text", "source", "target"])
def test_no_parameter_replaces_what_is_asked(api: str, name: str) -> None:
    plain = body(api, Conversation((("user", "one"),), translation=("one", "en", "pt")))
    built = body(api, Conversation((("user", "one"),), translation=("one", "en", "pt")), **{name: "other"})
    assert {key: built[key] for key in plain} == plain


@pytest.mark.parametrize("api", APIS)
def test_nothing_that_is_empty_is_sent(api: str) -> None:
    built = body(api, Conversation((("user", "x"),), translation=("x", "en", "pt")))
    assert not {"response_format", "instructions"} & set(built)
    assert "system" not in repr(built)


def test_plain_replies_are_read() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    chat = {
        "model": "g",
        "choices": [{"message": {"content": "hi"}, "finish_reason": "length"}],
        "usage": usage,
    }
    answer = read("chat", orjson.dumps(chat))
    assert (answer.text, answer.finish_reason, answer.model) == ("hi", "length", "g")
    assert (answer.usage.input, answer.usage.output) == (3, 4)
    assert read("completions", b'{"choices":[{"text":"hi","finish_reason":"stop"}]}').text == "hi"
    assert read("translation", '{"text":"olá","model":"m"}'.encode()).text == "olá"


def test_a_refusal_beside_a_text_is_a_refusal() -> None:
    content = [{"type": "text", "text": "Well,"}, {"type": "refusal", "refusal": "I can't."}]
    answer = read("chat", orjson.dumps({"choices": [{"message": {"content": content}}]}))
    assert (answer.text, answer.refusal) == ("Well,", "I can't.")


def test_a_response_is_read_with_its_end() -> None:
    content = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}]
    reply: dict[str, Any] = {"status": "completed", "output": [{"type": "reasoning"}, {"content": content}]}
    assert read("responses", orjson.dumps(reply)).text == "ab"
    reply |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert read("responses", orjson.dumps(reply)).finish_reason == "length"
    reply |= {"status": "failed", "incomplete_details": None}
    with pytest.raises(Fault, match="broke the answer off, with 'failed'"):
        read("responses", orjson.dumps(reply))
    refusal = {"output": [{"content": [{"type": "refusal", "refusal": "no"}]}]}
    assert read("responses", orjson.dumps(refusal)).refusal == "no"


NO_REPLY = [
    b"", b" ", b"<!DOCTYPE html><html>", b"[]", b"null", b"1", b'"text"', b"{", b'{"choices": [', b"\xff\xfe",
    b"data: {}\n\n", b"NaN", b"[" * 100_000, b'{"a":' * 100_000, b"[" * 1020 + b"]" * 1020,
    b'{"a": ' + b"9" * 5000 + b"}", b'{"error": "boom"}', b'{"error": {"message": "boom"}, "choices": []}',
    b'{"error": {"message": ' + b"[" * 1000 + b"]" * 1000 + b"}}", b'{"error": {"message": "\\ud800"}}',
    b'{"error": [1]}', b'{"error": {"code": 5}}', b'{"error": true}', b"\x00" * 100,
]  # fmt: skip


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("raw", NO_REPLY, ids=lambda raw: repr(raw[:20]))
def test_what_is_no_reply_is_a_fault_that_asks_for_another(api: str, raw: bytes) -> None:
    with pytest.raises(Fault) as fault:
        read(api, raw)
    assert (fault.value.kind, fault.value.fate) == ("unreadable", Fate.RETRY)
    assert (fault.value.billed, fault.value.body) == (Billed.MAYBE, raw)
    assert len(fault.value.message) < 400


NO_CHOICE = [
    {}, {"choices": []}, {"choices": None}, {"choices": {}}, {"choices": "x"}, {"choices": [None]},
    {"choices": [[]]}, {"choices": [{}]}, {"output": None}, {"output": {}}, {"status": 5},
]  # fmt: skip
EMPTY = [
    {"choices": [{"message": None}]}, {"choices": [{"message": []}]},
    {"choices": [{"message": {}}]}, {"choices": [{"message": {"content": None}}]},
    {"choices": [{"message": {"content": 5}}]}, {"choices": [{"message": {"content": {}}}]},
    {"choices": [{"message": {"content": [None, 5, {"text": None}, {"text": 5}, {}]}}]},
    {"choices": [{"message": {"content": None, "tool_calls": [{"id": 1}]}, "finish_reason": "tool_calls"}]},
    {"choices": [{"text": None}]}, {"choices": [{"text": 5}]},
    {"choices": [{"text": [None]}]},
]  # fmt: skip
EMPTY_OUTPUT = [
    {"output": []}, {"output": [None]}, {"output": [{"content": None}]}, {"output": [{"content": [None]}]},
    {"output": [{"content": [{"text": 5, "refusal": []}]}]},
    {"output": [], "status": 5, "incomplete_details": []}, {"output": [{"type": []}, {"type": {}}]},
]  # fmt: skip
BLANK = [(api, reply) for api in ("chat", "completions") for reply in EMPTY]
BLANK += [("responses", reply) for reply in EMPTY_OUTPUT]


@pytest.mark.parametrize(("api", "reply"), BLANK, ids=repr)
def test_a_reply_without_an_answer_has_no_text(api: str, reply: dict[str, Any]) -> None:
    answer = read(api, orjson.dumps(reply))
    assert (answer.text, answer.refusal) == ("", "")


@pytest.mark.parametrize("reply", NO_CHOICE, ids=repr)
@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
def test_a_reply_without_a_choice_is_no_answer(api: str, reply: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="has no answer in it") as fault:
        read(api, orjson.dumps(reply))
    assert (fault.value.fate, fault.value.billed) == (Fate.RETRY, Billed.MAYBE)


def test_parts_of_a_text_are_joined() -> None:
    message = {"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]}
    assert read("chat", orjson.dumps({"choices": [{"message": message}]})).text == "ab"


@pytest.mark.parametrize("count", ["5", -1, 1 << 60, 1.5, None, True, [], {}, 1e300])
def test_absurd_counts_of_tokens_are_none(count: Any) -> None:
    usage = {
        "prompt_tokens": count,
        "completion_tokens": count,
        "input_tokens": count,
        "output_tokens": count,
    }
    for api in APIS:
        answer = read(
            api, orjson.dumps({"text": "", "choices": [{"text": ""}], "output": [], "usage": usage})
        )
        assert (answer.usage.input, answer.usage.output) == (0, 0)


@pytest.mark.parametrize("usage", [None, [], "x", 5])
def test_usage_that_is_no_mapping_is_none(usage: Any) -> None:
    assert read("chat", orjson.dumps({"choices": [{"text": ""}], "usage": usage})).usage.input == 0


DIALECTS = {  # dialect -> the names of its counts
    "chat": ("prompt_tokens", "completion_tokens"),
    "completions": ("prompt_tokens", "completion_tokens"),
    "responses": ("input_tokens", "output_tokens"),
}


def usage_of(api: str, taken: Any, given: Any, more: Any = None, **beside: Any) -> Usage:
    """What is read from a reply with these counts; `more` are the details of both."""
    names = DIALECTS[api]
    counts = dict(zip(names, (taken, given), strict=True)) | beside
    counts |= {f"{name}_details": more for name in names}
    return read(api, orjson.dumps({"choices": [{"text": ""}], "output": [], "usage": counts})).usage


@pytest.mark.parametrize("api", DIALECTS)
def test_cached_written_and_reasoning_tokens_are_read(api: str) -> None:
    details = {"cached_tokens": 60, "cache_write_tokens": 30, "reasoning_tokens": 5, "audio_tokens": 9}
    assert usage_of(api, 100, 20, details) == Usage(100, 20, 60, 30, 5)
    assert usage_of(api, 100, 20, details, total_tokens=120) == Usage(100, 20, 60, 30, 5)


@pytest.mark.parametrize("api", DIALECTS)
@pytest.mark.parametrize("details", [None, {}, [], "x", 5, True, {"cached_tokens": None}])
def test_usage_without_details_has_none(api: str, details: Any) -> None:
    assert usage_of(api, 100, 20, details) == Usage(100, 20)


@pytest.mark.parametrize("api", DIALECTS)
@pytest.mark.parametrize("count", ["5", -1, 1 << 60, 1.5, None, True, [], {}])
def test_absurd_details_are_none(api: str, count: Any) -> None:
    details = dict.fromkeys(("cached_tokens", "cache_write_tokens", "reasoning_tokens"), count)
    assert usage_of(api, 100, 20, details, total_tokens=count) == Usage(100, 20)


@pytest.mark.parametrize("api", DIALECTS)
def test_a_part_is_never_larger_than_its_whole(api: str) -> None:
    large = {"cached_tokens": 900, "cache_write_tokens": 900, "reasoning_tokens": 900}
    assert usage_of(api, 100, 20, large) == Usage(100, 20, 100, 0, 20)
    assert usage_of(api, 0, 0, large) == Usage()
    both = {"cached_tokens": 90, "cache_write_tokens": 90}
    assert usage_of(api, 100, 20, both) == Usage(100, 20, 90, 10)
    assert not usage_of(api, 100, 20, both).whole
    for part in large:
        assert not usage_of(api, 100, 20, {part: 101}).whole
    assert usage_of(api, 100, 20, {"reasoning_tokens": 21}, total_tokens=121).whole


@pytest.mark.parametrize(
    ("usage", "read_as"),
    [
        ('"usage": {"prompt_tokens": 9, "completion_tokens": 99}, "usage": {"prompt_tokens": 9}', (0, 0)),
        ('"usage": {"prompt_tokens": 9, "completion_tokens": 99, "completion_tokens": 1}', (9, 0)),
        ('"usage": {"prompt_tokens": 9, "prompt_tokens": 1, "completion_tokens": 99}', (0, 99)),
    ],
)
def test_a_count_that_is_said_twice_is_no_count_and_the_answer_is_taken(
    usage: str, read_as: tuple[int, int]
) -> None:
    answer = read("chat", f'{{"choices": [{{"message": {{"content": "fine"}}}}], {usage}}}'.encode())
    assert answer.text == "fine"
    assert (answer.usage.input, answer.usage.output) == read_as
    assert answer.usage == Usage() or not answer.usage.whole


def test_a_usage_that_stands_in_two_places_is_said_once() -> None:
    counts = {"prompt_tokens": 9, "completion_tokens": 5}
    body = {"choices": [{"message": {"content": "fine"}}], "x_groq": {"usage": counts}, "usage": counts}
    assert read("chat", orjson.dumps(body)).usage == Usage(9, 5)


@pytest.mark.parametrize(
    ("beside", "usage"),
    [({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}, Usage(100, 20, 64)),
     ({"cache_read_input_tokens": 64, "cache_creation_input_tokens": 30}, Usage(100, 20, 64, 30)),
     ({"cached_tokens": 64}, Usage(100, 20, 64)),
     ({"prompt_tokens_details": {"cached_tokens": 8}, "prompt_cache_hit_tokens": 64}, Usage(100, 20, 8))],
)  # fmt: skip
def test_other_servers_name_cached_tokens_otherwise(beside: dict[str, Any], usage: Usage) -> None:
    counts = {"prompt_tokens": 100, "completion_tokens": 20} | beside
    assert (
        read("chat", orjson.dumps({"choices": [{"text": ""}], "output": [], "usage": counts})).usage == usage
    )


@pytest.mark.parametrize("api", DIALECTS)
def test_reasoning_that_only_the_total_counts_is_output(api: str) -> None:
    assert usage_of(api, 32, 9, {"reasoning_tokens": 94}, total_tokens=135) == Usage(32, 103, 0, 0, 94)
    assert usage_of(api, 20, 198, total_tokens=623) == Usage(20, 603, 0, 0, 405)
    assert usage_of(api, 32, 9, {"reasoning_tokens": 4}, total_tokens=30) == Usage(32, 9, 0, 0, 4)


@pytest.mark.parametrize("api", DIALECTS)
@pytest.mark.parametrize(
    ("said", "tier"), [("flex", "flex"), ("default", "default"), (None, ""), (5, ""), ([], "")]
)
def test_the_tier_that_served_is_read(api: str, said: Any, tier: str) -> None:
    assert (
        read(api, orjson.dumps({"choices": [{"text": ""}], "output": [], "service_tier": said})).tier == tier
    )


def test_a_lone_surrogate_and_a_huge_number_are_no_reason_to_lose_an_answer() -> None:
    raw = (
        b'{"choices":[{"message":{"content":"a\\ud83d"},"finish_reason":"stop"}],"created":'
        + b"9" * 400
        + b"}"
    )
    assert read("chat", raw).text == "a\ud83d"
    assert read("chat", b'{"choices":[{"message":{"content":"a"}}],"x":NaN}').text == "a"


@pytest.mark.parametrize("api", APIS)
def test_a_reply_for_which_the_parser_has_no_memory_is_not_called_unreadable(
    api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(_: bytes) -> None:
        raise orjson.JSONDecodeError("Not enough memory to allocate buffer for parsing", "", 0)

    monkeypatch.setattr("pipeline.wire.apis._json.orjson.loads", loads)
    with pytest.raises(MemoryError):
        read(api, b"{}")
