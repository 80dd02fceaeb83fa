"""A stream is the reply that it would have been, however it is cut into pieces, and half of one is none."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Fault
from pipeline.wire.reasoning import trimmed
from tests.support.apis import read

ENDS = ["\n\n", "\r\n\r\n", "\r\r"]
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def chunk(api: str, text: str, ended: str | None = None, **more: Any) -> dict[str, Any]:
    """One part of a stream."""
    said = {"text": text} if api == "completions" else {"delta": {"content": text}}
    return {"model": "m", "choices": [{"index": 0, **said, "finish_reason": ended}], **more}


def events(parts: list[Any], end: str = "\n\n", space: str = " ") -> bytes:
    """Parts as server-sent events."""
    texts = [part if isinstance(part, str) else json.dumps(part) for part in parts]
    return "".join(f"data:{space}{text}{end}" for text in texts).encode()


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=6),
    st.sampled_from(ENDS),
    st.sampled_from(["", " "]),
    st.sampled_from(["chat", "completions"]),
    st.sampled_from(["stop", "length", "eos_token"]),
    st.booleans(),
)
def test_a_stream_says_what_its_parts_say(
    texts: list[str], end: str, space: str, api: str, ended: str, done: bool
) -> None:
    parts: list[Any] = [chunk(api, "A."), *(chunk(api, text) for text in texts), chunk(api, "", ended)]
    parts += [{"model": "m", "choices": [], "usage": USAGE}, *(["[DONE]"] if done else [])]
    answer = read(api, events(parts, end, space))
    assert answer.text == trimmed("".join(["A.", *texts]))
    assert answer.finish_reason == ("length" if ended == "length" else "stop")
    assert (answer.usage.input, answer.usage.output) == (7, 5)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_stream_that_is_cut_at_any_byte_is_whole_or_a_fault(api: str) -> None:
    parts = [chunk(api, "A fine "), chunk(api, "cup."), chunk(api, "", "stop"), chunk(api, "", usage=USAGE)]
    raw = b": hello\n\n" + events([*parts, "[DONE]"])
    read_as = set()
    for place in range(len(raw) + 1):
        try:
            read_as.add(read(api, raw[:place]).text)
        except Fault as fault:
            assert (fault.kind, fault.billed.value) == ("unreadable", "maybe")
    assert read_as == {"A fine cup."}


def test_a_response_that_is_cut_at_any_byte_is_whole_or_a_fault() -> None:
    item = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "A fine cup."}],
    }
    parts = [
        {"type": "response.created", "response": {"status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {"status": "completed", "output": [item]}},
    ]
    raw = events(parts)
    read_as = set()
    for place in range(len(raw) + 1):
        with suppress(Fault):
            read_as.add(read("responses", raw[:place]).text)
    assert read_as == {"A fine cup."}


@given(st.text(st.sampled_from('data: event:\n\r{}[]"1,:choies'), max_size=80))
def test_any_stream_is_an_answer_or_a_fault(text: str) -> None:
    for api in ("chat", "completions", "responses"):
        for body in (f"data: {text}", f"data: {json.dumps(chunk(api, text, 'stop'))}\n\ndata: {text}"):
            try:
                read(api, body.encode())
            except Fault as fault:
                assert fault.kind in ("unreadable", "server_error")


ODD = [
    {"choices": 5}, {"choices": [5]}, {"choices": [{"delta": 5}]}, 5, [], None, {"type": 5}, {"done": "x"},
    {"type": "response.completed", "response": 5}, {"choices": [{"delta": {"content": {"a": 1}}}]},
    {"x_groq": 5}, {"usage": 5},
]  # fmt: skip


@pytest.mark.parametrize("part", ODD, ids=repr)
def test_a_part_of_any_form_does_no_harm(part: Any) -> None:
    raw = events([part, chunk("chat", "fine"), chunk("chat", "", "stop"), part])
    try:
        assert "fine" in read("chat", raw).text
    except Fault as fault:
        assert fault.kind == "unreadable"


def test_another_choice_is_not_mixed_in() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}]}
    raw = events([chunk("chat", "one"), other, chunk("chat", "", "stop"), other])
    assert read("chat", raw).text == "one"
