"""HTML: which words become segments, how a translation is written, and that no other byte changes."""

from __future__ import annotations

import random

import pytest

from pipeline.core.document import EVERYTHING, Document, Policy
from pipeline.core.errors import InputError
from pipeline.documents import html
from tests.support.documents_of_markup import keeps_its_laws, shouted


def read(text: str, policy: Policy = EVERYTHING, name: str = "page.html") -> Document:
    return html.read(name, text.encode(), policy)


def texts(text: str, policy: Policy = EVERYTHING) -> list[str]:
    return [segment.text for segment in read(text, policy).segments]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>One <b>two</b> three</p>", ["One <b>two</b> three"]),
        ("<p><b>One two</b></p>", ["One two"]),
        ("<li><a href=x>Home</a> <br></li>", ["Home"]),
        ("<p>One<p>Two", ["One", "Two"]),
        ("<p>\n  One\n  two\n</p>", ["One\ntwo"]),
        ("<p>A &lt; B &copy; 2026</p>", ["A &lt; B &copy; 2026"]),
        ("<p>12 &nbsp; &mdash; 7</p>", []),
        ("<td>https://example.org/x</td><td>me@example.org</td>", []),
        ("<script>var a = '<p>no</p>'</script><style>b{}</style><pre>code</pre>", []),
        ("<!-- no --><!DOCTYPE html><?xml version='1.0'?>yes", ["yes"]),
        ("<p translate=no>no</p><p class='x notranslate'>no</p><p translate=yes>yes</p>", ["yes"]),
        ("<li translate=no>no<li>yes", ["yes"]),
        ("<p>a <svg><text>no</text></svg> b</p>", ["a <svg><text>no</text></svg> b"]),
        ("<p><code>npm install</code></p><p>Run <code>a b</code></p>", ["Run <code>a b</code>"]),
        ("<p><code>训练模型</code></p>", ["训练模型"]),
        ("<title>T</title><p>{{ name }}</p><p>Hi {{ name }}</p>", ["T", "Hi {{ name }}"]),
        ('<meta name=description content="D"><meta name=viewport content="width=device">', ["D"]),
        ('<input type=submit value="Go"><input type=text value="no" placeholder="Where?">', ["Go", "Where?"]),
        ("<p>a < b and <3 c</p>", ["a < b and <3 c"]),
        ("<p>open <b>bold</p>", ["open <b>bold"]),
    ],
)
def test_words_become_segments_and_nothing_else(source: str, found: list[str]) -> None:
    assert texts(source) == found
    keeps_its_laws(read(source), source.encode())


@pytest.mark.parametrize(
    ("source", "policy", "found"),
    [
        ("<img alt='A cat'><a title=T href=x>x</a>", Policy(alt_text=False), ["x"]),
        ("<p><a title=T href=x>x</a></p>", Policy(link_titles=False), ["x"]),
        ("<table><tr><td>cell</table><p>x", Policy(tables=False), ["x"]),
        (
            "<p>Run <code>训练</code></p><p><code>a</code>",
            Policy(inline_code="always"),
            ["Run <code>训练</code>", "a"],
        ),
        ("<p><code>训练</code>", Policy(inline_code="never"), []),
    ],
)
def test_the_policy_decides_what_else_is_read(source: str, policy: Policy, found: list[str]) -> None:
    assert texts(source, policy) == found


def test_a_tag_with_attributes_is_hidden_with_its_closing_tag() -> None:
    (segment,) = read("<p>a <b>b</b> <a href=x>c</a> <br> d</p>").segments
    assert [segment.text[slice(*span)] for span in segment.markup] == ["<b>", "</b>", "<br>"]
    assert [segment.text[slice(*span)] for span in segment.opaque] == ["<a href=x>", "</a>"]


def test_kinds_and_headings_say_where_a_segment_stands() -> None:
    document = read("<title>T</title><h1>A <i>a</i></h1><h2>B</h2><li>x</li><h1>C</h1><td><img alt=y></td>")
    assert [(one.kind, one.path) for one in document.segments] == [
        ("title", ""),
        ("heading", ""),
        ("heading", "A a"),
        ("item", "A a > B"),
        ("heading", "A a > B"),
        ("alt", "C"),
    ]
    assert document.title == "T"


@pytest.mark.parametrize(
    ("source", "target", "written"),
    [
        ("<p>x</p>", "a & b < c &amp; d", "<p>a &amp; b &lt; c &amp; d</p>"),
        ("<p>x <b>y</b></p>", "<b>Y</b> & X", "<p><b>Y</b> &amp; X</p>"),
        ("<p>x <a href='1'>y</a> <a href='2'>z</a></p>", "<a href='2'>Z</a> <a href='1'>Y</a>", None),
        ('<img alt="x">', 'say "hi" & <b>', '<img alt="say &quot;hi&quot; &amp; &lt;b>">'),
        ("<img alt=x>", "a b", '<img alt="a b">'),
        ("<p>a\r\n   b</p>", "c\nd", "<p>c\r\n   d</p>"),
    ],
)
def test_a_translation_is_escaped_where_it_stands(source: str, target: str, written: str | None) -> None:
    written = written or f"<p>{target}</p>"
    assert read(source).build([target]).decode() == written


