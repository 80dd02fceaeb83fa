"""An edit in a translated file of any format is found at its segment, or the file is left as it is."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from pipeline.core.document import Document, Outcome, Policy, Translated
from pipeline.output.folder import ResultFolder
from pipeline.output.translated.edits import Edits
from pipeline.output.translated.ledger import Ledger, Row, digest_of, row_of
from pipeline.translation.formats import format_of, read_document
from tests.support import ROOT

SAMPLES = sorted(path for path in (ROOT / "tests/support/documents").rglob("*") if path.is_file())
POLICY = Policy(source="en")
OTHER_SHAPE = {"po"}
"""formats whose file in another language may have another number of segments: there are other plural forms"""


class Rows:
    """A ledger of one file."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def __contains__(self, key: object) -> bool:
        return False

    def rows(self, document: str, file: str) -> list[Row]:
        """The rows of the file."""
        return self._rows


def translated(document: Document) -> list[str | None]:
    """Targets that the format accepts; None for the others."""
    targets: list[str | None] = []
    for place, segment in enumerate(document.segments):
        target = document.mended(place, f"{segment.text} Xä")
        asked = segment.given is None and segment.text.strip()
        targets.append(target if asked and not document.findings(place, target) else None)
    return targets


def sides(path: Path) -> tuple[str, Document, list[str | None], list[Row], Edits]:
    """A sample, its translation, and the edits of a tree that holds it."""
    form = format_of(path.name, path.read_bytes())
    document = read_document(path.name, path.read_bytes(), POLICY, format=form)
    targets = translated(document)
    written = [
        one if one is not None else part.given for one, part in zip(targets, document.segments, strict=True)
    ]
    digest = digest_of(document.build(targets, "de"))
    rows = [
        row_of((path.name, "de", path.name, digest), i, segment, Outcome(target, "ok"))
        for i, (segment, target) in enumerate(zip(document.segments, written, strict=True))
    ]
    ledger = Rows(rows)
    edits = Edits(cast("Ledger", ledger), cast("Ledger", ledger), cast("ResultFolder", None), POLICY)
    return form, document, targets, rows, edits


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_changed_segment_is_found_in_its_place(path: Path) -> None:
    form, document, targets, rows, edits = sides(path)
    value = Translated(document, "en", "de", tuple(Outcome(target, "ok") for target in targets))
    places = [place for place, target in enumerate(targets) if target is not None]
    found = 0
    for place in places:
        changed = [*targets]
        changed[place] = f"{targets[place]} Hand"
        _, texts, mergeable = edits.read("x", value, path.name, form, document.build(changed, "de"))
        assert mergeable == (texts is not None)
        if texts is not None:
            different = [i for i, text in enumerate(texts) if text != rows[i].written.text]
            assert different == [place] and texts[place].endswith("Hand")
            found += 1
    assert found >= len(places) - 2 or form in OTHER_SHAPE


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_file_with_anything_else_changed_is_not_merged(path: Path) -> None:
    form, document, targets, _, edits = sides(path)
    value = Translated(document, "en", "de", tuple(Outcome(target, "ok") for target in targets))
    written = document.build(targets, "de")
    for theirs in (b"", written[: len(written) // 2], written + written, b"\x00\xff", b"\n" + written):
        _, texts, mergeable = edits.read("x", value, path.name, form, theirs)
        assert not mergeable and texts is None
