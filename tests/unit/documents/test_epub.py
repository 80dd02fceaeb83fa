"""EPUB books: pages in the order of reading, contents, metadata, and the language in all of them."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from pipeline.core.document import EVERYTHING, Document
from pipeline.core.errors import InputError
from pipeline.documents import epub
from tests.support.documents_of_markup import keeps_its_laws
from tests.support.packed import book, packed, unpacked


def read(content: bytes) -> Document:
    return epub.read("book.epub", content, EVERYTHING)


def test_a_book_is_read_in_its_order_with_contents_and_metadata() -> None:
    document = read(book())
    assert [(one.text, one.kind) for one in document.segments] == [
        ("The garden", "title"),
        ("How to &lt;i&gt;plant&lt;/i&gt;", "description"),
        ("First", "title"),
        ("Chapter one", "heading"),
        ("Dig a <b>wide</b> hole.", "paragraph"),
        ("Chapter two", "heading"),
        ("Contents", "paragraph"),
        ("Chapter one", "title"),
    ]
    assert document.title == "The garden"
    keeps_its_laws(document, book())


def test_only_what_changes_is_written_anew_and_the_language_is_named() -> None:
    content = book()
    document = read(content)
    targets = [None] * len(document.segments)
    before, after = unpacked(content), unpacked(document.build([*targets[:3], "Kapitel 1", *targets[4:]]))
    assert [name for name in before if before[name] != after[name]] == ["OPS/one one.xhtml"]
    built = unpacked(document.build(targets, "de"))
    assert b"<dc:language>de</dc:language>" in built["OPS/book.opf"]
    assert b'<html xml:lang="de" xmlns="http://www.w3.org/1999/xhtml">' in built["OPS/two.xhtml"]
    with zipfile.ZipFile(BytesIO(document.build(targets, "de"))) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.testzip() is None


def test_every_byte_of_the_members_is_counted() -> None:
    document = read(book())
    words = sum(part.translated for _, part in document.parts)  # type: ignore[attr-defined]
    assert words + sum(document.skipped.values()) == sum(map(len, unpacked(book()).values()))


def test_a_member_with_an_old_name_and_a_comment_stay() -> None:
    content = packed({**unpacked(book()), "OPS/\u00e9.css": "p {}"}, comment=b"made by hand")
    document = read(content)
    with zipfile.ZipFile(BytesIO(document.build([None] * len(document.segments), "de"))) as archive:
        assert archive.comment == b"made by hand" and archive.read("OPS/\u00e9.css") == b"p {}"


def test_a_page_that_lost_a_tag_or_a_member_is_broken() -> None:
    document = read(book())
    members = unpacked(book())
    page = members["OPS/two.xhtml"].replace(b"<h1>Chapter two</h1>", b"Chapter two")
    assert document.broken(packed({**members, "OPS/two.xhtml": page}))
    assert document.broken(packed({name: inside for name, inside in members.items() if "css" not in name}))
    assert document.broken(packed({**members, "OPS/toc.ncx": b"<ncx>"}))


LOCKED = '<encryption><CipherData><CipherReference URI="OPS/two.xhtml"/></CipherData></encryption>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (packed({"mimetype": "application/epub+zip"}), "damaged"),
        (packed({**unpacked(book()), "META-INF/container.xml": "<container/>"}), "damaged"),
        (packed({**unpacked(book()), "META-INF/encryption.xml": LOCKED}), "pages of the book are encrypted"),
        (packed({**unpacked(book()), "OPS/book.opf": "<package>"}), "not well-formed"),
    ],
)
def test_what_is_no_good_book_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(content)
    assert caught.value.where.startswith("book.epub") and caught.value.hint
