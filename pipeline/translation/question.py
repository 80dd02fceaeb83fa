"""What a translation is held against: the segment, the languages, and the terms that apply to it.

This module does not know formats, models or files.
"""

from __future__ import annotations

from pipeline.core.document import Segment
from pipeline.core.domain import frozen


@frozen
class Term:
    """An entry of a glossary, for one target language."""

    source: str
    target: str
    """how it is translated; for one that is kept, the same as `source`"""
    note: str = ""
    """an explanation for the model"""
    case: bool = False
    """whether upper and lower case count when it is looked for"""
    keep: bool = False
    """whether it is never translated"""
    forbidden: tuple[str, ...] = ()
    """translations that must not be used"""
    inflected: bool = False
    """whether the target may stand in another form (case, number): then only a soft finding is made of it"""


@frozen
class Question:
    """One segment to be translated."""

    segment: Segment
    source: str
    """the language of the segment, as a tag: zh, pt-BR"""
    target: str
    """the language wanted, as a tag"""
    terms: tuple[Term, ...] = ()
    """the entries of the glossary whose source stands in the segment"""
