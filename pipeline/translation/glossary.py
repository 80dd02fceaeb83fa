"""A glossary: the terms of a text, and how each is translated into a language.

Terms are found word by word, the longest first: a shorter term inside a longer one does not apply. The time
grows with the length of the text, not with the number of terms. This module does not know models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from pipeline.core.domain import frozen
from pipeline.core.errors import InputError, together
from pipeline.translation.question import Term
from pipeline.translation.terms import table, tbx
from pipeline.translation.terms.entry import ANY, SOURCE, TARGET, Entry, tags_for
from pipeline.translation.terms.words import Lemma, english_forms, lemmas_of, words

_MOST_OTHERS = 3
LONGEST = 200
"""the most characters of a source: a glossary holds terms, not sentences"""
_READERS = {".csv": table.read, ".tsv": table.read, ".tbx": tbx.read, ".xml": tbx.read}


Rank = tuple[int, bool, bool, int]
Match = tuple[int, int, list[tuple[Rank, "_Form"]]]
"""where a term begins and ends in the words of a text, and all that is written like that"""


@frozen
class _Form:
    """One way to write the source of an entry, in one language."""

    text: str
    words: tuple[str, ...]
    folded: tuple[str, ...]
    entry: Entry
    layer: int
    place: int
    """its number in the layer"""

    def rank(self, folded: Sequence[str]) -> Rank:
        """Where two are written alike, the lower one wins: by layer, as it is written, with case, first."""
        return self.layer, tuple(folded) != self.folded, not self.entry.case, self.place


class _Finder:
    """The terms of one source language, as a tree of words."""

    def __init__(self, forms: Sequence[_Form], language: str, lemma: Lemma | None, simple: bool) -> None:
        self.lemma = lemma
        self.exact: dict[Any, Any] = {}
        self.by_lemma: dict[Any, Any] = {}
        for form in forms:
            _grow(self.exact, form.folded, form)
            if lemma:
                _grow(self.by_lemma, tuple(map(lemma, form.words)), form)
            elif simple and language.split("-")[0] == "en":
                for inflected in english_forms(form.folded):
                    _grow(self.exact, inflected, form)

    def matches(self, text: str) -> Iterator[Match]:
        """The terms of a text, also those inside others."""
        written = words(text)
        folded = [word.casefold() for word in written]
        yield from _walked(self.exact, folded, written, folded)
        if self.lemma:
            known = {word: self.lemma(word) for word in dict.fromkeys(written)}
            yield from _walked(self.by_lemma, [known[word] for word in written], written, folded)


def _grow(tree: dict[Any, Any], key: Sequence[str], form: _Form) -> None:
    for word in key:
        tree = tree.setdefault(word, {})
    tree.setdefault(None, []).append(form)


def _walked(
    tree: dict[Any, Any], keys: Sequence[str], written: Sequence[str], folded: Sequence[str]
) -> Iterator[Match]:
    for start, first in enumerate(keys):
        node = tree.get(first)
        end = start + 1
        while node is not None:
            if found := node.get(None):
                forms = [form for form in found if _cased(form, written[start:end])]
                yield start, end, [(form.rank(folded[start:end]), form) for form in forms]
            node = node.get(keys[end]) if end < len(keys) else None
            end += 1


def _cased(form: _Form, written: Sequence[str]) -> bool:
    """Whether upper and lower case are as the entry asks; APIs is written like API, apis is not."""
    if not form.entry.case:
        return True
    pairs = zip("".join(written), "".join(form.words), strict=False)
    return all(a == b for a, b in pairs if a.casefold() == b.casefold())


class Glossary:
    """The entries of all layers."""

    def __init__(self, layers: Sequence[Sequence[Entry]], *, lemmas: bool = False) -> None:
        self._layers = layers
        self._lemmas = lemmas
        self._tags = {tag for layer in layers for entry in layer for tag in entry.words}
        self._finders: dict[str, _Finder] = {}

    def __bool__(self) -> bool:
        return any(self._layers)

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of all languages that the files name."""
        return tuple(sorted(self._tags - {SOURCE, TARGET}))

    def terms(self, text: str, source: str, target: str) -> tuple[Term, ...]:
        """The entries whose source stands in a text, in the order of the text, each once."""
        found = []
        into = (*tags_for(target, self._tags - {TARGET}), TARGET)
        finder = self._finder(source)
        for start, end, forms in finder.matches(text):
            able = [(rank, term) for rank, form in forms if (term := _term(form, into))]
            if able:
                found.append((start - end, start, *_chosen(able)))
        taken = bytearray(max((start - minus for minus, start, *_ in found), default=0))
        kept = []
        for minus, start, _, term in sorted(found, key=lambda match: match[:3]):
            end = start - minus
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                kept.append((start, term))
        return tuple(dict.fromkeys(term for _, term in sorted(kept, key=lambda pair: pair[0])))

    def _finder(self, source: str) -> _Finder:
        if source not in self._finders:
            lemma = lemmas_of(source) if self._lemmas else None
            self._finders[source] = _Finder(list(self._forms(source)), source, lemma, not self._lemmas)
        return self._finders[source]

    def _forms(self, source: str) -> Iterator[_Form]:
        tags = (*tags_for(source, self._tags - {SOURCE}), SOURCE)
        for layer, entries in enumerate(self._layers):
            for place, entry in enumerate(entries):
                for text in next((entry.words[tag] for tag in tags if tag in entry.words), ()):
                    if written := tuple(words(text)):
                        folded = tuple(word.casefold() for word in written)
                        yield _Form(text, written, folded, entry, layer, place)


