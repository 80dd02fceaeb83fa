"""What the gates say of one translation, in a sentence."""

from __future__ import annotations

from pipeline.core.document import Segment
from pipeline.translation import verdict
from pipeline.translation.question import Question


def complaint(
    source: str, answer: str, *, new_links: bool = False, languages: tuple[str, str] = ("", "")
) -> str:
    """What is surely wrong with a translation; '' where nothing is found."""
    found = verdict.findings_but(
        Question(Segment(source), *languages), answer, ("new_links",) if new_links else ()
    )
    return " ".join(finding.message for finding in found if finding.hard)
