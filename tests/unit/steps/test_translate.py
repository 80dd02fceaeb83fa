"""Translations: what is asked, and what is sent back."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pipeline.answers.asking import Taken
from pipeline.engine.stages import Stage
from tests.support.fakes import Provider, said
from tests.support.stages import failed, stage, taken
from tests.support.translations import complaint

SOURCE = "See [our shop](https://shop.example/a?b=1&amp;c) or mail a.b@shop.example. JavaScript : a book."


def translation(folder: Path, text: str = "{{ t }}", **more: Any) -> Stage:
    return stage(folder, translate={"text": text, "from": "en", "to": "{{ lang }}", **more})


async def test_a_translation_says_languages_and_the_text_alone(tmp_path: Path) -> None:
    provider = Provider([said("Ein grüner Tee")])
    assert (
        await taken(translation(tmp_path, style="Use du."), provider, t="A green tea", lang="de")
        == "Ein grüner Tee"
    )
    system, user = provider.bodies[0]["messages"]
    assert user == {"role": "user", "content": "A green tea"}
    assert "from English (en) into German (de)" in system["content"]
    assert system["content"].endswith("\nUse du.")


@pytest.mark.parametrize(
    "text", ["", "  ", "123", "3 × 4 = 12", "{name}", "https://x.org/a", "<br/>", "%s", "!?"]
)
async def test_a_text_without_words_costs_nothing(text: str, tmp_path: Path) -> None:
    provider = Provider()
    of = translation(tmp_path)
    assert await of.runner.take({"t": text, "lang": "de"}, "1", provider) == Taken(text, by="")
    assert provider.requests == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [("ok", "gut"), ("茶", "Tee"), ("привет", "hallo"), ("{name} is here", "{name} ist da")],
)
async def test_a_text_with_words_is_asked_for(text: str, answer: str, tmp_path: Path) -> None:
    provider = Provider([said(answer)])
    await taken(translation(tmp_path), provider, t=text, lang="de")
    assert len(provider.requests) == 1


@pytest.mark.parametrize("lang", ["", "  ", None])
async def test_an_empty_language_is_a_fault(lang: str | None, tmp_path: Path) -> None:
    assert (await failed(translation(tmp_path), Provider(), t="a tea", lang=lang)).kind == "template"


async def test_a_translation_that_lost_something_is_sent_back(tmp_path: Path) -> None:
    provider = Provider([said("Hallo"), said("Hallo {name}")])
    assert await taken(translation(tmp_path), provider, t="Hello {name}", lang="de") == "Hallo {name}"
    assert "lost {name}" in provider.bodies[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("source", "answer"),
    [("A green tea here", "a green  TEA here"), ("See {name} and {name}", "Siehe {name}"),
     ("%s tea %d", "%s Tee"),
     ("${x} tea", "Tee"), ("<b>tea</b>", "Tee"), ("go to https://x.org/a?b=1", "geh zu https://x.org"),
     ("mail a@b.org", "Mail"), ("run `make`", "lauf make"), ("{{ x }} tea", "{{ y }} Tee"),
     ("%(n)s tea", "Tee"), ("see https://x.org/a. Bye", "siehe https://x.org/ab. Bis bald"),
     ('<img src="a.png" alt="Tea">', '<img src="b.png" alt="Tee">'), ("a<br>b", "a b")],
)  # fmt: skip
def test_a_translation_is_complained_about(source: str, answer: str) -> None:
    assert complaint(source, answer)


@pytest.mark.parametrize(
    ("source", "answer"),
    [("A green tea", "Ein grüner Tee"), ("Tea", "Tea"), ("New York", "New York"), ("{a} {b}", "{b} {a}"),
     ("100 % sure", "100 % sicher"), ("a < b and c > d", "a < b und c > d"), ("", "")],
)  # fmt: skip
def test_a_good_translation_is_not(source: str, answer: str) -> None:
    assert complaint(source, answer) == ""


@pytest.mark.parametrize(
    "added",
    [
        "https://evil.example/?q=secret",
        "HTTP://EVIL.EXAMPLE",
        "www.evil.example",
        "ftp://evil.example/x",
        "[a](//evil.example)",
        "[a](javascript:alert(1))",
        "[a](java\tscript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "java\u200bscript:alert(1)",
        "[a](data:text/html;base64,PHNj)",
        "[a](vbscript:x)",
        "![](https://shop.example/a?b=1&amp;c)",
        "![pixel](/track.gif)",
        "<img src=https://shop.example/a?b=1&amp;c>",
        "<img\nsrc='x.png'>",
        "<a href='//evil.example'>x</a>",
        "[a]: https://evil.example",
        "<https://evil.example>",
        "mail x@evil.example",
    ],
)
def test_a_link_that_the_source_has_not_is_a_complaint_unless_allowed(added: str) -> None:
    answer = f"Siehe [Laden](https://shop.example/a?b=1&amp;c), a.b@shop.example. {added}"
    assert "links that the text has not" in complaint(SOURCE, answer)
    assert complaint(SOURCE, answer, new_links=True) == ""


BEFORE = ("", "\u201e", '"', "(", "\u300c", "**", "see ")
BEHIND = (".", ",", "\u3002", "!\u201d", '"', ")", "\uff0c", "**", "?", "\u300d", " ")
KEPT = ("https://x.org/a?b=1", "https://x.org/", "help@x.org", "https://x.org/a_b")


@pytest.mark.parametrize("address", KEPT)
def test_signs_around_an_address_belong_to_the_sentence(address: str) -> None:
    for before, behind in product(BEFORE, BEHIND):
        for source in (f"Read {address}.", f"Read {address}, please", f'Read "{address}" now'):
            answer = f"Bitte lesen Sie {before}{address}{behind}"
            assert complaint(source, answer) == "", answer


@pytest.mark.parametrize(
    ("source", "answer"),
    [("a<br>b", "a<br/>b"), ("a<BR />b", "a<br>b"),
     ('<a href="u" title="Tea">t</a>', "<a title='Tee' href='u'>T</a>"),
     ('<img src="a.png" alt="A red car">', '<img src="a.png" alt="Ein rotes Auto">')],
)  # fmt: skip
def test_a_tag_is_kept_in_any_spelling_and_its_words_are_translated(source: str, answer: str) -> None:
    assert complaint(source, answer) == ""
