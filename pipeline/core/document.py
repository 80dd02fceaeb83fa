"""The nouns of documents: a segment, what is found wrong with its translation, and a document of segments.

A *segment* is a piece of a document that is translated as a whole: a paragraph, a heading, a cell, a cue.
This module does not know formats, and does not know models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from pipeline.core.domain import frozen

PSEUDO = "pseudo"
"""what is written in the place of a language for a translation that is none: accents, in brackets"""
Span = tuple[int, int]
"""begin and end in a text, in characters"""


@frozen
class Segment:
    """One piece of a document, as a translator sees it."""

    text: str
    """the source; prefixes of its container (`> `, indents) are taken out, lines are joined by a newline"""
    kind: str = "paragraph"
    """paragraph, heading, item, cell, title, alt, cue, message, comment, …: a word for people and models"""
    path: str = ""
    """where it stands: headings above it ("Install > Linux") or keys ("menu.file.open")"""
    opaque: tuple[Span, ...] = ()
    """parts of `text` that no translator sees or changes: addresses, math, code; in order, without overlap"""
    markup: tuple[Span, ...] = ()
    """parts of `text` that are signs and not words, but are shown: `**`, `<b>`, `](`; they are hidden too
    when a translation lost one of them; in order, without overlap, also with `opaque`"""
    note: str = ""
    """what the document says to translators about it"""
    given: str | None = None
    """the translation that the document holds already (gettext, XLIFF); it is kept and never asked for"""
    syntax: str = ""
    """what placeholders its text may hold: "icu" (ICU MessageFormat, so `{n, plural, …}` must parse),
    "printf", "python-brace", "fluent", "android"; '' for what any text may hold"""
    most: int = 0
    """the most characters that its translation may have; 0 for no bound"""


@frozen
class Finding:
    """Something that is wrong with a translation."""

    code: str
    """one word, for ledgers: placeholders, structure, length, language, …"""
    message: str
    """a sentence for the model that wrote it: what is wrong, and what to do"""
    hard: bool = True
    """whether it can never be written; a soft finding is sent back once, then accepted and marked"""


@frozen
class Policy:
    """What of a document is translated: keys of a job file's `translate`. Each format uses what it has."""

    source: str = ""
    """the language of the source, as a tag; '' where it is not known"""
    target: str = ""
    """the language of the translation, as a tag, where it is known: gettext has a segment for each of its
    plural forms"""
    inline_code: str = "prose"
    """never, always, or prose: only spans that hold words of the source's script, and are no identifiers"""
    code_comments: bool = False
    """comments in code blocks and in code cells"""
    alt_text: bool = True
    link_titles: bool = True
    tables: bool = True
    front_matter: tuple[str, ...] = ("title", "description")
    """the keys of the front matter whose values are translated"""
    anchors: str = "rewrite"
    """what becomes of links to headings of the same page, whose anchors change with the translation: rewrite
    (the links), explicit_id (headings get `{#anchor of the source}`), or keep (they lead nowhere)"""
    columns: tuple[str, ...] = ()
    """the columns of a CSV that are translated; () for those that hold words"""


EVERYTHING = Policy()


class Document(Protocol):
    """A file, taken apart into segments, and put together again.

    Laws, which one contract test holds every format to: `build([None] * n)` gives the bytes that were read.
    Where the format is spliced (all but bilingual ones), `build` with each segment's own text gives them too.
    Bytes that belong to no segment never change, but for what names the language (`lang=`, `Language:`).
    """

    @property
    def segments(self) -> Sequence[Segment]:
        """In the order of the file."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """Bytes that are not translated, by reason ("code", "markup", "front matter", …).

        With the bytes of the segments they are all bytes of the file.
        """

    lint: tuple[str, ...]
    """what looks wrong in the source itself, each with its place: a stray answer of a model, a broken link"""
    title: str
    """the title, for the brief that models are given; '' where there is none"""

    def mended(self, place: int, target: str) -> str:
        """The translation of segment `place`, with what can be put right without asking put right."""

    def findings(self, place: int, target: str) -> list[Finding]:
        """What the format finds wrong with the translation of segment `place`, parsed where it stands."""

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The file with these translations, in the language with this tag; None leaves the source."""

    def broken(self, built: bytes) -> list[Finding]:
        """What of the whole document is not as it was: structure, front-matter keys, links, line endings."""


@frozen
class Outcome:
    """What became of one segment."""

    target: str | None
    """what is written; None: the source stays as it is"""
    state: str
    """same (nothing to translate), given (the document had it), ok, marked (accepted in spite of a soft
    finding), needs_review (none could be accepted), edited (a person changed it), conflict (a person changed
    it, and the source has changed since)"""
    findings: tuple[Finding, ...] = ()
    attempts: int = 0
    by: str = ""
    """the model that wrote it"""
    tokens: int = 0
    """what all of its answers have used, its share of each request"""
    cost: int | None = None
    """what they have cost, in nano-dollars; None where that is not known"""
    keys: tuple[bytes, ...] = ()
    """the keys of its answers in the journal, where it needs a review"""
    candidate: str = ""
    """the best translation that was refused, or that would have been written in place of a person's"""


TO_REVIEW = ("needs_review", "conflict")
"""states of segments that a person has to look at"""


@frozen
class Translated:
    """A document in another language: the value of a step that translates documents."""

    document: Document = field(compare=False)
    source: str
    """the language it was translated from, as a tag"""
    language: str
    outcomes: tuple[Outcome, ...]


def any_file(name: str, content: bytes) -> bool:
    """`recognises` of a format that shares its suffixes with no other."""
    return True


def outside(text: str, spans: Iterable[Span]) -> list[str]:
    """What stands before, between and behind spans of a text, which are in order; one may lie in another."""
    parts, at = [], 0
    for start, end in spans:
        parts.append(text[at:start])
        at = max(at, end)
    return [*parts, text[at:]]
