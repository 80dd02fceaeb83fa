"""The counts of tokens in a reply: read from every dialect, and never believed where they cannot be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipeline.core.domain import Usage
from tests.support.apis import APIS, read

SAID = {
    "text": "",
    "choices": [{"text": ""}],
    "output": [],
    "answers": [{"type": "predicate"}],
    "results": [{"category_scores": {"hate": 0.5}}],
}
"""a reply in every dialect at once"""


@pytest.mark.parametrize("count", ["5", -1, 1 << 60, 1.5, None, True, [], {}, 1e300])
def test_absurd_counts_of_tokens_are_none(count: Any) -> None:
    usage = {
        "prompt_tokens": count,
        "completion_tokens": count,
        "input_tokens": count,
        "output_tokens": count,
    }
    for api in APIS:
        answer = read(api, orjson.dumps({**SAID, "usage": usage}))
        assert (answer.usage.input, answer.usage.output) == (0, 0)


@pytest.mark.parametrize("usage", [None, [], "x", 5])
def test_usage_that_is_no_mapping_is_none(usage: Any) -> None:
    assert read("chat", orjson.dumps({"choices": [{"text": ""}], "usage": usage})).usage.input == 0


DIALECTS = {  # dialect -> the names of its counts
    "chat": ("prompt_tokens", "completion_tokens"),
    "completions": ("prompt_tokens", "completion_tokens"),
    "responses": ("input_tokens", "output_tokens"),
    "decisions": ("input_tokens", "output_tokens"),
}


def usage_of(api: str, taken: Any, given: Any, more: Any = None, **beside: Any) -> Usage:
    """What is read from a reply with these counts; `more` are the details of both."""
    names = DIALECTS[api]
    counts = dict(zip(names, (taken, given), strict=True)) | beside
    counts |= {f"{name}_details": more for name in names}
    return read(api, orjson.dumps({**SAID, "usage": counts})).usage


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
