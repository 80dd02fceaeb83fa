"""Fluent: patterns, variants, what is opaque, and how translations are written."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Policy
from pipeline.documents import fluent
from tests.support import ROOT

APP = (ROOT / "tests/support/documents/fluent/app.ftl").read_bytes()
TEXTS = [
    ("-brand", "Our App", "The name of the app"),
    ("-brand.gender", "feminine", "The name of the app"),
    ("menu-open", "Open { $name }", "Shown in the menu Variables: $name (String)"),
    ("menu-open.title", "Open a <b>file</b>", "Shown in the menu Variables: $name (String)"),
    ("about", 'A text in\n  two lines,\n\nand { "{" } braces.', ""),
    ("unread", "You have", ""),
    ("unread[one]", "one message", "for $count = one"),
    ("unread[other]", "{ $count } messages\nin", "for $count = other"),
    ("unread[other][home]", "your home", "for $count = other; for $place = home"),
    ("unread", "now.", ""),
    ("last", "The end", ""),
]


def test_patterns_attributes_and_variants_are_segments() -> None:
    document = fluent.read("app.ftl", APP, Policy())
    assert [(segment.path, segment.text, segment.note) for segment in document.segments] == TEXTS
    assert {segment.syntax for segment in document.segments} == {"fluent"}
    assert document.lint == ("app.ftl, line 31: a { is not closed in broken",)
    assert set(document.skipped) == {"attribute", "no words", "broken", "keys and comments"}


def test_placeables_are_opaque_and_tags_are_shown() -> None:
    segments = fluent.read("app.ftl", APP, Policy()).segments
    hidden = [[segment.text[a:b] for a, b in segment.opaque] for segment in segments]
    assert hidden[2] == ["{ $name }"] and hidden[4] == ['{ "{" }'] and hidden[7] == ["{ $count }"]
    assert [segments[3].text[a:b] for a, b in segments[3].markup] == ["<b>", "</b>"]


def test_a_translation_is_indented_and_begins_no_attribute() -> None:
    document = fluent.read("app.ftl", APP, Policy())
    targets: list[str | None] = [None] * len(TEXTS)
    targets[2] = "{ $name }\n.öffnen\n\n*jetzt"
    targets[4] = "[Eins]\n  zwei"
    targets[6] = "eine"
    targets[7] = "{ $count }\n}"
    built = document.build(targets, "de").decode()
    assert 'menu-open = { $name }\n    { "." }öffnen\n\n    { "*" }jetzt\n    .title' in built
    assert 'about =\n    { "[" }Eins]\n      zwei\n\nunread' in built
    assert "[one] eine\n" in built
    assert '            { $count }\n            { "}" } { $place ->' in built


@pytest.mark.parametrize("target", ["{", "}", "{ $name", "} {", "{ { }", '{ "{" '])
def test_a_brace_without_its_partner_is_found(target: str) -> None:
    document = fluent.read("app.ftl", APP, Policy())
    [finding] = document.findings(2, target)
    assert (finding.code, finding.hard) == ("structure", True)
    assert document.findings(2, '{ $name } { "}" } { "{" } "quoted') == []


@pytest.mark.parametrize("seed", range(60))
def test_any_file_stays_as_it_is_and_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    eol = rng.choice(["\n", "\r\n"])

    def words() -> str:
        return " ".join(
            ["word", *rng.choices(['"x"', "{ $a }", "é", "語 [x]", "a = b", '{ "}" }', "#"], k=3), "end"]
        )

    def pattern() -> str:
        kind = rng.randrange(4)
        if kind == 0:
            return f"{eol}    {words()}{eol}{eol}      {words()}"
        if kind == 1:
            return f"{{ $n ->{eol}    [one] {words()}{eol}   *[other]{eol}        {words()}{eol}    }}"
        return words()

    parts = []
    for number in range(8):
        parts += [rng.choice(["", "# note", "## group", "junk = "]), f"m{number} = {pattern()}"]
        parts += [f"    .a = {words()}"] * rng.randrange(2)
    content = eol.join(parts).encode()
    document = fluent.read("a.ftl", content, Policy())
    assert document.build([None] * len(document.segments)) == content
    assert document.build([segment.text for segment in document.segments]) == content
    assert len(document.segments) >= 8
    targets = [f"{words()}\n{words()}" for _ in document.segments]
    again = fluent.read("a.ftl", document.build(targets), Policy())
    assert [segment.text for segment in again.segments] == targets


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "{" * 300_000, "{ $a -> *[b] " * 100_000, "\n" * 500_000, "\n    x" * 100_000,
     "{ $a -> *[b] " * 2_000 + "x" + "\n}" * 2_000, "{ }" * 200_000, "\n .a = word" * 50_000,
     "{\na = " * 100_000, "<b>{ $a }</b>" * 30_000],
)  # fmt: skip
def test_hostile_files_take_no_time(text: str) -> None:
    content = f"a = word {text}\nb = word\n".encode()
    document = fluent.read("a.ftl", content, Policy())
    assert document.build([None] * len(document.segments)) == content
