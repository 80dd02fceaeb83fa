"""The identity of a request: what changes it costs money, and what does not must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from pipeline.core import adapters
from pipeline.core.domain import Answer, Fault, Media, Reply, Request
from pipeline.engine.stages import stages_of
from pipeline.job.load import load
from pipeline.wire.conversation import Conversation, RequestBuilder, read

JOB: dict[str, Any] = {
    "name": "a",
    "records": {"from": "r.csv"},
    "models": {"m": {"provider": "openai", "model": "gpt", "params": {"temperature": 0.5, "seed": 1}}},
    "steps": [{"name": "s", "prompt": "Write {{ t }}", "system": "Be brief",
    "answer": {"json": {"b": "string", "a": "string"}}}],
}  # fmt: skip


def first(folder: Path, text: str = "tea", *, model: Any = (), step: Any = (), job: Any = ()) -> Request:
    data = {**JOB, **dict(job)}
    data["models"] = {"m": {**JOB["models"]["m"], **dict(model)}}
    data["steps"] = [{**JOB["steps"][0], **dict(step)}]
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    return stages_of(load(file))[0].runner.first_request({"t": text}, "key")


SAME: list[dict[str, Any]] = [
    {"model": {"base_url": "http://other.host:1/v1"}},
    {"model": {"api_key_env": "OTHER_KEY"}},
    {"model": {"limits": {"rpm": 1, "tpm": 5, "concurrency": 3, "retries": 9, "timeout": 5}}},
    {"model": {"params": {"seed": 1, "temperature": 0.5}}},
    {"model": {"params": {"seed": 1}}, "step": {"params": {"temperature": 0.5}}},
    {"step": {"repairs": 5}},
    {"step": {"allow": ["length"]}},
    {"step": {"checks": {"length": {"max": 5}}}},
    {"step": {"when": "true"}},
    {"step": {"prompt": "Write {{ t }}{# a remark #}"}},
    {"job": {"output": {"to": "x.parquet"}}},
    {"job": {"name": "other"}},
]


@pytest.mark.parametrize("change", SAME, ids=repr)
def test_what_the_model_does_not_see_does_not_change_the_digest(
    change: dict[str, Any], tmp_path: Path
) -> None:
    assert first(tmp_path, **change).digest == first(tmp_path).digest


OTHER: list[dict[str, Any]] = [
    {"text": "Tea"},
    {"text": "tea "},
    {"model": {"model": "gpt2"}},
    {"model": {"provider": "scripted"}},  # a fake answer never stands for a real one
    {"model": {"api": "responses"}},
    {"model": {"params": {"temperature": 0.6, "seed": 1}}},
    {"model": {"params": {"temperature": 0.5}}},
    {"model": {"params": {}}},
    {"step": {"params": {"top_p": 1}}},
    {"step": {"params": {"seed": 2}}},
    {"step": {"prompt": "write {{ t }}"}},
    {"step": {"system": "Be long"}},
    {"step": {"answer": {"json": {"a": "string", "b": "string"}}}},
    {"step": {"answer": {"json": {"b": "string", "a": "integer"}}}},
]


def test_each_change_of_what_the_model_sees_changes_the_digest(tmp_path: Path) -> None:
    digests = {first(tmp_path, **change).digest for change in [{}, *OTHER]}
    assert len(digests) == len(OTHER) + 1


def test_the_order_of_the_answers_fields_is_kept(tmp_path: Path) -> None:
    body = first(tmp_path).body
    schema = orjson.loads(body)["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["b", "a"]
    assert body.index(b'"b":') < body.index(b'"a":')


def test_who_asks_is_no_part_of_the_identity() -> None:
    one = Request("chat", "m", b"{}", "s", "1")
    assert one == Request("chat", "m", b"{}", "t", "2")
    assert one.digest == Request("chat", "m", b"{}", "t", "2").digest
    assert one.digest != Request("responses", "m", b"{}").digest
    assert Request("a", "", b"b").digest != Request("ab", "", b"").digest


def test_the_digest_of_today_is_that_of_tomorrow() -> None:
    made = RequestBuilder("chat", "gpt", {"seed": 1}, "s").build(
        Conversation((("user", "tea"),), "brief"), "k"
    )
    assert made.body == (
        b'{"model":"gpt","messages":[{"role":"system","content":"brief"},{"role":"user","content":"tea"}],"seed":1}'
    )
    assert made.digest.hex() == "cc59841f66b8ef103d6071b57c0f8258454622e53e3d739f9238eb6dcdee21d5"


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_a_text_that_cannot_be_sent_is_a_fault(text: str) -> None:
    with pytest.raises(Fault, match="bad_text"):
        RequestBuilder("chat", "m", {}, "").build(Conversation((("user", text),)), "")


def test_an_answer_that_was_read_is_not_read_again() -> None:
    answer = Answer("kept")
    assert read(Reply("chat", b"<html>", answer=answer)) is answer
    with pytest.raises(Fault):
        read(Reply("chat", b"<html>"))


@pytest.mark.parametrize("api", sorted(set(adapters.names("apis")) - {"chat", "responses"}))
def test_a_dialect_never_leaves_a_picture_out_in_silence(api: str) -> None:
    asked = Conversation((("user", "a"),), translation=("a", "en", "pt"), media=(Media("image/*", url="u"),))
    with pytest.raises(Fault, match=f"'{api}' takes no pictures and no sound"):
        RequestBuilder(api, "m", {}, "s").build(asked, "k")
