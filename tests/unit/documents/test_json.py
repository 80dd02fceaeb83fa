"""JSON and ARB files of messages: which texts are asked for, and how translations are written."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.documents import arb
from pipeline.documents import json as json_format
from tests.support import ROOT

SAMPLES = ROOT / "tests/support/documents"
MENU = (SAMPLES / "json/menu.json").read_bytes()
DESCRIBED = (SAMPLES / "json/described.json").read_bytes()
BUNDLE = (SAMPLES / "arb/app_en.arb").read_bytes()


def test_texts_with_words_are_segments_and_all_others_have_a_reason() -> None:
    document = json_format.read("menu.json", MENU, Policy())
    assert {segment.path: segment.text for segment in document.segments} == {
        "menu.file.open": 'Open "file"…',
        "menu.file.save!": "Save — now",
        "menu.colours.0": "Red",
        "link": "https://example.com/a b",
        "greeting": "Hello, {{name}} &amp; <b>all</b>!",
        "files": "{n, plural, one {# file} other {# files}}",
    }
    assert set(document.skipped) == {"keys", "colour", "address", "path", "identifier", "no words", "empty"}
    assert [segment.syntax for segment in document.segments] == ["", "", "", "", "", "icu"]
    greeting = document.segments[4]
    assert [greeting.text[start:end] for start, end in greeting.markup] == ["<b>", "</b>"]


def test_a_description_is_told_and_not_translated() -> None:
    document = json_format.read("code.json", DESCRIBED, Policy())
    assert [(segment.path, segment.text, segment.note) for segment in document.segments] == [
        ("home.title", "Welcome to /docs, {name}", "The title of the page"),
        ("home.end", "Bye", ""),
    ]
    built = document.build(["À /docs, {name}", None], "fr")
    assert built == DESCRIBED.replace(b"Welcome to \\/docs", "À \\/docs".encode())


def test_an_object_with_more_than_a_description_is_translated_whole() -> None:
    content = b'{"error": {"message": "It failed", "description": "Try again", "title": "Oh"}}'
    assert len(json_format.read("a.json", content, Policy()).segments) == 3


def test_letters_are_escaped_where_the_file_escapes_them() -> None:
    document = json_format.read("a.json", b'["caf\\u00e9", "tea"]', Policy())
    assert document.build([None, "th\xe9"]) == b'["caf\\u00e9", "th\\u00e9"]'


def random_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(6 if depth else 4)
    if kind == 4:
        return {random_text(rng): random_value(rng, depth - 1) for _ in range(rng.randrange(4))}
    if kind == 5:
        return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return random_text(rng) if kind else rng.choice([None, True, 1.5, -3, "", "#fff"])


def random_text(rng: random.Random) -> str:
    signs = ["a", "é", "語", " ", '"', "\\", "/", "\n", "\t", "{", "}", "[", ":", ",", "\x01", "😀", "\u2028"]
    return "word" + "".join(rng.choices(signs, k=rng.randrange(12)))


@pytest.mark.parametrize("seed", range(40))
def test_any_file_stays_as_it_is_and_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    value = {"a": random_value(rng, 5), "b": random_text(rng)}
    content = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2])).encode()
    document = json_format.read("a.json", content, Policy())
    assert document.build([None] * len(document.segments)) == content
    assert document.build([segment.text for segment in document.segments]) == content
    targets = [random_text(rng) for _ in document.segments]
    again = json_format.read("a.json", document.build(targets), Policy())
    assert [segment.text for segment in again.segments] == targets


@pytest.mark.parametrize(
    "content, said",
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": "b"', "ends too early|comma"),
        (b'{"a": "\x00"}', "control character"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"", "value is missing"),
    ],
)
def test_what_is_no_json_is_refused_in_plain_words(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        json_format.read("a.json", content, Policy())


def test_half_of_a_pair_of_surrogates_is_left_alone() -> None:
    content = b'{"a": "word \\ud83d", "b": "word"}'
    document = json_format.read("a.json", content, Policy())
    assert [segment.text for segment in document.segments] == ["word"]
    assert document.build(["x \ud83d"]) == b'{"a": "word \\ud83d", "b": "x \\ud83d"}'


@pytest.mark.parametrize("name", ["package.json", "docs/tsconfig.json", "x.schema.json", ".eslintrc.json"])
def test_settings_of_tools_are_no_messages(name: str) -> None:
    assert not json_format.recognises(name, b"{}")
    assert json_format.recognises("locales/en.json", b"{}")


def test_a_bundle_gives_notes_and_names_its_language() -> None:
    document = arb.read("app_en.arb", BUNDLE, Policy())
    assert [(segment.path, segment.note, segment.syntax) for segment in document.segments] == [
        ("title", "Title of the first page", "icu"),
        ("unread", "", "icu"),
    ]
    assert document.build([None, None]) == BUNDLE
    expected = BUNDLE.replace(b'"en"', b'"pt_BR"').replace(b"Inbox", b"Entrada")
    assert document.build(["Entrada", None], "pt-BR") == expected


@pytest.mark.parametrize("content", [b"[]", b'"a"', b"{"])
def test_a_bundle_is_an_object(content: bytes) -> None:
    with pytest.raises(InputError):
        arb.read("a.arb", content, Policy())
