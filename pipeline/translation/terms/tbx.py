"""A glossary as TBX, the exchange format of termbases: versions 2 (martif, termEntry) and 3 (conceptEntry).

The file is read as a stream, and never brings anything else with it: entities are refused.
This module does not know how terms are looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from pipeline.core.errors import InputError
from pipeline.translation.terms.entry import Entry, tag_of

_ENTRIES, _LANGUAGES = ("termEntry", "conceptEntry"), ("langSet", "langSec")
_TERMS = ("tig", "ntig", "termSec")
_BAD = ("deprecatedTerm-admn-sts", "supersededTerm-admn-sts", "deprecatedTerm", "supersededTerm", "obsolete")
_BEST = ("preferredTerm-admn-sts", "preferredTerm")
_INLINE = ("hi", "foreign")
_NOTES = ("note", "definition")
_DEEPEST = 100
"""how deep elements may be nested; a true file has about ten levels"""


@dataclass
class _Term:
    text: str = ""
    status: str = ""


@dataclass
class _Concept:
    line: int
    languages: dict[str, list[_Term]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    case: bool = False


class _Reading:
    """What was read of a file so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.entries: list[Entry] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.EntityDeclHandler = self.refuse_entity
        self.kinds: list[str] = []
        self.parts: list[str] = []
        self.concept: _Concept | None = None
        self.terms: list[_Term] = []

    def wrong(self, what: str, hint: str = "") -> InputError:
        return InputError(what, where=f"{self.name}, line {self.parser.CurrentLineNumber}", hint=hint)

    def refuse_entity(self, *_: object) -> None:
        raise self.wrong("an entity is declared", "leave the declarations out: a glossary needs none")

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self.kinds.append(attributes.get("type", name))
        if name not in _INLINE:
            self.parts = []
        if len(self.kinds) > _DEEPEST:
            raise self.wrong(f"elements are nested more than {_DEEPEST} deep")
        if name in _ENTRIES:
            self.concept = _Concept(self.parser.CurrentLineNumber)
        elif self.concept and name in _LANGUAGES:
            tag = tag_of(attributes.get("xml:lang", ""))
            if not tag:
                raise self.wrong("a language without its tag", 'write <langSet xml:lang="en">')
            self.terms = self.concept.languages.setdefault(tag, [])
        elif self.concept and name in _TERMS:
            self.terms.append(_Term())

    def characters(self, text: str) -> None:
        self.parts.append(text)

    def end(self, tag: str) -> None:
        name, kind = tag.rpartition(":")[2], self.kinds.pop()
        text = " ".join("".join(self.parts).split())
        if self.concept is None or name in _INLINE:
            return
        if name in _ENTRIES:
            self.entries.append(self.entry(self.concept))
            self.concept = None
        elif name == "term":
            if not text:
                raise self.wrong("a term is empty", "fill it in, or leave its element out")
            if not self.terms or self.terms[-1].text:
                self.terms.append(_Term())
            self.terms[-1].text = text
        elif kind in _NOTES:
            self.concept.notes.setdefault(kind, text)
        elif kind == "administrativeStatus" and self.terms:
            self.terms[-1].status = text
        elif kind == "caseSensitive":
            self.concept.case = text.lower() in ("true", "yes")

    def entry(self, concept: _Concept) -> Entry:
        words, forbidden = {}, {}
        for tag, terms in concept.languages.items():
            good = [term for term in terms if term.text and term.status not in _BAD]
            best = [term.text for term in good if term.status in _BEST]
            words[tag] = tuple(dict.fromkeys(best or [term.text for term in good]))
            forbidden[tag] = tuple(term.text for term in terms if term.status in _BAD)
        note = next((concept.notes[kind] for kind in _NOTES if concept.notes.get(kind)), "")
        place = f"{self.name}, line {concept.line}"
        return Entry(
            place, {tag: found for tag, found in words.items() if found}, forbidden, note, concept.case
        )


def read(name: str, content: bytes) -> list[Entry]:
    """The entries of a termbase; `InputError` with the line for what is wrong."""
    reading = _Reading(name)
    try:
        reading.parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise reading.wrong(
            "the XML is broken here", "open it in the program that wrote it, and export again"
        ) from None
    if not reading.entries:
        raise InputError(
            "no entries are in this file", where=name, hint="a TBX file has termEntry or conceptEntry"
        )
    return reading.entries
