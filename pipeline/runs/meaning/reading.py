"""How much there will be for a judge to read, as far as the documents tell it before they are translated."""

from __future__ import annotations

from contextlib import suppress

from pipeline.core.document import Translated
from pipeline.core.errors import InputError
from pipeline.engine.walk import Branch
from pipeline.runs.session import Session
from pipeline.translation.formats import read_document


class Reading:
    """What there will be for a judge to read: at most so many segments, in so many pairs of languages."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.segments = 0
        self.languages = max(1, session.stages[-1].spec.branches)
        self.sources: dict[str, str] = {}

    def note(self, leaf: Branch, rows: int) -> None:
        """One more document, in so many languages."""
        for value in leaf.values.values():
            if isinstance(value, Translated):
                self.segments += len(value.outcomes)
                self.sources[leaf.record.key] = value.source
                return
        fields = leaf.record.fields
        with suppress(InputError):  # it is named as failed
            document = read_document(fields["path"], fields["content"], self._session.policy)
            self.segments += rows * len(document.segments)
