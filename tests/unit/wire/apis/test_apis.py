"""Dialects: what is asked, and what a hostile reply may do: a fault, nothing worse."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipeline.core.domain import Billed, Fate, Fault
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


@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
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
