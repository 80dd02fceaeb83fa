"""A pseudo-translation of a document is the same document, in every format."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.document import Policy
from pipeline.translation.formats import read_document
from pipeline.translation.pseudo import pseudo
from tests.support import ROOT

SAMPLES = sorted(file for file in (ROOT / "tests/support/documents").rglob("*") if file.is_file())


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_structure_of_a_document_holds(file: Path) -> None:
    document = read_document(file.name, file.read_bytes(), Policy(source="en"))
    targets = []
    for place, segment in enumerate(document.segments):
        target = document.mended(place, pseudo(segment.text, (*segment.opaque, *segment.markup)))
        assert not [found for found in document.findings(place, target) if found.hard], segment.text
        targets.append(target)
    built = document.build(targets)
    assert not [found for found in document.broken(built) if found.hard]
    again = read_document(file.name, built, Policy(source="en"))
    assert len(again.segments) == len(document.segments)
