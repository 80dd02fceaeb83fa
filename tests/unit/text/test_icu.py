"""ICU messages: which are broken, and what a translation may change."""

from __future__ import annotations

import random
import time

import pytest

from pipeline.text._cldr import categories
from pipeline.text.icu import icu_findings, parsed

RUSSIAN = "{n,plural,one{# файл {name}}few{# файла {name}}many{# файлов {name}}other{# файла {name}}}"
ARABIC = "{n,plural,zero{0}one{1}two{2}few{#}many{#}other{#}}"
ZERO = "{n, plural, =0 {none} one {#} other {#}}"
TH = "{n, selectordinal, one {#st} two {#nd} few {#rd} other {#th}}"
FILES = "{n, plural, one {# file of {name}} other {# files of {name}}}"
SEX = "{sex, select, female {Her page} male {His page} other {Their page}}"


def codes(source: str, target: str, language: str) -> list[tuple[str, bool]]:
    return [(finding.code, finding.hard) for finding in icu_findings(source, target, language)]


@pytest.mark.parametrize(
    "text",
    ["", "a", "{a}", "{ a }", "{0}", "{a, number}", "{a, date, yyyy-MM-dd}", "{a, number, {x}}",
     "it's", "'{' {a}",
     "{n,plural,offset:1 =0{none}one{#}other{#}}", "{a, select, x {{n, plural, other {#}}} other {}}",
     "''", "'{a"],
)  # fmt: skip
def test_a_message_is_read(text: str) -> None:
    assert parsed(text) is not None


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{a", "{a,}", "{a, plural}", "{a, plural,}", "{a, plural, one {x}}", "{a b}", "{{a}}",
     "{n, plural, one {x} one {y} other {z}}", "{n, plural, other {x}", "{n, plural, other x}",
     "{a, number, {x}", "{a, plural, other {{}}}", "{a, select, other {x}}}"],
)  # fmt: skip
def test_what_is_no_message_is_none(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    "source, target, language",
    [
        ("Hello {name}", "{name}, hallo", "de"),
        (FILES, "{n, plural, one {# Datei von {name}} other {# Dateien von {name}}}", "de"),
        (FILES, "{n, plural, other {{name}の{n}ファイル}}", "ja"),
        (
            FILES,
            "{n,plural,one{# файл {name}}few{# файла {name}}many{# файлов {name}}other{# файла {name}}}",
            "ru",
        ),
        (FILES, "{n, plural, one {# {name}} many {# de {name}} other {# {name}}}", "fr-CA"),
        (FILES, "{n, plural, one {# {name}} other {# {name}}}", "es"),
        (FILES, "{n, plural, one {x {name}} other {# {name}}}", "xx"),
        ("{n, plural, =0 {none} =1 {one} other {#}}", "{n, plural, =0 {keine} =1 {eins} other {#}}", "de"),
        (
            "{n, plural, =0 {none} one {#} other {#}}",
            "{n,plural,zero{0}one{1}two{2}few{#}many{#}other{#}}",
            "ar",
        ),
        (SEX, "{sex, select, female {Ihre} male {Seine} other {Die}}", "de"),
        ("a '{' b {x}", "'{' {x}", "de"),
        ("it's {x}", "c’est {x}", "fr"),
        ("say '{name}'", "„{name}“", "de"),
        ("{{no icu}}", "{", "de"),
    ],
)
def test_a_good_translation_has_no_findings(source: str, target: str, language: str) -> None:
    assert icu_findings(source, target, language) == []


