"""Documents that other people wrote: taken apart and put together again, to the byte.

The registries do not have every kind in number: there are 4 of `.epub`, 3 of `.arb`, 26 of `.strings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.core import adapters
from pipeline.core.document import EVERYTHING, Document, Segment
from pipeline.core.errors import InputError
from pipeline.documents._spliced import Spliced
from pipeline.translation.formats import read_document
from tests.support.real_files import PLACE, files

pytestmark = pytest.mark.compat

MOST_REFUSED = 0.02
"""the share of files that a format may refuse, with a sentence: some are samples of mistakes"""
LEAST_KEPT = 0.99


@dataclass(frozen=True)
class Kind:
    """Real files that one format reads."""

    name: str
    """the file of the format"""
    suffixes: tuple[str, ...]
    least: int
    """how many of them there are, at least"""
    bilingual: bool = False
    """whether a file holds the translations beside the texts"""


KINDS = (
    Kind("markdown", (".md",), 900),
    Kind("mdx", (".mdx",), 350),
    Kind("html", (".html",), 600),
    Kind("subtitles", (".srt", ".vtt", ".ass"), 55),
    Kind("json", (".json",), 300),
    Kind("yaml", (".yml",), 45),
    Kind("arb", (".arb",), 3),
    Kind("android", ("strings.xml",), 200),
    Kind("strings", (".strings",), 25),
    Kind("properties", (".properties",), 110),
    Kind("fluent", (".ftl",), 330),
    Kind("po", (".po",), 1300, bilingual=True),
    Kind("xliff", (".xlf", ".xliff"), 30, bilingual=True),
    Kind("docx", (".docx",), 60),
    Kind("pptx", (".pptx",), 65),
    Kind("epub", (".epub",), 4),
    Kind("notebook", (".ipynb",), 100),
    Kind("csv", (".csv",), 100),
    Kind("text", (".txt",), 600),
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind in turn."""
    found: Kind = request.param
    return found


def test_every_format_has_real_files() -> None:
    assert {kind.name for kind in KINDS} == set(adapters.names("documents"))


def label(path: Path) -> str:
    """A file of a package, in messages."""
    return path.relative_to(PLACE).as_posix()


def documents(kind: Kind) -> Iterator[tuple[str, bytes, Document | InputError]]:
    """The files of a kind with what became of them; a format that fails names the file."""
    for path in files(*kind.suffixes):
        if "invalid" in path.name:  # a sample of a mistake, of the tests of its package
            continue
        content = path.read_bytes()
        try:
            yield label(path), content, read_document(path.name, content, EVERYTHING, format=kind.name)
        except InputError as error:
            yield label(path), content, error
        except Exception as error:
            error.add_note(f"in {label(path)}")
            raise


def own(kind: Kind, document: Document) -> list[str | None]:
    """What stands in the file for each segment."""
    return [segment.given if kind.bilingual else segment.text for segment in document.segments]


def test_each_file_comes_out_as_it_went_in(kind: Kind) -> None:
    refused, changed, segments, count = [], [], 0, 0
    for name, content, document in documents(kind):
        count += 1
        if isinstance(document, InputError):
            refused.append(f"{name}: {document}")
            continue
        segments += len(document.segments)
        if document.build([None] * len(document.segments)) != content:
            changed.append(f"{name}: without translations")
        if document.build(own(kind, document)) != content:
            changed.append(f"{name}: with its own texts")
        changed += [f"{name}: {wrong}" for wrong in uncovered(document, content)]
    print(f"{kind.name}: {count} files, {segments} segments, {len(refused)} refused")
    assert count >= kind.least
    assert segments
    assert not changed, f"{len(changed)} of {count}:\n" + "\n".join(changed[:20])
    assert len(refused) <= MOST_REFUSED * count, "\n".join(refused[:20])


def uncovered(document: Document, content: bytes) -> Iterator[str]:
    """What is wrong with the account of a file's bytes, where it is one that is spliced."""
    if not isinstance(document, Spliced):
        return
    pieces = document.pieces
    if any(one.end > two.start for one, two in pairwise(pieces)):
        yield "segments overlap"
    if any(size < 0 for size in document.skipped.values()):
        yield f"more is left out than there is: {document.skipped}"
    translated = sum(piece.end - piece.start for piece in pieces)
    if translated + sum(document.skipped.values()) != len(content):
        yield f"{translated} and {document.skipped} are not {len(content)} bytes"


def accented(segment: Segment) -> str:
    """A segment as a careful translator leaves it: `a` in its words is `á`, and no sign is touched."""
    parts, at = [], 0
    for start, end in sorted([*segment.opaque, *segment.markup]):
        parts += [segment.text[at:start].replace("a", "á"), segment.text[start:end]]
        at = max(at, end)
    return "".join([*parts, segment.text[at:].replace("a", "á")])


def translated(kind: Kind) -> Iterator[tuple[str, list[str]]]:
    """Each file, and what is found wrong with it when all of it is translated."""
    for name, _, document in documents(kind):
        if isinstance(document, InputError):
            continue
        targets = [document.mended(n, accented(segment)) for n, segment in enumerate(document.segments)]
        wrong = [
            f"segment {n}: {finding.code}: {finding.message}: {target!r}"
            for n, target in enumerate(targets)
            for finding in document.findings(n, target)
            if finding.hard
        ]
        wrong += [f"{one.code}: {one.message}" for one in document.broken(document.build(targets))]
        yield name, wrong


def test_a_careful_translation_breaks_nothing(kind: Kind) -> None:
    found = list(translated(kind))
    broken = [f"{name}: {wrong[:3]}" for name, wrong in found if wrong]
    print(f"{kind.name}: {len(broken)} of {len(found)} broken")
    assert len(broken) <= (1 - LEAST_KEPT) * len(found), "\n".join(broken[:20])
