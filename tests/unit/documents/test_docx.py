"""Word files: runs become numbered tags and come back as runs, and nothing else of the file changes."""

from __future__ import annotations

import random
import re

import pytest

from pipeline.core.document import EVERYTHING, Document, Policy
from pipeline.core.errors import InputError
from pipeline.documents import docx
from tests.support.documents_of_markup import keeps_its_laws
from tests.support.packed import packed, unpacked, word

BOLD, ITALIC = "<w:rPr><w:b/></w:rPr>", "<w:rPr><w:i/></w:rPr>"


def run(text: str, form: str = "", rsid: str = "") -> str:
    return f'<w:r{rsid}>{form}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*parts: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p w:rsidR="1">{properties}{"".join(parts)}</w:p>'


def field(instruction: str, result: str) -> str:
    chars = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    return f"{chars[0]}<w:r><w:instrText> {instruction} </w:instrText></w:r>{chars[1]}{result}{chars[2]}"


LINK = f'<w:hyperlink r:id="rId4">{run("a link", BOLD)}</w:hyperlink>'
BREAK = "<w:r><w:br/></w:r>"
NOTE = '<w:r><w:footnoteReference w:id="2"/></w:r>'


def read(body: str, policy: Policy = EVERYTHING, **parts: str) -> Document:
    return docx.read("letter.docx", word(body, **parts), policy)


def body_of(content: bytes) -> str:
    inside = unpacked(content)["word/document.xml"].decode()
    return inside[inside.index("<w:body>") + 8 : inside.index("</w:body>")]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([run("One "), run("two", rsid=' w:rsidR="2"'), run(" three")], "One two three"),
        ([run("One "), run("two", BOLD), run(" three")], "One <g1>two</g1> three"),
        ([run("All of it", BOLD), run(" is bold", BOLD)], "All of it is bold"),
        ([run("A "), run("b", '<w:rPr><w:lang w:val="de"/><w:noProof/></w:rPr>')], "A b"),
        ([run("See "), LINK, run(" now")], "See <g1>a link</g1> now"),
        ([LINK], "a link"),
        ([run("One"), BREAK, run("two"), BREAK], "One<x1/>two"),
        ([run("Word"), NOTE, run(" and more"), NOTE], "Word<x1/> and more"),
        ([run("Page "), field("PAGE", run("7")), run(" of 9")], "Page <x1/> of 9"),
        ([run("Go "), field('HYPERLINK "http://x"', run("there")), run(" now")], "Go <g1>there</g1> now"),
        ([run("A "), f"<w:ins>{run('new')}</w:ins>", "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"],
         "A <g1>new</g1>"),
        ([run("A &amp; B &lt;i&gt;")], "A & B <i>"),
        ([run("the tag &lt;g1&gt; "), run("b", BOLD)], "the tag <g1> <gg1>b</gg1>"),
        ([run("well"), "<w:r><w:noBreakHyphen/></w:r>", run("known")], "well\u2011known"),
        ([run("a", BOLD), run(" ", ITALIC), run("b", BOLD)], "a b"),
        (["<w:sdt><w:sdtPr><w:id/></w:sdtPr><w:sdtContent>", run("in"), "</w:sdtContent></w:sdt>",
          run(" out")], "<g1>in</g1> out"),
        ([run("12 – 7")], None),
        ([BREAK], None),
    ],
)  # fmt: skip
def test_runs_become_a_text_with_tags(parts: list[str], text: str | None) -> None:
    content = word(paragraph(*parts))
    document = docx.read("letter.docx", content, EVERYTHING)
    assert [segment.text for segment in document.segments] == ([] if text is None else [text])
    assert document.build([segment.text for segment in document.segments]) == content
    keeps_its_laws(document, content)


