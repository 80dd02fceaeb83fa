"""Every format of documents keeps the laws of `core.document.Document`, over its samples in tests/support."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.core import adapters
from pipeline.core.contracts import DocumentFormat
from pipeline.core.document import EVERYTHING, Document, Policy
from pipeline.core.errors import InputError
from pipeline.documents._spliced import Spliced
from tests.support import ROOT

FORMATS = adapters.names("documents")
SAMPLES = ROOT / "tests" / "support" / "documents"
CASES = [(name, file) for name in FORMATS for file in sorted((SAMPLES / name).glob("*")) if file.is_file()]
BOM = b"\xef\xbb\xbf"


def load(name: str) -> DocumentFormat:
    return adapters.load("documents", name)


def read(name: str, file: Path, policy: Policy = EVERYTHING) -> Document:
    return load(name).read(file.name, file.read_bytes(), policy)


each = pytest.mark.parametrize(("name", "file"), CASES, ids=[f"{name}-{file.name}" for name, file in CASES])


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_samples(name: str) -> None:
    assert [file for case, file in CASES if case == name], f"put one into {SAMPLES / name}"


@each
def test_a_document_without_translations_is_the_file(name: str, file: Path) -> None:
    document = read(name, file)
    assert document.segments
    assert document.build([None] * len(document.segments)) == file.read_bytes()


@each
def test_a_spliced_document_with_its_own_texts_is_the_file(name: str, file: Path) -> None:
    document = read(name, file)
    if isinstance(document, Spliced):
        assert document.build([segment.text for segment in document.segments]) == file.read_bytes()


@each
def test_every_byte_is_translated_or_left_out_for_a_reason(name: str, file: Path) -> None:
    document = read(name, file)
    assert all(reason and count >= 0 for reason, count in document.skipped.items())
    if isinstance(document, Spliced):
        pieces = document.pieces
        assert all(one.end <= two.start for one, two in pairwise(pieces))
        assert all(piece.start < piece.end for piece in pieces)
        translated = sum(piece.end - piece.start for piece in pieces)
        assert translated + sum(document.skipped.values()) == len(document.content)


@each
def test_parts_lie_in_the_text_in_order_without_overlap(name: str, file: Path) -> None:
    for segment in read(name, file).segments:
        spans = sorted([*segment.opaque, *segment.markup])
        assert list(segment.opaque) == sorted(segment.opaque)
        assert list(segment.markup) == sorted(segment.markup)
        assert all(start < end for start, end in spans)
        assert all(one[1] <= two[0] for one, two in pairwise(spans))
        assert not spans or (spans[0][0] >= 0 and spans[-1][1] <= len(segment.text))


@each
def test_no_segment_is_without_words(name: str, file: Path) -> None:
    for segment in read(name, file).segments:
        visible = list(segment.text)
        for start, end in [*segment.opaque, *segment.markup]:
            visible[start:end] = " " * (end - start)
        assert any(letter.isalpha() for letter in visible), segment


@each
def test_the_own_text_is_mended_into_itself_and_nothing_is_found_in_it(name: str, file: Path) -> None:
    document = read(name, file)
    for place, segment in enumerate(document.segments):
        assert document.mended(place, segment.text) == segment.text
        assert document.findings(place, segment.text) == []
    assert document.broken(file.read_bytes()) == []


@each
def test_reading_is_a_pure_function(name: str, file: Path) -> None:
    one, two = read(name, file), read(name, file)
    assert list(one.segments) == list(two.segments)
    assert (one.lint, one.title, one.skipped) == (two.lint, two.title, two.skipped)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00 \xff", b"", BOM, b"\x00\x00\x00", b"\r", b"{", b"<", b"---"]
)
def test_what_is_no_such_file_is_refused_or_left_as_it_is(name: str, content: bytes) -> None:
    """The words of the error are the program's own, and name the file."""
    try:
        document = load(name).read("some.file", content, EVERYTHING)
    except InputError as error:
        assert "some.file" in error.where
    else:
        assert document.build([None] * len(document.segments)) == content