def test_xhtml_gets_no_entity_that_xml_does_not_know() -> None:
    page = read("<p>a &copy; b</p>", name="page.xhtml")
    assert page.build(["&copy; &eacute; &amp; &unknown; \x00&#233;"]).decode() == (
        "<p>&copy; é &amp; &amp;unknown; &#233;</p>"
    )


def test_an_alt_text_inside_a_paragraph_is_a_segment_of_its_own() -> None:
    source = "<p>See <img src=a alt='A cat'> and <img src=b alt='A cat'> here</p>"
    document = read(source)
    _, *alts = document.segments
    assert [alt.text for alt in alts] == ["A cat", "A cat"]
    assert document.build([None, "X", "Y"]).decode() == source.replace("A cat", "X", 1).replace("A cat", "Y")
    moved = "<img src=b alt='A cat'> then <img src=a alt='A cat'>"
    assert document.build([moved, "X", "Y"]).decode() == "<p><img src=b alt='Y'> then <img src=a alt='X'></p>"


@pytest.mark.parametrize(
    ("source", "built"),
    [
        ('<html lang="en">x', '<html lang="de">x'),
        ("<HTML>x", '<HTML lang="de">x'),
        ("<html lang=en xml:lang='en'>x", "<html lang=de xml:lang='de'>x"),
        ('<html lang="{{ lang }}">x', '<html lang="{{ lang }}">x'),
        ("<p>x", "<p>x"),
    ],
)
def test_the_language_is_written_into_the_root(source: str, built: str) -> None:
    document = read(source)
    assert document.build([None], "de").decode() == built
    assert document.broken(built.encode()) == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("a b", "lost: <b>, </b>"),
        ("<b>a</b> <i>b</i>", "not in the source: <i>, </i>"),
        ("</b>a<b> b", "closing tag"),
        ("<b>a</b> <b>b</b>", "not in the source: <b>, </b>"),
    ],
)
def test_tags_that_are_lost_new_or_crossed_are_found(target: str, said: str) -> None:
    (finding,) = read("<p>a <b>b</b></p>").findings(0, target)
    assert finding.hard and said in finding.message


def test_a_page_that_lost_a_block_is_broken() -> None:
    document = read("<p>a</p><img src=x alt=y><p>b</p>")
    assert document.broken(b"<p>A</p><img src=x alt=Z><p>B</p>") == []
    (finding,) = document.broken(b"<p>A</p><img src=z alt=Z><p>B</p>")
    assert "Tag 3 of the page was '<img src=x alt=>'" in finding.message
    assert document.broken(b"<p>A</p><img src=x alt=Z>")


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("gbk", '<meta charset="gbk">'),
        ("cp1252", "<meta charset=iso-8859-1>"),
        ("utf-16", ""),
        ("utf-8-sig", ""),
    ],
)
def test_a_page_stays_in_its_encoding(encoding: str, declared: str) -> None:
    content = f"{declared}<p>caf\xe9</p>".encode(encoding)
    document = html.read("page.html", content, EVERYTHING)
    assert document.segments[0].text == "caf\xe9"
    assert document.build([None]) == content
    built = document.build(["\xe9t\xe9 \u0e01"])
    assert built.decode(encoding).replace("&#3585;", "\u0e01") == f"{declared}<p>\xe9t\xe9 \u0e01</p>"


@pytest.mark.parametrize(
    "content", [b"<meta charset=utf-7>x", b"a\n\xff", b"<meta charset=zlib>", b"\xff\xfea"]
)
def test_what_cannot_be_decoded_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"page\.html.*encoding") as caught:
        html.read("page.html", content, EVERYTHING)
    assert caught.value.hint == "save it as UTF-8"


BLOCKS = ["p", "li", "h2", "td", "div", "blockquote"]
WORDS = [
    "tree",
    "soil",
    "&amp;",
    "5",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<br>",
    '<a href="x">',
    "</a>",
    "<!-- c -->",
]
WORDS += ["<img src=x alt='an oak'>", "\n   ", "<code>f()</code>", "{{ x }}", "<", "&", "</p>", "<p>", "名"]


@pytest.mark.parametrize("seed", range(300))
def test_words_that_change_never_change_the_skeleton(seed: int) -> None:
    draw = random.Random(seed)
    page = "".join(
        f"<{block}>{' '.join(draw.choices(WORDS, k=draw.randrange(12)))}</{block}>"
        for block in draw.choices(BLOCKS, k=draw.randrange(1, 6))
    )
    document = read(page)
    built = keeps_its_laws(document, page.encode())
    again = html.read("page.html", built, EVERYTHING)
    assert len(again.segments) == len(document.segments)
    for before, after in zip(document.segments, again.segments, strict=True):
        if "alt=" not in before.text and "&" not in before.text and "<" not in before.text:
            assert after.text == shouted(before)


def test_every_byte_is_a_segment_or_has_a_reason() -> None:
    page = "<h1>Ä</h1><pre>x</pre><p>See <img alt='a cat'> here<script>s</script>"
    document = html._Html("page.html", page, "utf-8", EVERYTHING, False)
    assert document.translated + sum(document.skipped.values()) == len(page.encode())
    assert document.skipped["code"] == len("<pre>x</pre>")
