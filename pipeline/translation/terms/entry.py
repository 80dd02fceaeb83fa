"""An entry of a glossary in all its languages, and which of them a language tag means.

This module does not know files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from pipeline.core.domain import frozen

SOURCE, TARGET = "source", "target"
"""stand in the place of a tag, where a file does not name the language"""
ANY = ""
"""stands in the place of a tag, for what counts in every language"""

_SCRIPTS = {"zh-cn": "zh-hans", "zh-sg": "zh-hans"} | dict.fromkeys(("zh-tw", "zh-hk", "zh-mo"), "zh-hant")


@frozen
class Entry:
    """One concept."""

    place: str
    """where it was read: "terms.csv, line 3" """
    words: Mapping[str, tuple[str, ...]]
    """tag -> its terms, the preferred one first. The first tag is the one that the author translates from"""
    forbidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """tag -> terms that must not be used"""
    note: str = ""
    case: bool = False
    keep: bool = False
    inflected: bool = False

    @property
    def authors(self) -> tuple[str, ...]:
        """The terms in the language that the author translates from."""
        return next(iter(self.words.values()), ())


def tag_of(text: str) -> str:
    """A tag as it is compared: zh_Hans -> zh-hans."""
    return text.strip().replace("_", "-").lower()


def tags_for(asked: str, known: Iterable[str]) -> tuple[str, ...]:
    """The tags of a glossary in which a language is looked up, the nearest first.

    pt-BR is looked up in pt-br and pt, zh-CN in zh-hans and zh, but zh-TW never in zh. Where none of
    them is known, a single narrower one will do: pt-br for pt.
    """
    there, chain = set(known), _chain(asked)
    found = tuple(tag for tag in chain if tag in there)
    narrower = tuple(tag for tag in there if chain[0] in _chain(tag))
    return found or (narrower if len(narrower) == 1 else ())


def _chain(tag: str) -> list[str]:
    """A tag and the wider ones that may stand for it."""
    parts = tag_of(tag).split("-")
    chain = ["-".join(parts[:size]) for size in range(len(parts), 0, -1)]
    script = _SCRIPTS.get("-".join(parts[:2]))
    chain[-1:-1] = [script] if script else []
    return chain[:-1] if "zh-hant" in chain else chain
