"""Steps: an answer is asked for until it holds, and what must never pass as good is a fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from pipeline.core.domain import Billed, Reply
from tests.support.fakes import Provider, chat_body, said
from tests.support.stages import failed, stage, taken


async def test_an_answer_is_stripped_and_asked_for_once(tmp_path: Path) -> None:
    provider = Provider([said("  an answer \n")])
    of = stage(tmp_path, prompt="Write about {{ title }}.", system="Be {{ tone }}.")
    assert await taken(of, provider, title="tea", tone="brief") == "an answer"
    assert [m["content"] for m in provider.bodies[0]["messages"]] == ["Be brief.", "Write about tea."]


async def test_an_answer_is_labelled_with_the_model_that_wrote_it(tmp_path: Path) -> None:
    models = {
        "m": {"provider": "scripted", "model": "x", "fallback": {"model": "n"}},
        "n": {"provider": "scripted", "model": "y"},
    }
    of = stage(tmp_path, models=models, model="m", prompt="p")
    for model, label in (("scripted/x", "scripted/x"), ("scripted/y", "scripted/y"), ("", "scripted/x")):
        reply = replace(said("an answer"), model=model)
        got = await of.runner.take({}, "1", Provider([reply]))
        assert (got.value, got.by, got.known) == ("an answer", label, False)


async def test_a_request_carries_the_same_question_to_every_model_behind_its_own(tmp_path: Path) -> None:
    models = {
        "m": {"provider": "scripted", "model": "x", "fallback": {"model": "n"}, "params": {"seed": 1}},
        "n": {"provider": "scripted", "model": "y", "fallback": {"model": "o"}},
        "o": {"provider": "scripted", "model": "z", "params": {"top_p": 1}},
    }
    of = stage(tmp_path, models=models, model="m", prompt="p", params={"seed": 2})
    first = of.runner.first_request({}, "1")
    assert first.instead is not None and first.instead.instead is not None
    bodies = [orjson.loads(one.body) for one in (first, first.instead, first.instead.instead)]
    assert [(b["model"], b["seed"], b.get("top_p")) for b in bodies] == [
        ("scripted/x", 2, None), ("scripted/y", 2, None), ("scripted/z", 2, 1),
    ]  # fmt: skip
    assert first.instead.instead.instead is None


async def test_a_repair_is_the_same_conversation_one_turn_longer(tmp_path: Path) -> None:
    provider = Provider([said("too long"), said("still too long"), said("ok")])
    of = stage(tmp_path, prompt="p", system="s", checks={"length": {"max": 3}}, repairs=2)
    assert await taken(of, provider) == "ok"
    first, second, third = ([(m["role"], m["content"]) for m in b["messages"]] for b in provider.bodies)
    assert first == [("system", "s"), ("user", "p")]
    assert second[:3] == [*first, ("assistant", "too long")]
    assert second[3][0] == "user"
    assert "has 8 characters" in second[3][1]
    assert third[:4] == second
    assert third[4] == ("assistant", "still too long")
    assert "has 14 characters" in third[5][1]


@pytest.mark.parametrize("repairs", [0, 1, 3])
async def test_repairs_that_are_used_up_reject_the_answer(repairs: int, tmp_path: Path) -> None:
    provider = Provider([said("too long")])
    of = stage(tmp_path, prompt="p", checks={"length": {"max": 3}}, repairs=repairs)
    fault = await failed(of, provider)
    assert (fault.kind, fault.billed) == ("rejected", Billed.YES)
    assert "8 characters" in fault.message
    assert len(provider.requests) == repairs + 1


async def test_all_complaints_are_said_at_once(tmp_path: Path) -> None:
    checks = {"length": {"max": 3}, "contains": "tea", "excludes": ["sorry"]}
    fault = await failed(stage(tmp_path, prompt="p", checks=checks, repairs=0), Provider([said("sorry!")]))
    assert all(word in fault.message for word in ('"tea"', '"sorry"', "6 characters"))


FAULTY = [
    ("length", said("half a sen", "length"), "truncated"),
    ("refusal", Reply("chat", chat_body(None, refusal="I cannot")), "refused"),
    ("empty", said("  \n "), "empty"),
    (None, said("part", "content_filter"), "filtered"),
    (None, Reply("chat", chat_body(None, "tool_calls", tool_calls=[{"id": "1"}])), "unfinished"),
    (None, said("", "a word that nobody knows"), "unfinished"),
]


@pytest.mark.parametrize(("word", "reply", "kind"), FAULTY)
async def test_what_must_not_pass_as_good_is_a_fault(
    word: str | None, reply: Reply, kind: str, tmp_path: Path
) -> None:
    every = [other for other in ("length", "refusal", "empty") if other != word]
    for allow in ([], every):
        provider = Provider([reply])
        fault = await failed(stage(tmp_path, prompt="p", allow=allow), provider)
        assert (fault.kind, fault.billed, len(provider.requests)) == (kind, Billed.YES, 1)


@pytest.mark.parametrize(
    ("allow", "kind"), [([], "truncated"), (["empty"], "truncated"), (["length"], "empty")]
)
async def test_reasoning_that_never_ends_is_no_answer(allow: list[str], kind: str, tmp_path: Path) -> None:
    fault = await failed(stage(tmp_path, prompt="p", allow=allow), Provider([said("<think>half a thought")]))
    assert (fault.kind, fault.billed) == (kind, Billed.YES)


async def test_a_text_to_translate_may_begin_with_a_block_of_its_own(tmp_path: Path) -> None:
    of = stage(tmp_path, translate={"text": "{{ t }}", "from": "en", "to": "de"})
    said_in_german = "<think>Hm, das war gut.</think> Der Tee ist gut."
    provider = Provider([said(said_in_german)])
    assert await taken(of, provider, t="<think>Hm, that was good.</think> The tea is good.") == said_in_german
    assert await taken(of, provider, t="The tea is good.") == "Der Tee ist gut."


async def test_reasoning_is_never_sent_back(tmp_path: Path) -> None:
    provider = Provider([said("<think>a secret</think>\n\ntoo long"), said("ok")])
    of = stage(tmp_path, prompt="p", checks={"length": {"max": 3}}, repairs=1)
    assert await taken(of, provider) == "ok"
    assert provider.bodies[1]["messages"][1] == {"role": "assistant", "content": "too long"}


@pytest.mark.parametrize(("word", "reply"), [(word, reply) for word, reply, _ in FAULTY if word])
async def test_what_is_allowed_passes(word: str, reply: Reply, tmp_path: Path) -> None:
    assert isinstance(await taken(stage(tmp_path, prompt="p", allow=[word]), Provider([reply])), str)


async def test_an_answer_in_json_is_repaired_with_what_is_wrong(tmp_path: Path) -> None:
    provider = Provider([said("not json"), said('{"a": "x"}'), said('{"a": 5}')])
    of = stage(tmp_path, prompt="p", answer={"json": {"a": "integer"}}, repairs=2)
    assert await taken(of, provider) == {"a": 5}
    assert "not JSON" in provider.bodies[1]["messages"][-1]["content"]
    assert "at a" in provider.bodies[2]["messages"][-1]["content"]


@pytest.mark.parametrize("allow", [["empty"], ["empty", "refusal"]])
async def test_an_allowed_empty_answer_is_no_json(allow: list[str], tmp_path: Path) -> None:
    of = stage(tmp_path, prompt="p", answer={"json": {"a": "string"}}, allow=allow)
    assert await taken(of, Provider([said("")])) is None


# translate
