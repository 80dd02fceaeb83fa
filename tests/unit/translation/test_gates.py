"""The gates: good translations pass, and each fault is found under its code."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from pipeline.core.document import Finding, Segment
from pipeline.translation import verdict
from pipeline.translation.question import Question, Term
from tests.support.parallel import OF_WORDS, SENTENCES, STRUCTURAL, faults

PAIRS = list(permutations(SENTENCES, 2))


def found(
    source: str, answer: str, languages: str = "en-de", terms: tuple[Term, ...] = (), **more: object
) -> dict[str, bool]:
    """The codes of what is found, each with whether it is hard."""
    of, _, to = languages.partition("-")
    findings = verdict.findings(Question(Segment(source, **more), of, to, terms), answer)  # type: ignore[arg-type]
    return {finding.code: finding.hard for finding in findings}


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_good_translations_pass_and_faults_are_found(pair: tuple[str, str]) -> None:
    random = Random(f"{pair}")
    for source, target in zip(*map(SENTENCES.__getitem__, pair), strict=True):
        question = Question(Segment(source), *pair)
        assert verdict.findings(question, target) == []
        for name, answer in faults(source, target, random):
            findings = verdict.findings(question, answer)
            assert findings, (name, source, answer)
            if name in STRUCTURAL or name == "echo":
                assert any(finding.hard for finding in findings), (name, source, answer)
            assert {finding.code for finding in findings} <= set(verdict.CODES)
            assert name in STRUCTURAL | OF_WORDS


GOOD = [
    ("New York", "New York", "en-de"), ("GitHub Actions", "GitHub Actions", "en-zh"),
    ("東京大学", "东京大学", "ja-zh"), ("Tea", "", "en-de"), ("100 % sure", "100 % sicher", "en-de"),
    ("看 https://bare.link/中文。", "See https://bare.link/.", "zh-en"),
    ("See https://x.org/a_(b).", "参见 https://x.org/a_(b)。", "en-zh"),
    ("Mail help@x.org, please.", "请发邮件给help@x.org。", "en-zh"),
    ("It costs 1,000.50 dollars in 2020.", "Es kostete 2020 1.000,50 Dollar.", "en-de"),
    ("Twenty-one of 21 people", "Einundzwanzig von einundzwanzig Leuten", "en-de"),
    ("In 2020 the town had 30,000 people.", "2020年，该镇有3万人。", "en-zh"),
    ("%s has %d files", "%2$d Dateien hat %1$s", "en-de"),
    ("Please install `pip` first.", "请先安装 `pip`。", "en-zh"),
    ("请看 `重点内容` 这一节。", "See the section `key points`.", "zh-en"),
    ("I'm sorry, I cannot come today.", "Es tut mir leid, ich kann leider nicht kommen.", "en-de"),
    ("It is the one, which the king has sent.", "Es ist die, die die Königin geschickt hat.", "en-de"),
    ("a < b and c > d", "a < b und c > d", "en-de"),
    ("The color of the sea", "The colour of the sea", "en-US-en-GB"),
    ("pip installs the package", "pip installiert das Paket", "en-de"),
    ("“Come in,” said the old man.", "- Proszę wejść - powiedział starzec.", "en-pl"),
    ("- one thing\n- the other", "- das eine\n- das andere", "en-de"),
    ("Use \\n here", "Nimm hier \\n", "en-de"),
    ("Write &lt; for it", "Schreibe &lt; dafür", "en-de"),
    ("A very, very long way to go.", "Ein sehr, sehr langer Weg.", "en-de"),
    ("Dokument: Handbuch, Abschnitt: Start", "Document: Manual, Section: Start", "de-en"),
    ("Diesen Text übersetzen in: Deutsch", "Translate this text into: German", "de-en"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "answer", "languages"), GOOD[:3] + GOOD[4:])
def test_what_people_write_passes(source: str, answer: str, languages: str) -> None:
    if languages == "en-US-en-GB":
        assert verdict.findings(Question(Segment(source), "en-US", "en-GB"), answer) == []
    else:
        assert found(source, answer, languages) == {}


LONG = "The committee met on Tuesday and decided that the new bridge will be built next year."
LANG = "Der Ausschuss tagte am Dienstag und beschloss, dass die neue Brücke nächstes Jahr gebaut wird."
BAD = [
    ("A tea", "", "en-de", "empty", True), ("A tea for two persons", "-", "en-de", "empty", True),
    (LONG, LANG.replace("neue", "ne\x00ue"), "en-de", "characters", True),
    (LONG, "I'm sorry, but I can't help with that.", "en-de", "refusal", True),
    ("请帮我写一篇文章。", "I'm sorry, but I can't assist with that request.", "zh-en", "refusal", True),
    (LONG, f"Sure, here is the translation: {LANG}", "en-de", "preamble", True),
    (LONG, f"Übersetzung: {LANG}", "en-de", "preamble", True),
    (LONG, f"{LANG}\n\nNote: the name was kept.", "en-de", "preamble", True),
    (LONG, f"```\n{LANG}\n```", "en-de", "preamble", True),
    (LONG, LONG, "en-de", "echo", True), ("今天天气", "今天天气", "zh-en", "echo", True),
    (LONG, "El comité se reunió el martes y decidió que el nuevo puente se hará.", "en-de", "language", True),
    (LONG, "委員會週二開會，決定明年興建新的橋樑，並將於秋天開始動工。", "en-zh-Hans", "language", True),
    (LONG, "委员会周二开会，决定明年修建新的桥梁，并将于秋天开始动工。", "en-zh-TW", "language", True),
    (LONG, "委员会周二开会，决定明年修建新的桥梁。", "en-ja", "language", True),
    (LONG, "委員会は火曜日に開かれ、来年新しい橋を建設することを決定した。", "en-zh", "language", True),
    (LONG, "The board met on Tuesday to decide on a bridge next year.", "en-ru", "language", True),
    (LONG, "委员会周二开会，and decided that the new bridge will be built。", "en-zh", "leakage", True),
    ("委员会周二开会，决定明年修建新的桥梁。", "They met 决定明年修建新的桥梁.", "zh-en", "leakage", True),
    ("你好世界，今天天气很好。", "Hello 世界, the weather is good today.", "zh-en", "leakage", False),
    (LONG, f"{LANG} {LANG} {LANG}", "en-de", "length", True),
    ("What is it?", "It is a program " * 20 + "that works.", "en-fr", "length", True),
    (f"{LONG} {LONG} {LONG}", "Der Ausschuss tagte am", "en-de", "truncation", True),
    ("%d files of %s", "%s hat %d Dateien", "en-de", "placeholders", True),
    ("{a} and {b}", "{a} und {a}", "en-de", "placeholders", True),
    ("{{ x }}", "{ x }", "en-de", "placeholders", True),
    ("See https://x.org/a here", "Siehe https://x.org/b hier", "en-de", "links", True),
    ("See it here", "Siehe hier: www.evil.example", "en-de", "new_links", True),
    ("请看这里", "看https://evil.example", "zh-zh-TW", "new_links", True),
    ("a <b>b</b>", "a <b>b", "en-de", "tags", True), ("a b", "a <script>b", "en-de", "new_tags", True),
    ("run `make x` now", "führe `mache x` aus", "en-de", "code", True),
    (LONG, LANG.replace(" und", "\n\nund"), "en-de", "lines", True),
    (LONG, LANG.replace("beschloss", "beschloss beschloss"), "en-de", "repetition", False),
    (LONG, LANG + " die Brücke" * 9, "en-de", "repetition", True),
    ("It had 4,512 people in 1987.", "Die Stadt hatte 1987 viele Einwohner.", "en-de", "numbers", False),
    (LONG, f"{LANG} {LANG}", "en-de", "repetition", True),
    (LONG, "委员会周二开会，决定明年修建新的桥梁。" * 2, "en-zh", "repetition", True),
    (LONG, "Es tut mir leid, diesen heiklen Text kann ich nicht übersetzen.", "en-de", "refusal", True),
    (LONG, "Leider darf ich diesen Inhalt aus guten Gründen nicht übersetzen.", "en-de", "refusal", True),
    (LONG, f"{LANG} (Anmerkung des Übersetzers: wörtlich.)", "en-de", "preamble", True),
    (LONG, f"Document: Brücken\nSection: Rat\n{LANG}", "en-de", "preamble", True),
    (LONG, f"Translate this text into German. Answer with it alone: {LANG}", "en-de", "preamble", True),
    (LONG, f'{LANG} Your earlier translation of s1, "…"', "en-de", "preamble", True),
    (LONG, "委员会周二开会，决定明年修建新的桥梁。（译者注：直译。）", "en-zh", "preamble", True),
    (LONG, f"{LANG}\n(Hinweis: der Name blieb.)", "en-de", "preamble", True),
    (LONG, f'{{"de": "{LANG}", "note": "x"}}', "en-de", "notation", True),
    (LONG, LANG.replace(" und", "\\nund"), "en-de", "notation", True),
    (LONG, f"---\n{LANG}", "en-de", "notation", True), (LONG, f"{LANG}\n\\===", "en-de", "notation", True),
    (LONG, f'["{LANG}", "x"]', "en-de", "notation", True),
    (LONG, f'{LANG} {{"id": "s1", "text": "x"}}', "en-de", "notation", True),
    (LONG, f"# {LANG}", "en-de", "notation", False), (LONG, f"\\- {LANG}", "en-de", "notation", False),
    (LONG, f"| {LANG} |", "en-de", "notation", False),
    (LONG, LANG.replace("und", "&lt;und&gt;"), "en-de", "notation", False),
    (LONG, "\u202e" + LANG, "en-de", "characters", True),
    (LONG, LANG.rstrip("."), "en-de", "ending", False),
    (LONG, LANG[:1].lower() + LANG[1:], "en-de", "opening", False),
]  # fmt: skip


@pytest.mark.parametrize(("source", "answer", "languages", "code", "hard"), BAD)
def test_a_fault_is_found_under_its_code(
    source: str, answer: str, languages: str, code: str, hard: bool
) -> None:
    assert found(source, answer, languages).get(code) is hard


def test_every_code_of_the_gates_themselves_is_tested() -> None:
    elsewhere = {"terms", "icu", "plural"}
    assert {code for *_, code, _ in BAD} | elsewhere == set(verdict.CODES)


@pytest.mark.parametrize(
    ("term", "answer", "hard"),
    [
        (Term("server", "Server"), "Der Server läuft", None),
        (Term("server", "Server"), "Der server läuft", None),
        (Term("server", "Server", case=True), "Der server läuft", False),
        (Term("server", "Server"), "Die Servern laufen", False),
        (Term("server", "Server"), "Der Rechner läuft", True),
        (Term("server", "Server", inflected=True), "Der Rechner läuft", False),
        (Term("server", "server", keep=True), "Der Rechner läuft", True),
        (Term("server", "server", keep=True), "Der server läuft", None),
        (Term("server", "", forbidden=("Bedienung",)), "Die Bedienung läuft", True),
        (Term("server", "Bedienung", forbidden=("Bedien",)), "Die Bedienung läuft", None),
        (Term("run", "rennen"), "Der Server läuft", None),
    ],
)
def test_terms_of_the_glossary(term: Term, answer: str, hard: bool | None) -> None:
    assert found("The server runs", answer, terms=(term,)).get("terms") is hard


def test_a_longer_term_hides_a_shorter_one_in_it() -> None:
    terms = (Term("learning", "Lernen"), Term("machine learning", "ML"))
    assert found("On machine learning", "Über ML", terms=terms) == {}
    assert found("On machine learning and learning", "Über ML", terms=terms)["terms"]


def test_a_term_in_an_opaque_part_is_not_asked_for() -> None:
    assert found("See API.md", "Siehe API.md", terms=(Term("API", "Schnitt"),), opaque=((4, 10),)) == {}
    assert found("See API.md", "Siehe API.md", terms=(Term("API", "Schnitt"),))["terms"]


@pytest.mark.parametrize(
    ("syntax", "source", "answer", "hard"),
    [
        ("icu", "{n, plural, one {# file} other {# files}}", "{n, plural, other {# 个文件}}", None),
        ("icu", "{n, plural, one {# file} other {# files}}", "{n, plural, one {# 个文件}}", True),
        ("icu", "Hello {name}", "你好 {names}", True),
        ("fluent", "Hello { $name }", "你好 {$name}", None),
        ("fluent", "Hello { $name }", "你好 { $names }", True),
        ("printf", "%1$s {x} of %2$s", "%2$s 之 {y} %1$s", None),
        ("printf", "%s of %s", "%s", True),
        ("python-brace", "{} of {!r}", "{} 之 {!r}", None),
        ("python-brace", "{} of {}", "{}", True),
    ],
)
def test_placeholders_by_the_syntax_of_the_format(
    syntax: str, source: str, answer: str, hard: bool | None
) -> None:
    codes = found(source, answer, "en-zh", syntax=syntax)
    assert (
        max((codes[code] for code in ("placeholders", "icu", "plural") if code in codes), default=None)
        is hard
    )


def test_lines_of_a_cue_and_the_most_characters_of_a_place() -> None:
    assert found("one thing\ntwo", "eins zwei", kind="cue") == {"lines": True}
    assert found("one thing\ntwo", "eins zwei") == {}
    assert found("OK then", "Gut, einverstanden", most=6) == {"length": True}


def test_new_links_are_allowed_with_the_tags_that_make_them() -> None:
    question = Question(Segment("a tea"), "en", "de")
    answer = 'ein <a href="https://x.org">Tee</a>'
    assert {finding.code for finding in verdict.findings(question, answer)} == {"new_links", "new_tags"}
    assert verdict.findings_but(question, answer, ["new_links"]) == []


def test_a_message_is_a_sentence_with_an_order() -> None:
    for source, answer, languages, _, _ in BAD:
        of, _, to = languages.partition("-")
        for finding in verdict.findings(Question(Segment(source), of, to), answer):
            assert isinstance(finding, Finding)
            assert finding.message.startswith(("Your translation ", "You gave "))
            assert finding.message.endswith(".")