@pytest.mark.parametrize(
    "source, target, language, found",
    [
        ("Hello {name}", "Hallo", "de", [("placeholders", True)]),
        ("Hello {name}", "Hallo {Name}", "de", [("placeholders", True)]),
        ("Hello {name}", "Hallo {name}, {name}", "de", [("placeholders", True)]),
        ("Hello {name}", "Hallo {name", "de", [("icu", True)]),
        ("the {name}", "l'{name}", "fr", [("placeholders", True)]),
        ("on {d, date, long}", "am {d, time}", "de", [("placeholders", True)]),
        (FILES, "{n, plural, one {# {name}}}", "de", [("icu", True)]),
        (FILES, "{n, plural, ein {# {name}} other {# {name}}}", "de", [("plural", True), ("plural", False)]),
        (FILES, "{n, plural, one {# {name}} other {# {name}}}", "ru", [("plural", True)]),
        (FILES, "{n, plural, one {# {name}} other {# {name}}}", "zh-Hans", [("plural", False)]),
        (FILES, "{n, plural, one {eine} other {# {name}}}", "de", [("placeholders", False)]),
        (FILES, "{n} {name}", "de", [("plural", False)]),
        (SEX, "{sex, select, weiblich {Ihre} other {Die}}", "de", [("plural", True)]),
        (SEX, "{sex}", "de", [("plural", True)]),
        (
            "{n, plural, =0 {none} one {#} other {#}}",
            "{n, plural, one {#} other {#}}",
            "de",
            [("plural", False)],
        ),
        (
            "{n, plural, =1 {x} other {#}}",
            "{n,plural,=1 {x} few {#} many {#} other {#}}",
            "ru",
            [("plural", False)],
        ),
        (
            "{n, selectordinal, one {#st} two {#nd} few {#rd} other {#th}}",
            "{n, selectordinal, other {#.}}",
            "de",
            [],
        ),
        ("{n, selectordinal, other {#.}}", "{n, selectordinal, other {#th}}", "en", [("plural", True)]),
    ],
)
def test_what_is_wrong_is_found(
    source: str, target: str, language: str, found: list[tuple[str, bool]]
) -> None:
    assert codes(source, target, language) == found


def test_a_quoted_argument_is_explained() -> None:
    [finding] = icu_findings("the {n, plural, one {#} other {#}}", "l'{n, plural, one {#} other {#}}", "fr")
    assert "Write ’ for an apostrophe before a brace." in finding.message


@pytest.mark.parametrize(
    "language", ["en", "de", "fr", "ru", "ja", "ar", "pl", "cs", "lv", "pt-BR", "zh-Hant", "he"]
)
def test_a_language_has_the_category_that_icu_insists_on(language: str) -> None:
    known = categories(language)
    assert known and "other" in known.needed and known.needed <= known.allowed | {"other"}


def random_message(rng: random.Random, depth: int) -> str:
    """A message that is right."""
    parts = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(4)
        if kind == 0 or not depth:
            parts.append(rng.choice(["word ", "it's ", "''", "'{}' ", "語"]))
        elif kind == 1:
            parts.append(rng.choice(["{a}", "{b, number}", "{c, date, short}"]))
        else:
            keys = ["one", "other"] if kind == 2 else ["x", "other"]
            word = "plural" if kind == 2 else "select"
            inner = "".join(f" {key} {{{random_message(rng, depth - 1)}}}" for key in keys)
            parts.append(f"{{n, {word},{inner}}}")
    return "".join(parts)


@pytest.mark.parametrize("seed", range(60))
def test_a_message_is_its_own_translation_and_a_lost_brace_is_found(seed: int) -> None:
    rng = random.Random(seed)
    text = random_message(rng, 3)
    assert parsed(text) is not None and icu_findings(text, text, "en") == []
    if braces := [i for i, sign in enumerate(text) if sign in "{}" and "'" not in text]:
        cut = rng.choice(braces)
        assert icu_findings(text, text[:cut] + text[cut + 1 :], "en") != []


@pytest.mark.parametrize(
    "text",
    ["{" * 200_000, "{a, plural, other {" * 50_000, "'{" * 200_000, "'" * 200_001, "{a, x, {" * 100_000],
)
def test_hostile_messages_take_no_time(text: str) -> None:
    begin = time.process_time()
    parsed(text)
    assert [finding.hard for finding in icu_findings("{a}", text, "de")] == [True]
    assert time.process_time() - begin < 5
