"""gettext catalogues: what is asked for, what is kept, and how translations are written."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import Policy
from pipeline.core.errors import InputError
from pipeline.documents import po
from pipeline.documents._plurals import forms, forms_of
from pipeline.documents._po_file import entries, quoted
from tests.support import ROOT

SAMPLES = ROOT / "tests/support/documents/po"
RUSSIAN = (SAMPLES / "messages.ru.po").read_bytes()
TEMPLATE = (SAMPLES / "template.pot").read_bytes()


def test_a_message_tells_its_context_its_comments_and_its_placeholders() -> None:
    document = po.read("a.po", RUSSIAN, Policy())
    texts = [(segment.text, segment.given, segment.syntax) for segment in document.segments]
    assert texts[0] == ("Open", "Открыть", "")
    assert document.segments[0].note == "context: verb; shown on the button; views.py:12 views.py:40"
    assert texts[1:4] == [
        ("%(count)d file", None, "printf"),
        ("%(count)d files", None, "printf"),
        ("%(count)d files", None, "printf"),
    ]
    assert document.segments[2].note == "plural form 2 of 3, for n = 2, 3, 4, 22, 23, 24, …"
    assert len(texts) == 5, "a message without words is not asked for"


def test_a_translation_takes_the_mark_of_a_guess_away_and_nothing_else_changes() -> None:
    document = po.read("a.po", RUSSIAN, Policy())
    built = document.build(
        [None, "%(count)d файл", "%(count)d файла", "%(count)d файлов", None], "ru"
    ).decode()
    before, after = RUSSIAN.decode().splitlines(), built.splitlines()
    assert set(after) - set(before) == {
        "#, python-format",
        'msgstr[0] "%(count)d файл"',
        'msgstr[1] "%(count)d файла"',
        'msgstr[2] "%(count)d файлов"',
    }
    assert set(before) - set(after) >= {"#, fuzzy, python-format", '#| msgid "%(count)d page"'}
    assert len(after) == len(before) - 1


def test_a_template_becomes_a_catalogue_with_the_forms_of_its_language() -> None:
    document = po.read("a.pot", TEMPLATE, Policy(target="pl"))
    assert [segment.text for segment in document.segments] == [
        "Save",
        'One tab\tand a "quote"',
        "%d tabs",
        "%d tabs",
    ]
    built = document.build(["Zapisz", "Jeden\ttab", "%d taby", '"%d" tabów'], "pl")
    assert b"\r\n" in built and built.count(b"\n") == built.count(b"\r\n")
    again = po.read("a.po", built, Policy(target="pl"))
    assert [segment.given for segment in again.segments] == ["Zapisz", "Jeden\ttab", "%d taby", '"%d" tabów']
    assert b'"Language: pl\\n"' in built and b"nplurals=3" in built and b"charset=UTF-8" in built


def test_a_template_read_without_a_language_still_gets_every_form_of_it() -> None:
    """The form for 1 is also for 21, so it needs the number that the singular may leave out."""
    document = po.read("a.pot", TEMPLATE, Policy())
    built = document.build(["Сохранить", "один", "много"], "ru").decode()
    assert [line for line in built.splitlines() if line.startswith("msgstr[")] == [
        'msgstr[0] "много"',
        'msgstr[1] "много"',
        'msgstr[2] "много"',
    ]


def test_a_translation_into_another_language_is_not_taken_for_one_that_is_given() -> None:
    document = po.read("a.po", RUSSIAN, Policy(target="ja"))
    assert [segment.given for segment in document.segments] == [None] * 3
    built = document.build(["開く", "%(count)d 個", "長い文。\n"], "ja").decode()
    assert '"Language: ja\\n"' in built and "nplurals=1; plural=(0);" in built
    assert 'msgstr[0] "%(count)d 個"' in built and "msgstr[1]" not in built


def test_what_is_not_translated_does_not_stay_in_a_third_language() -> None:
    document = po.read("a.po", RUSSIAN, Policy(target="de"))
    built = document.build([None] * len(document.segments), "de").decode()
    assert "Открыть" not in built and "страниц" not in built
    assert 'msgid "Open"\nmsgstr ""\n' in built and 'msgstr[1] ""\n' in built


@pytest.mark.parametrize("seed", range(30))
def test_any_catalogue_takes_any_translation(seed: int) -> None:
    rng = random.Random(seed)
    language = rng.choice(["ja", "de", "ru", "ar", "pl"])
    signs = ["a ", "é", "語", "\n", "\t", '"', "\\", "%s", "-", "/", "{x}", "\u0301"]
    blocks = ['msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: \\n"\n']
    for number in range(6):
        text = quoted("msgid", f"word {number} " + "".join(rng.choices(signs, k=30)), "\n", 79)
        plural = 'msgid_plural "words"\nmsgstr[0] ""\nmsgstr[1] ""\n'
        blocks.append(
            f"{rng.choice(['', '#, fuzzy', '#. note'])}\n{text}\n{rng.choice([plural, 'msgstr'])}\n"
        )
    content = "\n".join(blocks).replace("msgstr\n", 'msgstr ""\n').encode()
    document = po.read("a.po", content, Policy(target=language))
    assert document.build([None] * len(document.segments)) == content
    targets = ["word " + "".join(rng.choices(signs, k=60)) for _ in document.segments]
    built = document.build(targets, language)
    again = po.read("a.po", built, Policy(target=language))
    assert [segment.given for segment in again.segments] == targets
    assert again.build([segment.given for segment in again.segments], language) == built


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "\\\\" * 400_000, "語" * 300_000, "%(" * 300_000, "- " * 300_000, '"\n"' * 200_000],
)
def test_hostile_catalogues_take_no_time(text: str) -> None:
    content = f'msgid "word {text}"\nmsgstr ""\n'.encode()
    document = po.read("a.po", content, Policy())
    assert document.build([None]) == content
    again = po.read("a.po", document.build([f"a {text}"]), Policy())
    assert again.segments[0].given == f"a {text}"


@pytest.mark.parametrize(
    "own, tag, kept",
    [
        ("zh_CN", "zh-Hans", True),
        ("zh_CN", "zh-Hant", False),
        ("de", "de-AT", True),
        ("pt_BR", "pt-PT", False),
    ],
)
def test_the_header_keeps_a_language_that_means_the_same(own: str, tag: str, kept: bool) -> None:
    content = TEMPLATE.replace(b"Language: ", f"Language: {own}".encode())
    built = po.read("a.pot", content, Policy()).build([None] * 3, tag).decode()
    assert (f"Language: {own}\\n" in built) is kept
    assert kept or f"Language: {tag.replace('-', '_')}\\n" in built


def test_a_text_that_the_encoding_cannot_hold_makes_the_file_utf8() -> None:
    content = RUSSIAN.decode().replace("UTF-8", "KOI8-R").encode("koi8-r")
    document = po.read("a.po", content, Policy())
    assert document.build([None] * 5) == content
    assert document.segments[0].given == "Открыть"
    assert b"charset=UTF-8" in document.build(["开", None, None, None, None], "ru")


def test_newlines_at_the_ends_are_as_the_message_has_them() -> None:
    document = po.read("a.po", RUSSIAN, Policy())
    assert document.mended(4, "Длинное предложение.") == "Длинное предложение.\n"
    assert document.mended(0, "Открыть\n") == "Открыть"


def test_any_text_survives_being_quoted_and_wrapped() -> None:
    rng = random.Random(7)
    signs = [
        "a",
        "слово",
        " ",
        "\n",
        "\t",
        '"',
        "\\",
        "語",
        "。",
        "-",
        "/",
        "%(n)s",
        "é",
        "\r",
        "\u0301",
        "x" * 90,
    ]
    for _ in range(400):
        text = "".join(rng.choices(signs, k=rng.randrange(60)))
        for width in (0, 79):
            lines = quoted("msgstr", text, "\n", width)
            found, _ = entries("a.po", f'msgid "a"\n{lines}\n')
            assert [entry.texts[0].text for entry in found] == [text]


@pytest.mark.parametrize(
    "language", ["ja", "en", "fr", "ru", "pl", "cs", "ar", "cy", "ga", "gd", "lt", "lv", "ro", "sl"]
)
def test_every_form_of_a_language_has_numbers_and_the_header_can_be_read(language: str) -> None:
    rule = forms_of(language)
    assert all(rule.numbers(form) for form in range(rule.count))
    read = forms(str(rule))
    assert read and [read.of(n) for n in range(300)] == [rule.of(n) for n in range(300)]


@pytest.mark.parametrize(
    "rule",
    ["", "nplurals=2; plural=n/0;", "nplurals=2; plural=n;", "nplurals=2; plural=__import__('os');",
     "nplurals=9; plural=" + "(" * 500, "nplurals=INTEGER; plural=EXPRESSION;"],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_none(rule: str) -> None:
    assert forms(rule) is None


@pytest.mark.parametrize(
    "content, line",
    [
        (b"msgid 'a'\n", 1),
        (b'msgid "a"\nmsgstr "b\n', 2),
        (b'\n\nmsgstr "b"\n', 3),
        (b'msgid "a"\nmsgstr "\xff"', 2),
    ],
)
def test_what_is_no_gettext_is_named_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(InputError) as caught:
        po.read("a.po", content, Policy())
    assert caught.value.where == f"a.po, line {line}"


def test_an_encoding_that_is_not_known_is_named() -> None:
    with pytest.raises(InputError, match="'klingon', which is not known"):
        po.read("a.po", TEMPLATE.replace(b"CHARSET", b"klingon"), Policy())