def test_a_translation_is_put_back_into_runs() -> None:
    body = paragraph(run("See "), LINK, run(" and "), run("this", BOLD), BREAK, run(" now"))
    document = read(body)
    assert document.segments[0].text == "See <g1>a link</g1> and <g2>this</g2><x3/> now"
    built = document.build(["<g2>Dies</g2> & <g1>ein Link</g1><x3/> sehen"])
    assert body_of(built) == paragraph(
        f"<w:r>{BOLD}<w:t>Dies</w:t></w:r>",
        '<w:r><w:t xml:space="preserve"> &amp; </w:t></w:r>',
        f'<w:hyperlink r:id="rId4"><w:r>{BOLD}<w:t>ein Link</w:t></w:r></w:hyperlink>',
        BREAK,
        '<w:r><w:t xml:space="preserve"> sehen</w:t></w:r>',
    )
    before, after = unpacked(word(body)), unpacked(built)
    assert list(before) == list(after)
    assert [name for name in before if before[name] != after[name]] == ["word/document.xml"]


def test_what_shares_a_run_with_the_text_stays_where_it_was() -> None:
    body = paragraph("<w:r><w:tab/><w:t>One</w:t><w:br/><w:t>two</w:t><w:tab/></w:r>")
    built = read(body).build(["Eins<x1/>zwei"])
    assert body_of(built) == body.replace("One", "Eins").replace("two", "zwei")


def test_bookmarks_and_comments_go_on_holding_their_text() -> None:
    start, end = '<w:bookmarkStart w:id="0" w:name="x"/>', '<w:bookmarkEnd w:id="0"/>'
    body = paragraph(run("One "), start, run("two"), end, "<w:proofErr/>", run(" three"))
    assert body_of(read(body).build(["Eins"])) == paragraph(start, "<w:r><w:t>Eins</w:t></w:r>", end)


def test_a_translation_with_wrong_tags_is_found_and_never_written() -> None:
    body = paragraph(run("See "), LINK, run(" now"))
    document = read(body)
    for target in ("Jetzt", "<g1>a</g1><g1>b</g1>", "</g1>a<g1>", "<g1>a</g1><x9/>"):
        assert document.findings(0, target) != []
        assert body_of(document.build([target])) == body


def test_a_text_box_in_a_paragraph_is_translated_apart_from_it() -> None:
    box = f"<w:txbxContent>{paragraph(run('inside'))}</w:txbxContent>"
    drawing = f'<w:r><w:drawing><wp:docPr id="1" descr="A box"/>{box}</w:drawing></w:r>'
    body = paragraph(run("before "), drawing, run(" after"))
    document = read(body)
    assert [segment.text for segment in document.segments] == ["before <x1/> after", "A box", "inside"]
    built = body_of(document.build(["<x1/> nach vor", "Ein Kasten", "innen"]))
    assert re.findall(r">([^<>]+)<", built) == ["innen", " nach vor"] and 'descr="Ein Kasten"' in built
    assert body_of(document.build([None, None, "innen"])) == body.replace(
        ' xml:space="preserve">inside', ">innen"
    )


def test_all_parts_with_text_are_read_and_say_where_they_stand() -> None:
    table = f"<w:tbl><w:tr><w:tc>{paragraph(run('cell'))}</w:tc></w:tr></w:tbl>"
    document = read(
        paragraph(run("Top"), style="Heading1") + paragraph(run("text")) + table,
        header1=paragraph(run("head")),
        footnotes=f'<w:footnote w:id="2">{paragraph(run("note"))}</w:footnote>',
        comments=f"<w:comment>{paragraph(run('remark'))}</w:comment>",
    )
    assert [(one.text, one.kind, one.path) for one in document.segments] == [
        ("Top", "heading", ""),
        ("text", "paragraph", "Top"),
        ("cell", "cell", "Top"),
        ("head", "paragraph", "header 1"),
        ("note", "paragraph", "footnotes"),
        ("remark", "paragraph", "comments"),
    ]
    assert [one.text for one in read(table, Policy(tables=False)).segments] == []


def test_a_file_in_other_namespaces_and_with_indented_xml_is_read() -> None:
    text = (
        '<?xml version="1.0"?>\n<x:document xmlns:x="http://purl.oclc.org/ooxml/wordprocessingml/main">'
        "\n <x:body>\n  <x:p>\n   <x:r>\n    <x:rPr>\n <x:b/> </x:rPr>\n    <x:t>One</x:t>\n   </x:r>\n"
        "   <x:r>\n    <x:t> two</x:t>\n   </x:r>\n  </x:p>\n </x:body>\n</x:document>"
    )
    content = packed({**unpacked(word("")), "word/document.xml": text})
    document = docx.read("x.docx", content, EVERYTHING)
    assert document.segments[0].text == "<g1>One</g1> two"
    assert document.broken(document.build(["<g1>Eins</g1> zwei"])) == []