def _term(form: _Form, into: Sequence[str]) -> Term | None:
    entry = form.entry
    targets = next((entry.words[tag] for tag in into if tag in entry.words), ())
    if entry.keep:
        targets = (form.text,)
    if not targets:
        return None
    forbidden = tuple(dict.fromkeys(word for tag in (*into, ANY) for word in entry.forbidden.get(tag, ())))
    term = Term(form.text, targets[0], entry.note, entry.case, entry.keep, forbidden, entry.inflected)
    return _or(term, targets[1:])


def _chosen(found: Sequence[tuple[Rank, Term]]) -> tuple[Rank, Term]:
    """Of entries that are written alike, the one that counts; the model is told of other senses of it."""
    rank, term = min(found, key=lambda pair: pair[0])
    senses = (
        other.target for place, other in found if place[:-1] == rank[:-1] and other.target != term.target
    )
    return rank, _or(term, tuple(dict.fromkeys(senses)))


def _or(term: Term, others: Sequence[str]) -> Term:
    """The term; where others are right too, the model chooses, and only a soft finding is made of it."""
    if not others:
        return term
    note = "; ".join(filter(None, (term.note, f"or: {', '.join(others[:_MOST_OTHERS])}")))
    return replace(term, note=note, inflected=True)


def load(files: Sequence[tuple[str, bytes]], *, lemmas: bool = False) -> Glossary:
    """The glossary of some files, each with its name. An entry of an earlier file goes before a later one.

    With `lemmas`, terms are found by the dictionary form of their words (the extra `lemma`). Without, an
    English term is found with -s, -es, -ed and -ing too, and every other one as it is written. What is
    installed never decides: the terms are part of what is asked, and another request would be paid again.
    """
    layers = []
    for name, content in files:
        reader = _READERS.get(PurePath(name).suffix.lower())
        if reader is None:
            hint = f"these can be: {', '.join(_READERS)}"
            raise InputError("no format is known for this glossary", where=name, hint=hint)
        entries = reader(name, content)
        _refuse_wrong(entries, twice=reader is table.read)
        layers.append(entries)
    return Glossary(layers, lemmas=lemmas)


def _refuse_wrong(entries: Sequence[Entry], *, twice: bool) -> None:
    """Refuse a long source and, with `twice`, one that has two translations: which one counts is not known.

    In a termbase a word may have two senses, each a concept of its own.
    """
    seen: dict[tuple[tuple[str, ...], bool], Entry] = {}
    errors = []
    for entry in entries:
        for text in entry.authors:
            if len(text) > LONGEST:
                hint = "a glossary holds terms, not sentences"
                what = f"a source of {len(text):,} characters, and {LONGEST} are the most"
                errors.append(InputError(what, where=entry.place, hint=hint))
            key = (tuple(words(text if entry.case else text.casefold())), entry.case)
            other = seen.setdefault(key, entry)
            if twice and (problem := _contradiction(other, entry)):
                hint = f"leave one of the two out; the other is at {other.place}"
                errors.append(InputError(f"'{text[:80]}' {problem}", where=entry.place, hint=hint))
    if errors:
        raise together(errors)


def _contradiction(one: Entry, other: Entry) -> str:
    if one.keep != other.keep:
        return "is kept in one entry, and translated in another"
    source = next(iter(one.words), "")
    for tag, targets in one.words.items():
        if tag != source and other.words.get(tag, targets)[:1] != targets[:1]:
            return f"has two translations: '{targets[0][:80]}' and '{other.words[tag][0][:80]}'"
    return ""
