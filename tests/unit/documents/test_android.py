"""Android's strings: what is read, how quotes and escapes are written, and that nothing else changes."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import EVERYTHING, Document
from pipeline.core.errors import InputError
from pipeline.documents import android
from tests.support.documents_of_markup import keeps_its_laws


def file(inside: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<resources xmlns:xliff="urn:x">\n{inside}\n</resources>\n'
    )


def read(inside: str) -> Document:
    return android.read("strings.xml", file(inside).encode(), EVERYTHING)


def string(text: str) -> str:
    return f'<string name="a">{text}</string>'


@pytest.mark.parametrize(
    ("raw", "text", "target", "written"),
    [
        ("Don\\'t", "Don't", 'N\'y va "pas"', 'N\\\'y va \\"pas\\"'),
        ('"Don\'t  go"', "Don't  go", 'N\'y va "pas"', '"N\'y va \\"pas\\""'),
        ("One\\ntwo", "One\\ntwo", "Eins\\nzwei", "Eins\\nzwei"),
        ("Tom &amp; Jerry", "Tom &amp; Jerry", "Tom & <Jerry>", "Tom &amp; &lt;Jerry>"),
        ("Hi <b>you</b>", "Hi <b>you</b>", "<b>du</b>, l'ami", "<b>du</b>, l\\'ami"),
        (
            "<![CDATA[<b>Hi</b> you]]>",
            "<b>Hi</b> you",
            "<b>Ho</b> & l'ami",
            "<![CDATA[<b>Ho</b> & l\\'ami]]>",
        ),
        ("By <xliff:g id='n'>%1$s</xliff:g> now", "By <xliff:g id='n'>%1$s</xliff:g> now", None, None),
        ("  spaced  ", "spaced", "x", "  x  "),
        ("a \\\\ b \\' c", "a \\\\ b ' c", "\\' a \\\\ b", "\\' a \\\\ b"),
        ("x", "x", "ends in \\", "ends in \\\\"),
    ],
)
def test_quotes_and_escapes_are_read_and_written(
    raw: str, text: str, target: str | None, written: str | None
) -> None:
    document = read(string(raw))
    (segment,) = document.segments
    assert segment.text == text
    keeps_its_laws(document, file(string(raw)).encode())
    if target and written:
        assert document.build([target]).decode() == file(string(written))


@pytest.mark.parametrize(
    "inside",
    [
        '<string name="a" translatable="false">no</string>',
        string("@string/other_name"),
        string("?attr/color"),
        string("%1$s"),
        string("&#8230; 12"),
        string(""),
        string("https://example.org/x"),
        '<color name="a">red</color>',
        "<string name='a'/>",
    ],
)
def test_what_holds_no_words_is_left_out(inside: str) -> None:
    assert read(inside).segments == []


def test_plurals_and_arrays_keep_their_items() -> None:
    document = read(
        "<!-- On the button -->" + string("Go") + '<plurals name="n"><item quantity="one">%d day</item>'
        '<item quantity="other">%d days</item></plurals>'
        '<string-array name="l"><item>One</item><item>@string/a</item><item>Three</item></string-array>'
    )
    assert [(one.text, one.path, one.note, one.syntax) for one in document.segments] == [
        ("Go", "a", "On the button", ""),
        ("%d day", "n[one]", "the plural form 'one'", "printf"),
        ("%d days", "n[other]", "the plural form 'other'", "printf"),
        ("One", "l[0]", "", ""),
        ("Three", "l[2]", "", ""),
    ]


def test_what_stands_in_xliff_g_is_hidden_whole() -> None:
    (segment,) = read(string("By <xliff:g id='n'>%1$s</xliff:g> <b>now</b>")).segments
    assert [segment.text[slice(*span)] for span in segment.opaque] == ["<xliff:g id='n'>%1$s</xliff:g>"]
    assert [segment.text[slice(*span)] for span in segment.markup] == ["<b>", "</b>"]


def test_a_line_break_is_mended_where_the_source_writes_it_as_an_escape() -> None:
    assert read(string("One\\ntwo")).mended(0, "Eins\nzwei\\n\ndrei") == "Eins\\nzwei\\ndrei"
    assert read(string("One two")).mended(0, "Eins\nzwei") == "Eins\nzwei"


def test_a_file_that_lost_a_form_is_broken() -> None:
    document = read(string("Go") + string("Stop"))
    assert document.broken(file(string("Los") + string("Halt")).encode()) == []
    assert document.broken(file(string("Los")).encode())
    assert document.broken(b"<resources>")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<manifest/>", "not a file of Android"),
        ("<resources>", "not well-formed"),
        ('<!DOCTYPE x [<!ENTITY e "x">]><resources>&e;</resources>', "declares entities"),
        ("<?xml version='1.0' encoding='utf-7'?><resources/>", "encoding 'utf-7'"),
    ],
)
def test_what_is_no_such_file_is_refused(content: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        android.read("strings.xml", content.encode(), EVERYTHING)
    assert "strings.xml" in caught.value.where and caught.value.hint


def test_a_file_is_recognised_by_its_root() -> None:
    assert android.recognises("strings.xml", file("").encode())
    assert not android.recognises("pom.xml", b"<project/>")


WORDS = [
    "day",
    "%1$s",
    "\\'",
    "\\n",
    "&amp;",
    "\\u00e9",
    "%d",
    "<br/>",
    "é",
    "<b>one</b>",
    '<a href="x">two</a>',
]


@pytest.mark.parametrize("seed", range(150))
def test_words_that_change_never_change_the_rest(seed: int) -> None:
    draw = random.Random(seed)
    inside = ""
    for _ in range(4):
        words = " ".join(draw.choices(WORDS, k=draw.randrange(8)))
        inside += string(f"<i>{words}</i> {words}" if draw.random() < 0.3 else words) + "\n"
    keeps_its_laws(read(inside), file(inside).encode())
