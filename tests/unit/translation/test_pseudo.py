"""A pseudo-translation changes the words, and nothing else."""

from __future__ import annotations

import random
import re
import time
from collections import Counter

import pyromark
import pytest

from pipeline.core.document import PSEUDO, Segment, Span
from pipeline.documents._texts import tags
from pipeline.translation.pseudo import CLOSING, OPENING, pseudo
from pipeline.translation.question import Question
from pipeline.translation.verdict import findings

OPTIONS = (
    pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_MATH
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Save file", "［Şȧȧṽḗḗ ƒīŀḗ］"),
        ("Hello {name}!", "［Ħḗḗŀŀǿǿ {name}!］"),
        ("机器学习模型训练吗？", "［机器学习模型训练吗？ ···］"),
        ("保存 file", "［保存 ƒīīŀḗḗ］"),
        ("  hm\n", "  ［ħḿ ·］\n"),
        ("", ""),
        (" \n", " \n"),
        ("12 %", "12 %"),
        ("{name}", "{name}"),
        ("https://a.example/b", "https://a.example/b"),
    ],
)
def test_words_get_accents_and_grow_in_brackets(text: str, expected: str) -> None:
    assert pseudo(text) == expected


@pytest.mark.parametrize(
    "sign",
    [
        "{name}",
        "{0}",
        "{{ user.name }}",
        "${total}",
        "%{count}",
        "%s",
        "%(count)d",
        "%1$s",
        "%.2f",
        "%@",
        "&nbsp;",
        "&#39;",
        "<b class='x'>",
        "</b>",
        "<br/>",
        "\\n",
        "\\u00e9",
        "https://a.example/b?c=d",
        "www.a.example",
        "a.b@c.example",
        "{n, number, integer}",
    ],
)
def test_signs_stay_as_they_are(sign: str) -> None:
    assert sign in pseudo(f"Words before {sign} words behind")


def test_given_spans_stay_as_they_are() -> None:
    text = "See `pip install` and **bold**"
    spans = [found.span() for found in re.finditer(r"`[^`]*`|\*\*", text)]
    assert pseudo(text, spans) == "［Şḗḗḗḗ `pip install` ȧȧƞḓ **ƀǿŀḓ**］"


def test_an_icu_message_keeps_its_branches() -> None:
    text = "{n, plural, offset:1 =0 {no file} one {# file} other {# files in {folder}}}"
    changed = pseudo(text)
    for sign in ("{n, plural, offset:1 =0 {", "} one {# ", "} other {# ", "{folder}}}"):
        assert sign in changed
    assert "ƒī" in changed


def structure(text: str) -> Counter[str]:
    """The events of a Markdown text but for its words."""
    events = pyromark.events(text, options=OPTIONS)
    return Counter(repr(event) for event in events if not (isinstance(event, dict) and "Text" in event))


PARTS = [
    "Some words", "**bold text**", "_emphasis_", "*one*", "`code`", "[a link](https://a.example/x_y)",
    "~~gone~~", "![alt](a.png)", "5 * 3", "1. one", "# not a heading", "- no item", "| cell", "<b>html</b>",
    "模型**重要**", "&amp;", "\\*", "!", "...", "x_y_z", "+ plus", "> quote", "== a", "~ b", "$a$",
]  # fmt: skip
KEPT = re.compile(r"\]\([^)]*\)|`[^`]*`|\$[^$]*\$|\*\*|[*_\[\]!#]|~~")


@pytest.mark.parametrize("seed", range(10))
def test_the_structure_of_markdown_holds(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(100):
        text = " ".join(["Words", *draw.choices(PARTS, k=draw.randint(0, 7))])
        spans: list[Span] = [found.span() for found in KEPT.finditer(text)]
        changed = pseudo(text, spans)
        assert structure(changed) == structure(text)
        assert changed.startswith(OPENING)
        assert changed.endswith(CLOSING)
        assert changed == pseudo(text, spans)


FRAGMENTS = [
    *filter(str.isascii, PARTS), "`retry-after: 2`", "``a ` b``", "`out_of_quota`", "`{name}`", "`保存`",
    "<br/>", "<a href='x'>link</a>", "{name}", "{0}", "%s of %d", "{{ user.name }}", "${total}", "%{count}",
    "https://a.example/b?c=d.", "a@b.example", "wss://a.example/b", "file:///a/b", "see [it](b.md#c)",
    "Words\n[a]: b.md", "[ref][a]", "<a.html>", "“Save”", "(see above)", "10 MB", "3.5", "2026-11-26",
    "Ctrl+C", "e.g. this", "API", "NaN", "1e308", "\n\nTwo lines", "What?", "No!", "…", "\\n", "&nbsp;",
    "#tag", "@name", "--option", "$HOME", "it's", "- a", "A:",
]  # fmt: skip


@pytest.mark.parametrize("syntax", ["", "printf", "android", "icu", "fluent", "python-brace"])
@pytest.mark.parametrize("seed", range(4))
def test_no_gate_finds_fault_with_it(seed: int, syntax: str) -> None:
    draw = random.Random(f"{seed} {syntax}")
    for _ in range(150):
        text = " ".join(draw.choices(FRAGMENTS, k=draw.randint(1, 7)))
        segment = Segment(text, syntax=syntax, markup=tags(text))
        found = findings(Question(segment, "en", PSEUDO), changed := pseudo(text))
        only_signs = changed == text and "&" in text
        assert only_signs or not [one for one in found if one.hard], changed


@pytest.mark.parametrize("part", PARTS)
def test_no_beginning_is_a_block_of_markdown(part: str) -> None:
    changed = pseudo(part)
    if changed != part:
        assert (
            structure(changed)["{'Start': 'Paragraph'}"]
            == 1
            == sum("Start" in event and "Paragraph" in event for event in structure(changed))
        )


@pytest.mark.parametrize(
    "text", ["The quick brown fox jumps over the lazy dog. " * 4, "敏捷的棕色狐狸" * 9, "Быстрая лиса " * 9]
)
def test_it_is_about_a_third_longer(text: str) -> None:
    letters = sum(map(str.isalpha, text))
    assert 0.25 * letters <= len(pseudo(text)) - len(text) <= 0.35 * letters + 4


@pytest.mark.parametrize(
    "part", ["{", "<", "&a", "%(", "{n,plural,", "a@", "\\", "www.", "\ud800", "\0x", "e\u0301", "x" * 99]
)
def test_hostile_texts_take_linear_time(part: str) -> None:
    start = time.process_time()
    assert pseudo("word " + part * (300_000 // len(part)))
    assert time.process_time() - start < 5
