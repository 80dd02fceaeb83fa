"""XLIFF 1.2 and 2.0: the sources are translated, and the translations stand in `<target>` beside them.

A target that is there is kept, unless its state says that it is not translated yet; its state is then set to
`translated`. `build` writes the target language. Only the bytes of the targets are counted as segments.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from pipeline.core.document import Document, Policy, Segment
from pipeline.core.errors import InputError
from pipeline.documents._element import Messages, Tree, local
from pipeline.documents._inline import Style, has_words, joined, place
from pipeline.documents._markup import attributes
from pipeline.documents._nested import Naming, Place, Raw

SUFFIXES = (".xlf", ".xliff")
_CODE = frozenset(("ph", "bpt", "ept", "it", "bx", "ex", "x", "sc", "ec", "cp", "sm", "em"))
"""inline elements that hold no text for people"""
_LEFT_OUT = frozenset(("alt-trans", "matches", "glossary", "ignorable", "bin-unit", "originalData", "header"))
_UNITS = ("file", "group", "unit", "trans-unit", "segment", "ignorable", "source", "note")
_TODO = ("new", "needs-translation", "initial")
_STATE = re.compile(rf"""(\bstate\s*=\s*["'])(?:{"|".join(_TODO)})(?=["'])""")
_ICU = re.compile(r"\{\s*\w+\s*,\s*(?:plural|select|selectordinal)\s*,")
_STYLE = Style(xml=True)


def recognises(name: str, content: bytes) -> bool:
    """Whether it has the root of XLIFF: other programs use these suffixes, too."""
    return b"<xliff" in content[:4096].replace(b"\x00", b"") or b":xliff" in content[:4096]


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The units of the file."""
    return _Xliff(Tree(name, content), policy.target)


class _Xliff(Messages):
    def __init__(self, tree: Tree, wanted: str) -> None:
        root = next((at for at, token in enumerate(tree.tokens) if token.kind in ("open", "empty")), -1)
        if root < 0 or local(tree.tokens[root]) != "xliff":
            hint = "its root must be <xliff>"
            raise InputError("this is not an XLIFF file", where=tree.where, hint=hint)
        second = tree.attribute(root, "version").startswith("2")
        named = [root] if second else [at for at, one in enumerate(tree.tokens) if local(one) == "file"]
        namings = [_naming(tree, at, "trgLang" if second else "target-language") for at in named]
        known = (tree.text[one.start : one.end] for one in namings if one)
        other = [wanted and tag and not _same(tag, wanted) for tag in known]
        places = _places(tree)
        super().__init__(
            tree,
            _asked_anew(places) if any(other) else places,
            namings=filter(None, namings),
            rest="sources and markup",
        )

    def skeleton(self, tree: Tree) -> Iterator[tuple[str, str]]:
        """The units and their sources; targets may be new."""
        return ((token.kind, token.name) for token in tree.tokens if local(token) in _UNITS)


def _same(tag: str, wanted: str) -> bool:
    """Whether texts in the language of a tag may stand for those that are wanted."""
    one, other = (text.casefold().replace("_", "-") for text in (tag, wanted))
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


def _asked_anew(places: Iterable[Place]) -> Iterator[Place]:
    """The places without the translations that stand there: they are in another language."""
    for one in places:
        yield replace(one, segment=replace(one.segment, given=None))


def _naming(tree: Tree, at: int, name: str) -> Naming | None:
    token = tree.tokens[at]
    if token.kind == "close":
        return None
    found = next((one for one in attributes(tree.text, token) if one.name == name), None)
    if found:
        return Naming(found.start, found.end)
    after = token.start + 1 + len(token.name)
    return Naming(after, after, f' {name}="', '"')


def _places(tree: Tree) -> Iterator[Place]:
    """The places of all translations."""
    at = 0
    while at < len(tree.tokens):
        token, name = tree.tokens[at], local(tree.tokens[at])
        if token.kind == "open" and (name in _LEFT_OUT or _is_kept(tree, at, name)):
            at = tree.end(at)
        elif token.kind == "open" and name in ("trans-unit", "unit"):
            yield from _unit(tree, at)
            at = tree.end(at)
        at += 1


def _is_kept(tree: Tree, at: int, name: str) -> bool:
    return name in ("file", "group", "unit", "trans-unit") and tree.attribute(at, "translate") == "no"


def _unit(tree: Tree, at: int) -> Iterator[Place]:
    """The places of the translations of one unit: one in XLIFF 1.2, one for each segment in 2.0."""
    unit, last = at, tree.end(at)
    note = _notes(tree, at)
    holder = source = after = 0
    while at <= last:
        token, name = tree.tokens[at], local(tree.tokens[at])
        if token.kind == "open" and name in _LEFT_OUT:
            at = tree.end(at)
        elif token.kind == "open" and name in ("unit", "trans-unit", "segment"):
            holder = at
        elif token.kind == "open" and name in ("source", "seg-source"):
            source, after = (at, tree.end(at)) if name == "source" else (source, tree.end(at))
            at = tree.end(at)
        elif name == "target" and source:
            yield from _translation(tree, unit, holder, source, at, note)
            source, at = 0, tree.end(at)
        elif token.kind == "close" and name in ("trans-unit", "segment") and source:
            yield from _translation(tree, unit, holder, source, -after, note)
            source = 0
        at += 1


def _notes(tree: Tree, unit: int) -> str:
    """What a unit says to translators, before its texts or behind them."""
    said = [
        html.unescape(tree.raw(at + 1, tree.end(at) - 1)).strip()
        for at in range(unit, tree.end(unit))
        if tree.tokens[at].kind == "open" and local(tree.tokens[at]) == "note"
    ]
    return "\n".join(said)


def _translation(tree: Tree, unit: int, holder: int, source: int, target: int, note: str) -> Iterator[Place]:
    """The place of one translation. A `target` below 0 is not there: it will stand after that token."""
    parts = tree.parts(source, lambda name: name in _CODE)
    if not parts:
        return
    run = joined(tree.text, parts, _STYLE)
    if not has_words(run.text, (*run.opaque, *run.markup)):
        return
    given = None
    if target > 0 and not {tree.attribute(at, "state") for at in (holder, target)} & set(_TODO):
        inside = tree.parts(target, lambda name: name in _CODE)
        given = joined(tree.text, inside, _STYLE).text if inside else None
    limit = tree.attribute(unit, "maxwidth") if tree.attribute(unit, "size-unit") == "char" else ""
    segment = Segment(
        run.text,
        "message",
        next(filter(None, (tree.attribute(unit, key) for key in ("resname", "name", "id"))), ""),
        tuple(run.opaque),
        tuple(run.markup),
        note,
        given,
        "icu" if _ICU.search(run.text) else "",
        int(limit) if limit.isdecimal() else 0,
    )
    inner = place(tree.text, run, segment, _STYLE)
    source_token = tree.tokens[source]
    blank = tree.text[source_token.end : run.start], tree.text[run.end : tree.tokens[tree.end(source)].start]
    if target < 0:
        at = tree.tokens[-target].end
        name = source_token.name.removesuffix("source") + "target"
        indent = tree.raw(source - 1, source - 1)
        tags = ("" if indent.strip() else indent) + f"<{name}>" + blank[0], blank[1] + f"</{name}>"
        yield Place(at, at, segment, partial(_written, tags, inner), bilingual=True)
        return
    token, start = tree.tokens[target], target
    opening = tree.raw(target, target)
    name = token.name
    if local(tree.tokens[holder]) == "segment" and tree.attribute(holder, "state") in _TODO:
        start = holder
        opening = tree.raw(holder, target)
    opening = re.sub(r"\s*/>\Z", ">", _STATE.sub(r"\1translated", opening))
    tags = opening + blank[0], blank[1] + f"</{name}>"
    end = tree.tokens[tree.end(target)].end
    yield Place(tree.tokens[start].start, end, segment, partial(_written, tags, inner), bilingual=True)


def _written(tags: tuple[str, str], inner: Place, target: str, raw: Raw) -> str:
    return tags[0] + inner.written(target, raw) + tags[1]