def test_tracked_changes_are_told() -> None:
    assert "tracked changes" in read(paragraph(run("a"), f"<w:ins>{run('b')}</w:ins>")).lint[0]


def test_a_file_that_lost_an_image_or_a_part_is_broken() -> None:
    document = read(paragraph(run("a"), "<w:r><w:drawing/></w:r>", run("b")))
    (finding,) = document.broken(word(paragraph(run("a"))))
    assert "<w:drawing>" in finding.message
    assert document.broken(word(paragraph(run("a")), header1=""))
    members = unpacked(word(paragraph(run("a"), "<w:r><w:drawing/></w:r>", run("b"))))
    assert document.broken(packed({**members, "word/media/image1.png": b"another"}))
    assert document.broken(packed({**members, "word/document.xml": b"<w:document>"}))


LOL = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"\xd0\xcf\x11\xe0 old", "encrypted"),
        (packed({"a.txt": "x"}), "damaged"),
        (packed({**unpacked(word("")), "word/document.xml": "<a><b></a>"}), "not well-formed"),
        (packed({**unpacked(word("")), "word/document.xml": LOL}), "declares entities"),
        (
            packed({**unpacked(word("")), "word/document.xml": " " * 30_000_000 + "<a/>"}),
            "unpacked, the part",
        ),
        (
            word("").replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
            "encrypted",
        ),
        (word(paragraph(run("x" * 999)))[:-30], "damaged"),
    ],
)
def test_what_is_no_good_file_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        docx.read("letter.docx", content, EVERYTHING)
    assert caught.value.where.startswith("letter.docx") and caught.value.hint


def test_a_damaged_member_is_refused() -> None:
    content = bytearray(word(paragraph(run("some text"))))
    at = content.index(b"word/document.xml") + 40
    content[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(InputError, match="damaged"):
        docx.read("letter.docx", bytes(content), EVERYTHING)


def test_text_boxes_nested_without_end_are_refused() -> None:
    start = "<w:p><w:r><w:t>a</w:t></w:r><w:r><w:pict><w:txbxContent>"
    end = "</w:txbxContent></w:pict></w:r><w:r><w:t>b</w:t></w:r></w:p>"
    with pytest.raises(InputError, match="nested too deeply"):
        read(start * 3000 + end * 3000)


PARTS = [
    run("word "),
    run("bold ", BOLD),
    run("italic", ITALIC),
    LINK,
    BREAK,
    NOTE,
    "<w:proofErr/>",
    run(" ", BOLD),
]
PARTS += [
    field("PAGE", run("1")),
    field("HYPERLINK x", run("go", BOLD)),
    f"<w:ins>{LINK}</w:ins>",
    run("&lt;g1&gt;"),
]
PARTS += [
    '<w:bookmarkStart w:id="1"/>',
    '<w:bookmarkEnd w:id="1"/>',
    "<w:r><w:tab/><w:t>tab</w:t><w:br/></w:r>",
]


@pytest.mark.parametrize("seed", range(200))
def test_words_that_change_and_tags_that_move_never_change_the_rest(seed: int) -> None:
    draw = random.Random(seed)
    content = word("".join(paragraph(*draw.choices(PARTS, k=draw.randrange(9))) for _ in range(3)))
    document = docx.read("letter.docx", content, EVERYTHING)
    keeps_its_laws(document, content)
    targets = []
    for segment in document.segments:
        pieces = re.findall(r"<(g+\d+)>.*?</\1>|(<x+\d+/>)|([^<]+|<)", segment.text)
        alone = [single for _, single, _ in pieces if single]
        targets.append(
            segment.text if not alone else "".join([*alone, re.sub(r"<x+\d+/>", "", segment.text)])
        )
    built = document.build(targets)
    assert document.broken(built) == []
    assert len(docx.read("letter.docx", built, EVERYTHING).segments) == len(document.segments)
